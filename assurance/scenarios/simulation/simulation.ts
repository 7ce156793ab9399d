import { setImmediate as nextTurn } from 'node:timers/promises';
import { Simulation } from '../../../test/support/simulation/simulation.ts';
import type { Finding, Scenario, ScenarioOptions } from '../../scenario.ts';

const CLIENTS = 2000;
const HOURS = 1;
const SECONDS_PER_REPORT = 900;

/** Thousands of clients on a bad network, and an operator, around the core: hours in a minute. */
export const simulation: Scenario = {
  name: 'simulation',
  promise: 'whatever clients, networks and operators do, the server does what RFC 8656 has it do',
  missing: () => false,
  run,
};

async function run({ scale, seed, progress }: ScenarioOptions): Promise<readonly Finding[]> {
  const simulated = new Simulation({
    seed,
    clients: CLIENTS,
    ports: 1200,
    actSeconds: 20,
    operatorSeconds: 45,
    compareSeconds: 10,
    faults: { lost: 100, duplicated: 50, corrupted: 10, delayTicksMax: 96 },
  });
  const seconds = Math.ceil(HOURS * 3600 * scale);
  for (let done = 0; done < seconds && simulated.problems.length === 0;) {
    const step = Math.min(SECONDS_PER_REPORT, seconds - done);
    simulated.run(step);
    done += step;
    const live = simulated.driver.server.allocationCount;
    progress(`${done} s, ${simulated.counts.requests} requests, ${live} allocations`);
    await nextTurn();
  }
  simulated.end();
  return [verdictOf(simulated, seconds), ...coverageOf(simulated)];
}

function verdictOf({ counts, network, problems }: Simulation, seconds: number): Finding {
  const { steps, requests, relayedUp, relayedDown, compared } = counts;
  const { sent, lost, duplicated, corrupted } = network.counts;
  const figures = [
    `${problems.length} in ${steps} steps of ${CLIENTS} clients over ${seconds} s`,
    `${requests} requests, ${relayedUp} packets relayed up and ${relayedDown} down`,
    `${sent} sent, ${lost} lost, ${duplicated} doubled, ${corrupted} corrupted`,
    `the whole state compared ${compared} times`,
  ];
  return {
    what: 'differences between the server and the reference server',
    figure: [...figures, ...problems].join('; '),
    bound: '0',
    holds: problems.length === 0,
  };
}

/** What has to happen, or the agreement means little. */
function coverageOf({ reference, operator, counts }: Simulation): Finding[] {
  const codes = [300, 401, 403, 437, 438, 441, 443, 486, 508].filter(
    (code) => ![...reference.errors.keys()].some((key) => key.endsWith(` ${code}`)),
  );
  const ends = [
    'expired',
    'refreshedToZero',
    'clientClosed',
    'credentialExpired',
    'kicked',
  ] as const;
  const missing = [
    ...codes,
    ...[...ends, 'revoked' as const].filter((end) => !reference.ends.has(end)),
    ...(counts.relayedUp === 0 ? ['data from clients'] : []),
    ...(counts.relayedDown === 0 ? ['data from peers'] : []),
  ];
  const acts = Object.entries(operator.counts).map(([name, count]) => `${name} ${count}`);
  return [
    {
      what: 'error codes, ends and data that never occurred',
      figure: missing.length === 0 ? `none; the operator: ${acts.join(', ')}` : missing.join(', '),
      bound: 'none',
      holds: missing.length === 0,
    },
  ];
}
