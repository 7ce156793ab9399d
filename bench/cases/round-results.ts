import { median } from '../measure/statistics.ts';

/** What was measured of something, by server and round. */
export class RoundResults<T> {
  readonly #byServer = new Map<string, Map<number, T>>();

  /** Keeps a result. */
  set(server: string, round: number, result: T): void {
    let rounds = this.#byServer.get(server);
    if (rounds === undefined) this.#byServer.set(server, (rounds = new Map<number, T>()));
    rounds.set(round, result);
  }

  /** Servers of which there is at least one result. */
  get servers(): string[] {
    return [...this.#byServer.keys()];
  }

  /** How many rounds of a server there are. */
  rounds(server: string): number {
    return this.#byServer.get(server)?.size ?? 0;
  }

  /** The median of a figure over the rounds of a server, of which there is at least one. */
  median(server: string, figure: (result: T) => number): number {
    return median([...this.#byServer.get(server)!.values()].map(figure));
  }

  /**
   * A server's figure as a multiple of every other server's.
   *
   * Servers are compared within a round, and of these ratios it is the median; rounds in which one of the two has no
   * figure above 0 do not count.
   */
  ratios(server: string, figure: (result: T) => number): Record<string, number> {
    const others = this.servers.filter((name) => name !== server);
    return Object.fromEntries(
      others.flatMap((other) => {
        const ratios = this.#ratiosByRound(server, other, figure);
        return ratios.length === 0 ? [] : [[other, median(ratios)]];
      }),
    );
  }

  #ratiosByRound(server: string, other: string, figure: (result: T) => number): number[] {
    const own = this.#byServer.get(server);
    const theirs = this.#byServer.get(other);
    if (own === undefined || theirs === undefined) return [];
    return [...own].flatMap(([round, result]) => {
      const compared = theirs.get(round);
      if (compared === undefined) return [];
      const [dividend, divisor] = [figure(result), figure(compared)];
      return dividend > 0 && divisor > 0 ? [dividend / divisor] : [];
    });
  }
}
