import { GENERATOR_LIMIT_PERCENT } from '../cases/relay-figures.ts';
import type {
  GarbageFigures,
  HighestRateFigures,
  MemoryFigures,
  RelayCase,
  RelayFigures,
  Report,
} from '../report-data.ts';
import {
  GOAL_ALLOCATIONS,
  type Goal,
  type GoalBound,
  type GoalFigure,
  type LoadSelector,
} from './goal-table.ts';
import { OURS } from './server-names.ts';

/** One figure of a report that counts for a goal. */
export interface Measurement {
  /** A multiple of the opponent's figure, or the figure itself where there is no opponent. */
  readonly value: number;
  /** Under which load it was measured and what, for people; empty when the row says it all. */
  readonly label: string;
  /** True when the generator was the limit for one of the two servers, which may be capable of more. */
  readonly isGeneratorLimit: boolean;
}

/** What a report has for a goal and an opponent. */
export interface Measurements {
  readonly measurements: readonly Measurement[];
  /** True when some of the loads that the goal names are missing. */
  readonly isPartial: boolean;
}

interface Pair<Figures> {
  readonly ours: Figures;
  readonly theirs: Figures;
}

interface CaseFigures {
  readonly case: RelayCase;
  readonly server: string;
}

const LATENCY_PERCENTILES = ['p50', 'p99'] as const;

type Measure = (report: Report, cases: LoadSelector, server: string | undefined) => Measurements;

const MEASURES: Readonly<Record<GoalFigure, Measure>> = {
  cpu: ({ relay }, cases, server) => ofCases(cases, pairs(relay, cases, server), cpuRatio),
  latency: ({ relay }, cases, server) => ofCases(cases, pairs(relay, cases, server), latencyRatios),
  highestRate: ({ highestRates }, cases, server) =>
    ofCases(cases, pairs(highestRates, cases, server), rateRatio),
  growth: ({ relay }, cases) => growth(relay, cases),
  memory: ({ memory }, _, server) =>
    ofMemory(memory, server, ({ ours, theirs }) => measured(ours.memoryRatios[theirs.server])),
  memoryBytes: ({ memory }) =>
    ofMemory(memory, OURS, ({ ours }) => measured(ours.bytesPerAllocationWithChannel)),
  allocationRate: ({ memory }, _, server) => ofMemory(memory, server, allocationRateRatio),
  garbage: (report) => garbage(report.garbage),
};

/**
 * Takes from a report what counts for a goal against one opponent.
 *
 * @param server - name of the opponent in the report; undefined when it is not there.
 */
export function measureGoal(
  report: Report,
  { cases }: Goal,
  { figure }: GoalBound,
  server: string | undefined,
): Measurements {
  return MEASURES[figure](report, cases, server);
}

function cpuRatio({ ours, theirs }: Pair<RelayFigures>): Measurement[] {
  return measured(ours.cpuRatios[theirs.server], {
    label: ours.case.name,
    isGeneratorLimit: ours.isGeneratorLimit || theirs.isGeneratorLimit,
  });
}

function rateRatio({ ours, theirs }: Pair<HighestRateFigures>): Measurement[] {
  return measured(ours.rateRatios[theirs.server], {
    label: ours.case.direction,
    isGeneratorLimit: ours.isGeneratorLimit || theirs.isGeneratorLimit,
  });
}

function allocationRateRatio({ ours, theirs }: Pair<MemoryFigures>): Measurement[] {
  return measured(ours.allocationRateRatios[theirs.server], {
    isGeneratorLimit: isBusy(ours) || isBusy(theirs),
  });
}

/** Beside a server that added nothing, which is noise, a ratio would say nothing. */
function latencyRatios({ ours, theirs }: Pair<RelayFigures>): Measurement[] {
  return LATENCY_PERCENTILES.filter(
    (percentile) => (theirs.addedLatency?.[percentile] ?? 0) > 0,
  ).flatMap((percentile) =>
    measured(ours.addedLatencyRatios[theirs.server]?.[percentile], {
      label: `${percentile}, ${ours.case.name}`,
      isGeneratorLimit: isLate(ours, percentile) || isLate(theirs, percentile),
    }),
  );
}

function growth(all: readonly RelayFigures[], cases: LoadSelector): Measurements {
  const ours = pairs(all, cases, OURS);
  const directions = new Set(ours.map((pair) => pair.ours.case.direction));
  const measurements = [...directions].flatMap((direction) => {
    const oneWay = ours
      .map((pair) => pair.ours)
      .filter((figures) => figures.case.direction === direction)
      .toSorted((a, b) => sizeOf(a.case) - sizeOf(b.case));
    const [smallest, largest] = [oneWay[0]!, oneWay.at(-1)!];
    if (sizeOf(smallest.case) === sizeOf(largest.case)) return [];
    return measured(largest.cpuMicrosecondsPerPacket / smallest.cpuMicrosecondsPerPacket, {
      label: direction,
      isGeneratorLimit: smallest.isGeneratorLimit || largest.isGeneratorLimit,
    });
  });
  return {
    measurements,
    isPartial: isPartial(
      cases,
      ours.map((pair) => pair.ours.case),
    ),
  };
}

function garbage(figures: readonly GarbageFigures[]): Measurements {
  const measurements = figures.flatMap(({ direction, packets, bytesPerPacketMax }) =>
    measured(Math.floor(bytesPerPacketMax), {
      label: `${direction}, at most ${bytesPerPacketMax} B in ${(packets / 1e6).toFixed(1)} M packets`,
    }),
  );
  return { measurements, isPartial: figures.length === 1 };
}

function ofCases<Figures extends CaseFigures>(
  cases: LoadSelector,
  found: readonly Pair<Figures>[],
  measure: (pair: Pair<Figures>) => Measurement[],
): Measurements {
  const counted = found.filter((pair) => measure(pair).length > 0);
  return {
    measurements: counted.flatMap(measure),
    isPartial: isPartial(
      cases,
      counted.map(({ ours }) => ours.case),
    ),
  };
}

function ofMemory(
  all: readonly MemoryFigures[],
  server: string | undefined,
  measure: (pair: Pair<MemoryFigures>) => Measurement[],
): Measurements {
  const figures = all.filter(({ allocations }) => allocations === GOAL_ALLOCATIONS);
  const ours = figures.find((each) => each.server === OURS);
  const theirs = figures.find((each) => each.server === server);
  const measurements = ours && theirs ? measure({ ours, theirs }) : [];
  return { measurements, isPartial: false };
}

/** Our figures in the chosen cases, each with those of another server, which may be ours again. */
function pairs<Figures extends CaseFigures>(
  all: readonly Figures[],
  cases: LoadSelector,
  server: string | undefined,
): Pair<Figures>[] {
  const chosen = all.filter((figures) => isChosen(figures.case, cases));
  const theirs = new Map(
    chosen.filter((each) => each.server === server).map((each) => [each.case.name, each]),
  );
  return chosen
    .filter((each) => each.server === OURS)
    .flatMap((ours) => {
      const other = theirs.get(ours.case.name);
      return other === undefined ? [] : [{ ours, theirs: other }];
    });
}

/** True when a case has the properties that a selector asks for. */
export function isChosen(relayCase: RelayCase, cases: LoadSelector): boolean {
  return properties(cases).every((property) =>
    valuesOf(cases, property).includes(relayCase[property]),
  );
}

/** True when a value that the selector names does not occur. */
function isPartial(cases: LoadSelector, found: readonly RelayCase[]): boolean {
  return properties(cases).some((property) =>
    valuesOf(cases, property).some((value) => !found.some((each) => each[property] === value)),
  );
}

function properties(cases: LoadSelector): (keyof RelayCase)[] {
  return Object.keys(cases) as (keyof RelayCase)[];
}

function valuesOf(cases: LoadSelector, property: keyof RelayCase): readonly unknown[] {
  return cases[property] ?? [];
}

/** Whatever grows, the rest of the load being the same. */
function sizeOf({ allocations, routes }: RelayCase): number {
  return allocations * routes;
}

function isBusy({ generatorPercent }: MemoryFigures): boolean {
  return generatorPercent >= GENERATOR_LIMIT_PERCENT;
}

/** True when packets were sent later than they were relayed. */
function isLate(
  { latency, generatorLateness }: RelayFigures,
  percentile: (typeof LATENCY_PERCENTILES)[number],
): boolean {
  if (latency === null || generatorLateness === null) return false;
  return generatorLateness[percentile] > latency[percentile];
}

function measured(
  value: number | undefined,
  { label = '', isGeneratorLimit = false }: Partial<Omit<Measurement, 'value'>> = {},
): Measurement[] {
  return value === undefined || !Number.isFinite(value) ? [] : [{ value, label, isGeneratorLimit }];
}
