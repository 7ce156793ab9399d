import { FLOODS } from './scenarios/attacks/floods.ts';
import { independentClients } from './scenarios/clients/independent-clients.ts';
import type { Scenario } from './scenario.ts';

/** All scenarios, in the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [independentClients, ...FLOODS];
