import { missingBuild } from '../../../test/support/gateway-process.ts';
import type { Finding, Scenario, ScenarioOptions } from '../../scenario.ts';
import { callThrough } from '../../support/chaos/calls.ts';
import { ChaosProxy } from '../../support/chaos/chaos-proxy.ts';
import { ChaosStreamProxy } from '../../support/chaos/chaos-stream-proxy.ts';
import { FAULTLESS, type Faults } from '../../support/chaos/faults.ts';
import { aliveFinding, callFinding, iceServerAt, withGateway } from '../../support/chaos/scene.ts';
import type { LiveGateway } from '../../support/live-gateway.ts';

const RUNS = 20;
/** What has not come about by then is begun anew, as applications do. */
const CALL_MS_MAX = 25_000;
const ATTEMPTS_MAX = 5;
const PATIENCE = { callMsMax: CALL_MS_MAX, attemptsMax: ATTEMPTS_MAX };
/** Nearly a third lost each way. */
const LOSSY: Faults = {
  ...FAULTLESS,
  lost: 300,
  duplicated: 100,
  delayed: 300,
  delayMsMax: 60,
};
/** For a stack that never sends a DTLS flight again: it connects through no server when many get lost. */
const DISORDERLY: Faults = { ...LOSSY, lost: 0 };
const BAD_STREAM: Faults = { ...FAULTLESS, delayed: 300, delayMsMax: 40 };

/** WebRTC stacks that are not ours call through the gateway over a network that loses, doubles and reorders. */
export const chaosLoss: Scenario = {
  name: 'chaos-loss',
  promise: 'calls come about at 30 % loss each way, with reordering and duplicates',
  missing: missingBuild,
  run: (options) => withGateway((gateway) => run(gateway, options)),
};

async function run(gateway: LiveGateway, options: ScenarioOptions): Promise<readonly Finding[]> {
  const runs = Math.max(1, Math.round(RUNS * options.scale));
  const findings = await Promise.all([
    overUdp(gateway, 'libjuice', LOSSY, runs, options),
    overUdp(gateway, 'libwebrtc', LOSSY, runs, options),
    overUdp(gateway, 'werift', DISORDERLY, runs, options),
    overTcp(gateway, 'libwebrtc', runs, options),
    overTcp(gateway, 'werift', runs, options),
  ]);
  return [...findings, aliveFinding(gateway)];
}

async function overUdp(
  gateway: LiveGateway,
  stack: string,
  faults: Faults,
  runs: number,
  { seed, progress }: ScenarioOptions,
): Promise<Finding> {
  const proxy = await ChaosProxy.open({ server: gateway.udp, faults, seed });
  try {
    const iceServer = iceServerAt(gateway, proxy.address, 'udp');
    const outcomes = await callThrough({ stack, iceServer, runs, ...PATIENCE });
    const { seen, lost, duplicated, delayed } = proxy.counts;
    progress(`${stack}: ${lost} of ${seen} lost, ${duplicated} doubled, ${delayed} reordered`);
    return callFinding(`calls of ${stack} over UDP, ${faults.lost / 10} % lost each way`, outcomes);
  } finally {
    proxy.close();
  }
}

async function overTcp(
  gateway: LiveGateway,
  stack: string,
  runs: number,
  { seed, progress }: ScenarioOptions,
): Promise<Finding> {
  const proxy = await ChaosStreamProxy.open(gateway.tcp, BAD_STREAM, seed);
  try {
    const iceServer = iceServerAt(gateway, proxy.address, 'tcp');
    const outcomes = await callThrough({ stack, iceServer, runs, ...PATIENCE });
    const { pieces, delayed } = proxy.counts;
    progress(`${stack} over TCP: ${pieces} pieces, ${delayed} late`);
    return callFinding(`calls of ${stack} over TCP in pieces`, outcomes);
  } finally {
    proxy.close();
  }
}
