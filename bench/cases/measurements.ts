import type { TrafficResult } from '../load/protocol.ts';
import { GeneratorEnded } from '../measure/generator-process.ts';
import type {
  DirectFigures,
  Failure,
  GarbageFigures,
  HighestRateFigures,
  MemoryFigures,
  RelayCase,
  RelayFigures,
} from '../report-data.ts';
import { isSameLoad } from './direct-way.ts';
import { highestRateFigures, type HighestRate } from './highest-rate.ts';
import { memoryFigures, type MemoryRound } from './memory-case.ts';
import { relayFigures } from './relay-figures.ts';
import { RoundResults } from './round-results.ts';

/** The figures of a report. */
export interface Figures {
  readonly failures: readonly Failure[];
  readonly relay: readonly RelayFigures[];
  readonly direct: readonly DirectFigures[];
  readonly highestRates: readonly HighestRateFigures[];
  readonly memory: readonly MemoryFigures[];
  readonly garbage: readonly GarbageFigures[];
}

/** Results of each case, or of whatever else is measured. */
export type ResultsByKey<Key, T> = Map<Key, RoundResults<T>>;

/** What a result is of. */
export interface Subject {
  readonly server: string;
  readonly round: number;
  /** Name of the case, or what else is measured. */
  readonly subject: string;
}

/** Everything that was measured so far, round by round. */
export class Measurements {
  readonly relay: ResultsByKey<RelayCase, TrafficResult> = new Map();
  readonly highestRates: ResultsByKey<RelayCase, HighestRate> = new Map();
  /** By the number of allocations. */
  readonly memory: ResultsByKey<number, MemoryRound> = new Map();
  readonly direct: DirectFigures[] = [];
  readonly garbage: GarbageFigures[] = [];
  readonly failures: Failure[] = [];

  /** Keeps a result of a round, or why there is none. */
  take<Key, T>(into: ResultsByKey<Key, T>, key: Key, of: Subject, result: T | Error): void {
    if (result instanceof Error) {
      this.#fail(of, result);
      return;
    }
    let results = into.get(key);
    if (results === undefined) into.set(key, (results = new RoundResults<T>()));
    results.set(of.server, of.round, result);
  }

  /** Does something and keeps the reason when it fails; throws GeneratorEnded, since nothing more can be done then. */
  async attempt(of: Subject, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof GeneratorEnded) throw error;
      this.#fail(of, error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** The medians of everything. */
  figures(): Figures {
    return {
      failures: this.failures,
      relay: [...this.relay].flatMap(([relayCase, results]) => {
        const direct = this.direct.find((figures) => isSameLoad(figures.case, relayCase));
        return results.servers.map((server) =>
          relayFigures(relayCase, server, results, direct?.latency),
        );
      }),
      direct: this.direct,
      highestRates: [...this.highestRates].flatMap(([relayCase, results]) =>
        results.servers.map((server) => highestRateFigures(relayCase, server, results)),
      ),
      memory: [...this.memory].flatMap(([allocations, results]) =>
        results.servers.map((server) => memoryFigures(allocations, server, results)),
      ),
      garbage: this.garbage,
    };
  }

  #fail({ server, round, subject }: Subject, { message }: Error): void {
    process.stderr.write(`${server} failed: ${subject}: ${message}\n`);
    this.failures.push({ server, case: subject, round, reason: message });
  }
}
