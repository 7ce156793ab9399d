import type { Options } from '../options.ts';
import type { RelayCase } from '../report-data.ts';
import type { MeasuredServer } from '../servers/server.ts';
import { turnpike } from '../servers/turnpike.ts';
import { type Block, blocksOf, inability } from './block.ts';
import { blockSeconds, type Conditions, type Measurement, runBlock } from './block-run.ts';
import { directCases, directSeconds, runDirect } from './direct-way.ts';
import { garbageSeconds, runGarbageCase } from './garbage-case.ts';
import { HIGHEST_RATE } from './highest-rate.ts';
import type { Job } from './job.ts';
import type { Measurements, ResultsByKey } from './measurements.ts';
import { MEMORY_ALLOCATIONS, memorySeconds, runMemoryRound } from './memory-case.ts';
import { HIGHEST_CASES, RELAY_CASES, selectCases } from './relay-cases.ts';
import { RELAYED } from './relayed.ts';
import { GOAL_ALLOCATIONS } from '../report/goal-table.ts';
import { isForAllocationGoal, isForGoal } from '../report/goals.ts';

const GARBAGE_PACKETS = 10_000_000;
const QUICK_GARBAGE_PACKETS = 1_000_000;

/** What a plan is made from, and where the results go. */
export interface Assignment {
  readonly options: Options;
  readonly servers: readonly MeasuredServer[];
  readonly conditions: Conditions;
  readonly measurements: Measurements;
}

/** Everything that a run measures, in order: in every round all servers have their turn with a block of cases. */
export function planJobs(assignment: Assignment): Job[] {
  const rounds = Array.from({ length: assignment.options.rounds }, (_, index) => index + 1);
  return [
    ...directJobs(assignment),
    ...rounds.flatMap((round) => [
      ...relayJobs(assignment, round),
      ...highestJobs(assignment, round),
      ...memoryJobs(assignment, round),
    ]),
    ...garbageJobs(assignment),
  ];
}

function directJobs({ options, conditions, measurements }: Assignment): Job[] {
  return directCases(selectCases(RELAY_CASES, options)).map((relayCase) => ({
    title: `${relayCase.name} without a server`,
    seconds: directSeconds(conditions.durations),
    run: () =>
      measurements.attempt({ server: 'none', round: 1, subject: relayCase.name }, async () => {
        const { latency } = await runDirect(relayCase, conditions);
        if (latency !== null) measurements.direct.push({ case: relayCase, latency });
      }),
  }));
}

function relayJobs(assignment: Assignment, round: number): Job[] {
  const { relay } = assignment.measurements;
  return blockJobs(assignment, round, RELAY_CASES, RELAYED, relay);
}

function highestJobs(assignment: Assignment, round: number): Job[] {
  const { highestRates } = assignment.measurements;
  return blockJobs(assignment, round, HIGHEST_CASES, HIGHEST_RATE, highestRates);
}

function blockJobs<T>(
  assignment: Assignment,
  round: number,
  cases: readonly RelayCase[],
  measurement: Measurement<T>,
  results: ResultsByKey<RelayCase, T>,
): Job[] {
  const { options, conditions } = assignment;
  return blocksOf(selectCases(cases, options), !options.isQuick).flatMap((block) =>
    inTurns(assignment.servers, round).flatMap((server) => {
      const able = ableBlock(block, server, assignment.options);
      if (able.cases.length === 0) return [];
      return [
        {
          title: `round ${round} of ${options.rounds}, ${block.title}: ${server.name}`,
          seconds: blockSeconds(able, measurement, conditions.durations),
          run: () => runBlockJob(assignment, round, server, able, measurement, results),
        },
      ];
    }),
  );
}

function runBlockJob<T>(
  { conditions, measurements }: Assignment,
  round: number,
  server: MeasuredServer,
  block: Block,
  measurement: Measurement<T>,
  results: ResultsByKey<RelayCase, T>,
): Promise<void> {
  const { name } = server;
  return measurements.attempt({ server: name, round, subject: block.title }, () =>
    runBlock(server, block, measurement, conditions, (relayCase, result) => {
      const of = { server: name, round, subject: relayCase.name };
      measurements.take(results, relayCase, of, result);
    }),
  );
}

function memoryJobs({ options, servers, ...rest }: Assignment, round: number): Job[] {
  if (!options.groups.includes('memory')) return [];
  const { conditions, measurements } = rest;
  const able = servers.filter(
    ({ name, features }) =>
      features.includes('allocations') && (!options.isForGoals || isForAllocationGoal(name)),
  );
  const counts = options.isForGoals ? [GOAL_ALLOCATIONS] : MEMORY_ALLOCATIONS;
  return counts.flatMap((allocations) =>
    inTurns(able, round).map((server) => {
      const subject = `memory of ${allocations} allocations`;
      const of = { server: server.name, round, subject };
      return {
        title: `round ${round} of ${options.rounds}, ${subject}: ${server.name}`,
        seconds: memorySeconds(allocations),
        run: () =>
          measurements.attempt(of, async () => {
            const result = await runMemoryRound(server, allocations, conditions.surroundings);
            measurements.take(measurements.memory, allocations, of, result);
          }),
      };
    }),
  );
}

function garbageJobs({ options, servers, conditions, measurements }: Assignment): Job[] {
  if (!options.groups.includes('garbage') || !servers.includes(turnpike)) return [];
  const packets = options.isQuick ? QUICK_GARBAGE_PACKETS : GARBAGE_PACKETS;
  const subject = 'garbage';
  return [
    {
      title: `${subject}: ${turnpike.name}`,
      seconds: garbageSeconds(packets),
      run: () =>
        measurements.attempt({ server: turnpike.name, round: 1, subject }, async () => {
          measurements.garbage.push(...(await runGarbageCase(packets, conditions)));
        }),
    },
  ];
}

/** Another server begins in every round, so that none is always measured behind the same one. */
function inTurns(servers: readonly MeasuredServer[], round: number): MeasuredServer[] {
  const first = (round - 1) % servers.length;
  return [...servers.slice(first), ...servers.slice(0, first)];
}

function ableBlock(block: Block, server: MeasuredServer, { isForGoals }: Options): Block {
  const cases = block.cases.filter(
    (relayCase) =>
      inability(server, relayCase) === undefined &&
      (!isForGoals || isForGoal(relayCase, server.name)),
  );
  return { ...block, cases };
}
