import { SeededRandom } from '../../../test/support/core/seeded-random.ts';
import { tryMemberships, tryVerdicts, type Trials } from '../../../test/support/route-trials.ts';
import type { Finding, Scenario } from '../../scenario.ts';

const TRIALS = 1_000_000;

/** Verdicts and memberships against big integers. */
export const peerOracle: Scenario = {
  name: 'peer-oracle',
  promise: 'whether a peer is forbidden or routed agrees with big integers, in any embedding',
  missing: () => false,
  run: ({ scale, seed, progress }) => {
    const count = Math.ceil(TRIALS * scale);
    const random = new SeededRandom(seed);
    progress(`${count} verdicts`);
    const verdicts = finding('verdicts on special-purpose peers', tryVerdicts(count, random));
    progress(`${count} memberships`);
    const memberships = finding('addresses and ports in endpoints', tryMemberships(count, random));
    return Promise.resolve([verdicts, memberships]);
  },
};

function finding(what: string, { count, yes, wrong, wrongCount }: Trials): Finding {
  const examples = wrong.length === 0 ? '' : `: ${wrong.slice(0, 5).join(', ')}`;
  return {
    what,
    figure: `${wrongCount} wrong of ${count} (${yes} yes)${examples}`,
    bound: '0 wrong',
    holds: wrongCount === 0 && yes > 0 && yes < count,
  };
}
