import type { Finding, Scenario } from '../../scenario.ts';
import { attackNetwork, missingNetwork } from '../../support/attack-network.ts';
import { startTarget, TARGET } from '../../support/attacked-gateway.ts';
import { atLeast, atMost, count } from '../../support/finding.ts';
import type { FloodKind } from '../../support/flood-messages.ts';
import type { FlooderApi } from '../../support/parties/flooder.ts';
import { RemoteProcess } from '../../support/remote-process.ts';

const MESSAGES = 1_000_000;
const RETURNED = 20_000;
const SECONDS_MAX = 60;
const SOURCES = 10_000;

/** What is no request has no answer, so that nobody can be hit by one, and two servers never talk to each other. */
export const reflection: Scenario = {
  name: 'reflection',
  promise:
    'responses, indications and nonsense are never answered, and answers that come back least of all',
  missing: missingNetwork,
  run: async ({ scale, progress }) => {
    const gateway = await startTarget();
    const flooder = new RemoteProcess<FlooderApi>(
      new URL('../../support/parties/flooder.ts', import.meta.url),
      attackNetwork().others,
    );
    const unanswered = async (kind: FloodKind, port: number): Promise<Finding> => {
      progress(`${kind} to port ${port}`);
      const messagesMax = Math.ceil((MESSAGES / 4) * scale);
      const order = { kind, server: { ...TARGET, port }, sources: SOURCES, messagesMax };
      const { sent, answers } = await flooder.call('flood', { ...order, seconds: SECONDS_MAX });
      const what = `${kind} to port ${port}, answers`;
      return atMost(what, answers, 0, `${answers} to ${count(sent)} messages`);
    };
    const returned = async (kind: FloodKind, port: number): Promise<readonly Finding[]> => {
      progress(`answers to ${kind} go back to port ${port}`);
      const messages = Math.ceil(RETURNED * scale);
      const order = { kind, server: { ...TARGET, port }, sources: SOURCES, messages };
      const { answers, answersToAnswers } = await flooder.call('returnAnswers', order);
      const what = `answers to ${kind} sent back, answers to them`;
      return [
        atLeast(`answers to ${kind} sent back`, answers, messages / 2, count(answers)),
        atMost(what, answersToAnswers, 0, `${answersToAnswers} to ${count(answers)} answers`),
      ];
    };
    try {
      return [
        await unanswered('response', TARGET.port),
        await unanswered('nonsense', TARGET.port),
        await unanswered('response', TARGET.dtlsPort),
        await unanswered('nonsense', TARGET.dtlsPort),
        ...(await returned('binding', TARGET.port)),
        ...(await returned('allocate', TARGET.port)),
        ...(await returned('foreignNonce', TARGET.port)),
        ...(await returned('unknownAttribute', TARGET.port)),
        ...(await returned('dtlsHello', TARGET.dtlsPort)),
      ];
    } finally {
      await Promise.all([flooder.stop(), gateway.stop()]);
    }
  },
};
