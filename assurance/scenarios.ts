import { amplification } from './scenarios/attacks/amplification.ts';
import { cost } from './scenarios/attacks/cost.ts';
import { FLOODS } from './scenarios/attacks/floods.ts';
import { guessing } from './scenarios/attacks/guessing.ts';
import { quota } from './scenarios/attacks/quota.ts';
import { reflection } from './scenarios/attacks/reflection.ts';
import { slowloris } from './scenarios/attacks/slowloris.ts';
import { timing } from './scenarios/attacks/timing.ts';
import { independentClients } from './scenarios/clients/independent-clients.ts';
import type { Scenario } from './scenario.ts';

/** All scenarios, in the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [
  independentClients,
  amplification,
  cost,
  ...FLOODS,
  guessing,
  quota,
  reflection,
  slowloris,
  timing,
];
