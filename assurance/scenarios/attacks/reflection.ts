import type { GatewayProcess } from '../../../test/support/gateway-process.ts';
import type { Finding, Scenario } from '../../scenario.ts';
import { attackNetwork, missingNetwork } from '../../support/attack-network.ts';
import { droppedDatagrams, startTarget, TARGET } from '../../support/attacked-gateway.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { atLeast, atMost, count } from '../../support/findings.ts';
import type { FloodKind, RepeatedKind } from '../../support/flood-messages.ts';
import type { FlooderApi } from '../../support/parties/flooder.ts';
import { RemoteProcess } from '../../support/remote-process.ts';

const MESSAGES = 250_000;
/** Some more than have to arrive. */
const SPARE = 1.02;
const MESSAGES_PER_SECOND = 40_000;
const RETURNED = 20_000;
const SECONDS_MAX = 60;
const SOURCES = 10_000;

interface Parties {
  readonly gateway: GatewayProcess;
  readonly flooder: RemoteProcess<FlooderApi>;
}

/** What is no request has no answer, so that nobody can be hit by one, and two servers never talk to each other. */
export const reflection: Scenario = {
  name: 'reflection',
  promise:
    'responses, indications and nonsense are never answered, and answers that come back least of all',
  missing: missingNetwork,
  run: ({ scale, progress }) =>
    Cleanup.around(async (cleanup) => {
      const gateway = await startTarget();
      cleanup.teardown(() => gateway.stop());
      const script = new URL('../../support/parties/flooder.ts', import.meta.url);
      const flooder = new RemoteProcess<FlooderApi>(script, attackNetwork().others);
      cleanup.teardown(() => flooder.stop());
      const parties = { gateway, flooder };
      const findings: Finding[] = [];
      for (const port of [TARGET.port, TARGET.dtlsPort]) {
        for (const kind of ['response', 'nonsense'] as const) {
          progress(`${kind} to port ${port}`);
          findings.push(...(await unanswered(parties, kind, port, scale)));
        }
      }
      for (const [kind, port] of RETURNED_TO) {
        progress(`answers to ${kind} go back to port ${port}`);
        findings.push(...(await returned(parties, kind, port, scale)));
      }
      return findings;
    }),
};

const RETURNED_TO: readonly (readonly [RepeatedKind, number])[] = [
  ['binding', TARGET.port],
  ['allocate', TARGET.port],
  ['foreignNonce', TARGET.port],
  ['unknownAttribute', TARGET.port],
  ['dtlsHello', TARGET.dtlsPort],
];

async function unanswered(
  { gateway, flooder }: Parties,
  kind: FloodKind,
  port: number,
  scale: number,
): Promise<readonly Finding[]> {
  const messages = Math.ceil(MESSAGES * scale);
  const dropped = droppedDatagrams(gateway.child.pid, port);
  const { sent, answers } = await flooder.call('flood', {
    kind,
    server: { ...TARGET, port },
    sources: SOURCES,
    messagesMax: Math.ceil(messages * SPARE),
    messagesPerSecond: MESSAGES_PER_SECOND,
    seconds: SECONDS_MAX * Math.max(1, scale),
  });
  const arrived = sent - (droppedDatagrams(gateway.child.pid, port) - dropped);
  const what = `${kind} to port ${port}`;
  const text = `${count(arrived)} of ${count(sent)}`;
  return [
    atLeast(`${what}, messages that arrived`, arrived, messages, { text }),
    atMost(`${what}, answers`, answers, 0),
  ];
}

async function returned(
  { flooder }: Parties,
  kind: RepeatedKind,
  port: number,
  scale: number,
): Promise<readonly Finding[]> {
  const messages = Math.ceil(RETURNED * scale);
  const order = { kind, server: { ...TARGET, port }, sources: SOURCES, messages };
  const { answers, answersToAnswers } = await flooder.call('returnAnswers', order);
  return [
    atLeast(`answers to ${kind} sent back`, answers, messages / 2),
    atMost(`answers to ${kind} sent back, answers to them`, answersToAnswers, 0),
  ];
}
