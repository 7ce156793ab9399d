import type { RelayCase } from '../report-data.ts';

/** Whom the gateway is compared with: a server of the bench by its name, or `itself` for figures without a peer. */
export type Opponent = 'c' | 'c-segment' | 'coturn' | 'coturn-4.17' | 'itself';

/**
 * What is compared; all but the last three are multiples of the opponent's figure.
 *
 * - `cpu`: server CPU per packet received.
 * - `latency`: p50 and p99 of packets, each a figure of its own.
 * - `highestRate`: packets per second at an allowed loss.
 * - `memory`: resident memory per allocation.
 * - `allocationRate`: allocations per second with the full challenge.
 * - `memoryBytes`: resident memory per allocation with its channel, bytes.
 * - `growth`: CPU per packet at the largest value of a property of the load as a multiple of that at the smallest.
 * - `garbage`: whole bytes of heap that each relayed packet can have cost at most.
 */
export type GoalFigure =
  | 'cpu'
  | 'latency'
  | 'highestRate'
  | 'memory'
  | 'allocationRate'
  | 'memoryBytes'
  | 'growth'
  | 'garbage';

/** Chooses cases by the values that some of their properties may have. */
export type LoadSelector = {
  readonly [Property in keyof RelayCase]?: readonly RelayCase[Property][];
};

/** How a figure must compare with an opponent's. */
export interface GoalBound {
  readonly against: Opponent;
  readonly figure: GoalFigure;
  readonly sense: 'atMost' | 'atLeast';
  readonly value: number;
}

/** One row of the table of goals. */
export interface Goal {
  readonly title: string;
  /** Under which load, for people. */
  readonly load: string;
  /** Cases that count, the worst of them most; figures of memory and garbage have no cases. */
  readonly cases: LoadSelector;
  readonly bounds: readonly GoalBound[];
}

/** Allocations that memory and allocations per second are measured with. */
export const GOAL_ALLOCATIONS = 10_000;
/** Rounds from which on a median may be quoted. */
export const GOAL_ROUNDS = 5;

const ONE_WAY = ['up', 'down'] as const;

/** What the gateway sets out to reach, row by row. */
export const GOALS: readonly Goal[] = [
  {
    title: 'CPU per packet, half load',
    load: 'single packets at 60 k/s, up and down',
    cases: { group: ['paced'], direction: ONE_WAY, packetsPerSecond: [60_000] },
    bounds: [
      atMost('c', 'cpu', 1.1),
      atMost('coturn', 'cpu', 0.75),
      atMost('coturn-4.17', 'cpu', 0.85),
    ],
  },
  {
    title: 'CPU per packet, saturated',
    load: 'single packets as fast as they can be sent, up and down',
    cases: { group: ['saturated'], direction: ONE_WAY, packetsPerSecond: [null] },
    bounds: [
      atMost('c', 'cpu', 1.1),
      atMost('coturn', 'cpu', 0.95),
      atMost('coturn-4.17', 'cpu', 1.05),
    ],
  },
  {
    title: 'CPU per packet, video frames',
    load: 'bursts of 8 × 1100 B with segmentation, up and down',
    cases: { group: ['bursts'], direction: ONE_WAY, burst: [8], payloadBytes: [1100] },
    bounds: [
      atMost('c-segment', 'cpu', 1.15),
      atMost('coturn', 'cpu', 0.55),
      atMost('coturn-4.17', 'cpu', 0.6),
    ],
  },
  {
    title: 'Highest rate',
    load: 'bursts of 8 × 1100 B, at most 0.1 % lost, up and down',
    cases: { group: ['highest'], direction: ONE_WAY, burst: [8], payloadBytes: [1100] },
    bounds: [atLeast('coturn', 'highestRate', 1.4), atLeast('coturn-4.17', 'highestRate', 1.3)],
  },
  {
    title: 'Latency, p50 and p99',
    load: 'single packets at every paced rate, up and down',
    cases: { group: ['paced'], direction: ONE_WAY, packetsPerSecond: [20_000, 60_000, 100_000] },
    bounds: [atMost('coturn', 'latency', 1), atMost('coturn-4.17', 'latency', 1.1)],
  },
  {
    title: 'CPU per packet, TCP and TLS',
    load: '1 and 100 streams, every rate, up and down',
    cases: {
      group: ['streams'],
      transport: ['tcp', 'tls'],
      clients: [1, 100],
      direction: ONE_WAY,
    },
    bounds: [atMost('coturn', 'cpu', 1), atMost('coturn-4.17', 'cpu', 1)],
  },
  {
    title: 'Memory per allocation',
    load: `${GOAL_ALLOCATIONS / 1000} k allocations`,
    cases: {},
    bounds: [
      atMost('coturn', 'memory', 0.5),
      atMost('coturn-4.17', 'memory', 0.5),
      atMost('itself', 'memoryBytes', 10_000),
    ],
  },
  {
    title: 'Allocations per second',
    load: 'full authentication, 64 clients at a time',
    cases: {},
    bounds: [
      atLeast('coturn', 'allocationRate', 1.5),
      atLeast('coturn-4.17', 'allocationRate', 1.2),
    ],
  },
  {
    title: 'CPU per packet with many allocations',
    load: '10,000 as a multiple of 100, of which 100 are busy',
    cases: {
      group: ['scale'],
      direction: ONE_WAY,
      clients: [100],
      allocations: [100, 10_000],
      routes: [1],
      workers: [1],
      packetsPerSecond: [60_000],
    },
    bounds: [atMost('itself', 'growth', 1.1)],
  },
  {
    title: 'CPU per packet with many routes',
    load: '10,000 endpoints as a multiple of 1',
    cases: {
      group: ['scale'],
      direction: ONE_WAY,
      clients: [100],
      allocations: [100],
      routes: [1, 10_000],
      workers: [1],
      packetsPerSecond: [60_000],
    },
    bounds: [atMost('itself', 'growth', 1.1)],
  },
  {
    title: 'Heap per packet',
    load: 'whole bytes that each relayed packet allocates, up and down',
    cases: {},
    bounds: [atMost('itself', 'garbage', 0)],
  },
];

function atMost(against: Opponent, figure: GoalFigure, value: number): GoalBound {
  return { against, figure, sense: 'atMost', value };
}

function atLeast(against: Opponent, figure: GoalFigure, value: number): GoalBound {
  return { against, figure, sense: 'atLeast', value };
}
