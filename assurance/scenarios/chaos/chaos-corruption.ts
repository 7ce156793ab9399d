import { ephemeralCredential } from '../../../test/support/credentials.ts';
import { openUdpEchoPeer, type UdpEchoPeer } from '../../../test/support/echo-peer.ts';
import { missingBuild } from '../../../test/support/gateway-process.ts';
import { TurnClient } from '../../../test/support/turn-client.ts';
import type { Finding, Scenario, ScenarioOptions } from '../../scenario.ts';
import { callThrough } from '../../support/chaos/calls.ts';
import { ChaosProxy } from '../../support/chaos/chaos-proxy.ts';
import { ChaosStreamProxy } from '../../support/chaos/chaos-stream-proxy.ts';
import { ForgeryWatch } from '../../support/chaos/forgery-watch.ts';
import { FAULTLESS, type Faults } from '../../support/chaos/faults.ts';
import { aliveFinding, callFinding, iceServerAt, withGateway } from '../../support/chaos/scene.ts';
import type { LiveGateway } from '../../support/live-gateway.ts';

const RUNS = 20;
const CALL_MS_MAX = 25_000;
const ATTEMPTS_MAX = 4;
const CHURNERS = 40;
const CHURN_SECONDS = 25;
const CHANNEL = 0x4000;
/** So that the finding means something. */
const CORRUPTED_REQUESTS_MIN = 200;
const CORRUPTING: Faults = { ...FAULTLESS, corrupted: 100 };
const CORRUPTING_STREAM: Faults = { ...FAULTLESS, corrupted: 50, lost: 10 };

/** Bits that change on the way, in requests, answers, data and streams. */
export const chaosCorruption: Scenario = {
  name: 'chaos-corruption',
  promise: 'no corrupt request is taken for a genuine one, and corrupt bytes harm nobody else',
  missing: missingBuild,
  run: (options) => withGateway((gateway) => run(gateway, options)),
};

async function run(gateway: LiveGateway, options: ScenarioOptions): Promise<readonly Finding[]> {
  const peer = await openUdpEchoPeer();
  const forgeries = new ForgeryWatch();
  const common = { server: gateway.udp, faults: CORRUPTING, seed: options.seed };
  const watched = await ChaosProxy.open({ ...common, forgeries });
  const proxy = await ChaosProxy.open(common);
  const streams = await ChaosStreamProxy.open(gateway.tcp, CORRUPTING_STREAM, options.seed);
  const end = performance.now() + CHURN_SECONDS * 1000 * options.scale;
  try {
    const runs = Math.max(1, Math.round(RUNS * options.scale));
    const calls = callThrough({
      stack: 'libwebrtc',
      iceServer: iceServerAt(gateway, proxy.address, 'udp'),
      runs,
      callMsMax: CALL_MS_MAX,
      attemptsMax: ATTEMPTS_MAX,
    });
    const rounds = await Promise.all(
      Array.from({ length: CHURNERS }, (_, index) => {
        const isTcp = index % 4 === 3;
        const server = isTcp ? streams.address : watched.address;
        return churn(gateway, peer, server, isTcp ? 'tcp' : 'udp', end);
      }),
    );
    const done = rounds.reduce((sum, count) => sum + count, 0);
    options.progress(`${done} rounds; ${JSON.stringify({ ...watched.counts, ...streams.counts })}`);
    const outcomes = await calls;
    const { corrupted } = proxy.counts;
    return [
      forgeryFinding(forgeries),
      callFinding(`calls of libwebrtc, ${corrupted} datagrams corrupted`, outcomes),
      aliveFinding(gateway),
      await usableFinding(gateway, peer),
    ];
  } finally {
    watched.close();
    proxy.close();
    streams.close();
    peer.close();
  }
}

/** Allocates, binds, sends and ends, over and over; counts the rounds that came about. */
async function churn(
  gateway: LiveGateway,
  peer: UdpEchoPeer,
  server: { host: string; port: number },
  transport: 'udp' | 'tcp',
  end: number,
): Promise<number> {
  let rounds = 0;
  while (performance.now() < end) {
    const credential = ephemeralCredential(gateway.secret, `churn-${rounds % 7}`);
    const client = await TurnClient.open({ server, transport, credential }).catch(() => undefined);
    if (client === undefined) continue;
    client.onData = () => undefined;
    try {
      await client.allocate();
      for (let count = 0; count < 4; count++) await client.createPermission(peer.address);
      await client.channelBind(CHANNEL, peer.address);
      for (let count = 0; count < 20; count++)
        client.sendOnChannel(CHANNEL, Buffer.alloc(100, count));
      await client.refresh(0);
      rounds++;
    } catch {
      // What is corrupt is lost, and this client gives up then.
    } finally {
      await client.close();
    }
  }
  return rounds;
}

function forgeryFinding({ corrupted, accepted }: ForgeryWatch): Finding {
  return {
    what: 'corrupt requests that were answered as if they were genuine',
    figure: `${accepted} of ${corrupted}`,
    bound: `0 of at least ${CORRUPTED_REQUESTS_MIN}`,
    holds: accepted === 0 && corrupted >= CORRUPTED_REQUESTS_MIN,
  };
}

/** Whether somebody on a good network is served afterwards. */
async function usableFinding(gateway: LiveGateway, peer: UdpEchoPeer): Promise<Finding> {
  const credential = ephemeralCredential(gateway.secret, 'afterwards');
  const client = await TurnClient.open({ server: gateway.udp, credential });
  try {
    await client.allocate();
    await client.channelBind(CHANNEL, peer.address);
    client.sendOnChannel(CHANNEL, Buffer.from('afterwards'));
    const isEchoed = (await client.receive()).data.toString() === 'afterwards';
    const figure = isEchoed ? 'relays' : 'relays something else';
    return { what: 'a client afterwards', figure, bound: 'relays', holds: isEchoed };
  } finally {
    await client.close();
  }
}
