import t, { type Test } from 'tap';
import { installCaller } from '../support/browser-caller.ts';
import { within } from '../support/child-process.ts';
import { missingChromium, openChromium } from '../support/chromium.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { IS_COTURN_UNDER_TEST, startServer } from '../support/server-under-test.ts';
import { candidateTypes, type WebRtcStats } from '../support/webrtc.ts';
import { openEchoPeer } from '../support/werift-peer.ts';

const CALL_MS_MAX = 30_000;
const FRAMES = 20;
const TEXTS = Array.from(
  { length: 50 },
  (_, index) => `message ${index} ${'x'.repeat(index * 20)}`,
);

const CALLS = [
  { mode: 'reactor', transport: 'udp' },
  { mode: 'reactor', transport: 'tcp' },
  { mode: 'portable', transport: 'udp' },
  { mode: 'portable', transport: 'tcp' },
] as const;

const skip = missingChromium() || (!IS_COTURN_UNDER_TEST && missingBuild());

t.test('Chromium reaches a peer through the relay alone', { skip }, async (t) => {
  const browser = await openChromium();
  t.teardown(() => browser.close());
  const caller = await installCaller(browser.page);

  for (const { mode, transport } of CALLS) {
    await t.test(`${mode} mode, TURN over ${transport}`, async (t) => {
      const server = await startServer({ mode });
      t.teardown(() => server.stop());
      const peer = openEchoPeer('127.0.0.1');
      t.teardown(() => peer.close());
      t.teardown(() => caller.hangUp());
      const inTime = <Value>(what: string, promise: Promise<Value>): Promise<Value> =>
        within(CALL_MS_MAX, promise, () => `${what} takes too long\n${server.lines.join('\n')}`);

      const iceServer = await server.iceServer('alice');
      const urls = iceServer.urls.filter((url) => url.endsWith(`?transport=${transport}`));
      t.equal(urls.length, 1, 'one URI of this transport');
      const offer = await inTime('gathering', caller.offer({ ...iceServer, urls }));
      t.same(candidateTypes(offer), ['relay'], 'candidates');
      await inTime('connecting', caller.accept(await peer.answer(offer)));

      t.same(await inTime('the data channel', caller.echo(TEXTS)), TEXTS, 'messages come back');
      await inTime('video', caller.presentFrames(FRAMES));
      checkStats(t, await caller.stats(), transport);
      t.ok(peer.video.frames >= FRAMES, `whole frames at the peer: ${peer.video.frames}`);
      t.ok(peer.video.keyframes >= 1, `key frames at the peer: ${peer.video.keyframes}`);
      t.ok(peer.video.width > 0, `width at the peer: ${peer.video.width}`);
    });
  }
});

function checkStats(t: Test, stats: readonly WebRtcStats[], transport: string): void {
  const transportStats = stats.find(({ type }) => type === 'transport');
  const pair = stats.find(({ id }) => id === transportStats?.['selectedCandidatePairId']);
  const local = stats.find(({ id }) => id === pair?.['localCandidateId']);
  const video = stats.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video');
  t.match(local, { candidateType: 'relay', relayProtocol: transport }, 'selected local candidate');
  const roundTripMs = Number(pair?.['currentRoundTripTime']) * 1000;
  t.ok(roundTripMs >= 0, `round trip through the relay: ${roundTripMs} ms`);
  const decoded = Number(video?.['framesDecoded']);
  t.ok(decoded >= FRAMES, `frames decoded: ${decoded}`);
}
