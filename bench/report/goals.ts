import type { RelayCase, Report } from '../report-data.ts';
import { isChosen, measureGoal, type Measurement } from './goal-measurements.ts';
import { GOALS, type Goal, type GoalBound, type Opponent } from './goal-table.ts';
import { OURS, serverNames } from './server-names.ts';

/** What a report says about one row of the table of goals. */
export interface GoalResult {
  readonly goal: Goal;
  readonly cells: readonly GoalCell[];
}

/** What a report says about one opponent in one row. */
export interface GoalCell {
  readonly bound: GoalBound;
  /** Name of the server that was compared with; undefined when it was not there, and for `itself`. */
  readonly server: string | undefined;
  readonly outcome: GoalOutcome;
  /** The figure that is furthest from the goal, which is what counts; undefined when nothing was measured. */
  readonly worst: Measurement | undefined;
  /** True when only a part of the loads that count was measured. */
  readonly isPartial: boolean;
}

/** Whether a goal was reached, as far as it was measured. */
export type GoalOutcome = 'reached' | 'missed' | 'notMeasured';

/** Compares a report with all goals; the worst direction and load count. */
export function evaluateGoals(report: Report): GoalResult[] {
  return GOALS.map((goal) => ({
    goal,
    cells: goal.bounds.map((bound) => evaluate(report, goal, bound)),
  }));
}

/** True when a goal looks at what a server does in a case. */
export function isForGoal(relayCase: RelayCase, server: string): boolean {
  return GOALS.some(
    ({ cases, bounds }) =>
      isChosen(relayCase, cases) &&
      Object.keys(cases).length > 0 &&
      (server === OURS || bounds.some(({ against }) => isOpponent(server, against))),
  );
}

/** True when a goal about allocations looks at a server. */
export function isForAllocationGoal(server: string): boolean {
  return GOALS.filter(({ cases }) => Object.keys(cases).length === 0).some(
    ({ bounds }) => server === OURS || bounds.some(({ against }) => isOpponent(server, against)),
  );
}

function evaluate(report: Report, goal: Goal, bound: GoalBound): GoalCell {
  const server = opponentName(report, bound.against);
  const { measurements, isPartial } = measureGoal(report, goal, bound, server);
  const worst = worstOf(measurements, bound);
  return { bound, server, outcome: outcomeOf(worst, bound), worst, isPartial };
}

/** The name that an opponent has in a report, undefined when it is not in it. */
function opponentName(report: Report, opponent: Opponent): string | undefined {
  return serverNames(report).find((name) => isOpponent(name, opponent));
}

function isOpponent(server: string, opponent: Opponent): boolean {
  return opponent === 'coturn-4.17' ? server.startsWith(opponent) : server === opponent;
}

function worstOf(
  measurements: readonly Measurement[],
  { sense }: GoalBound,
): Measurement | undefined {
  const sign = sense === 'atMost' ? -1 : 1;
  return measurements.toSorted((a, b) => sign * (a.value - b.value))[0];
}

function outcomeOf(worst: Measurement | undefined, { sense, value }: GoalBound): GoalOutcome {
  if (worst === undefined) return 'notMeasured';
  const isReached = sense === 'atMost' ? worst.value <= value : worst.value >= value;
  return isReached ? 'reached' : 'missed';
}
