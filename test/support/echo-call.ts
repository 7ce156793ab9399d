import type { Test } from 'tap';
import type { BrowserCaller } from './browser-caller.ts';
import { within } from './child-process.ts';
import type { IceServer } from './server-under-test.ts';
import { candidateTypes, type WebRtcStats } from './webrtc.ts';
import { openEchoPeer } from './werift-peer.ts';

const CALL_MS_MAX = 30_000;
const FRAMES = 20;
const TEXTS = Array.from(
  { length: 50 },
  (_, index) => `message ${index} ${'x'.repeat(index * 20)}`,
);

/** Calls a peer that sends everything back: texts and video, all of it through the relay. */
export async function expectEchoCall(
  t: Test,
  caller: BrowserCaller,
  iceServer: IceServer,
  relayProtocol: 'udp' | 'tcp' | 'tls',
  serverLines: readonly string[],
): Promise<void> {
  const peer = openEchoPeer();
  t.teardown(() => peer.close());
  t.teardown(() => caller.hangUp());
  const inTime = <Value>(what: string, promise: Promise<Value>): Promise<Value> =>
    within(CALL_MS_MAX, promise, () => `${what} takes too long\n${serverLines.join('\n')}`);

  const offer = await inTime('gathering', caller.offer(iceServer));
  t.same(candidateTypes(offer), ['relay'], 'candidates');
  await inTime('connecting', caller.accept(await peer.answer(offer)));

  t.same(await inTime('the data channel', caller.echo(TEXTS)), TEXTS, 'messages come back');
  await inTime('video', caller.presentFrames(FRAMES));
  checkStats(t, await caller.stats(), relayProtocol);
  t.ok(peer.video.frames >= FRAMES, `whole frames at the peer: ${peer.video.frames}`);
  t.ok(peer.video.keyframes >= 1, `key frames at the peer: ${peer.video.keyframes}`);
  t.ok(peer.video.width > 0, `width at the peer: ${peer.video.width}`);
}

function checkStats(t: Test, stats: readonly WebRtcStats[], relayProtocol: string): void {
  const transportStats = stats.find(({ type }) => type === 'transport');
  const pair = stats.find(({ id }) => id === transportStats?.['selectedCandidatePairId']);
  // Only relayed addresses reach the peer; the gate in front of it makes what is selected a reflexive one of them.
  const relayed = stats.find(({ candidateType }) => candidateType === 'relay');
  const video = stats.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video');
  t.match(relayed, { type: 'local-candidate', relayProtocol }, 'relayed candidate');
  const roundTripMs = Number(pair?.['currentRoundTripTime']) * 1000;
  t.ok(roundTripMs >= 0, `round trip through the relay: ${roundTripMs} ms`);
  const decoded = Number(video?.['framesDecoded']);
  t.ok(decoded >= FRAMES, `frames decoded: ${decoded}`);
}
