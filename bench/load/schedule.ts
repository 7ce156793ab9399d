import { SeededRandom } from './seeded-random.ts';

/** A calendar has about as many entries, or one for each client where those are more. */
const ENTRIES_MIN = 16_384;
/** How far from its even rhythm a client sends, as a share of its interval, to either side. */
const JITTER = 0.1;

/**
 * Settles when independent clients send: each at the same even rate, but from a random phase on and with jitter, so
 * that all together come at nearly random times.
 *
 * It is a calendar of a few thousand entries that begins again when it ends; going through it creates nothing.
 */
export class Schedule {
  /** When the next one is due, microseconds from the beginning. */
  dueMicroseconds: number;
  /** Who is next: 0 to `clients - 1`. */
  client: number;
  readonly #times: Float64Array;
  readonly #clients: Int32Array;
  readonly #length: number;
  #begins = 0;
  #entry = 0;

  /** @param intervalMicroseconds - from one time that a client sends to the next. */
  constructor(clients: number, intervalMicroseconds: number, seed: number) {
    const turns = Math.ceil(ENTRIES_MIN / clients);
    const entries = createEntries(clients, turns, seed);
    this.#length = turns * intervalMicroseconds;
    this.#times = Float64Array.from(entries, ({ turn }) => turn * intervalMicroseconds);
    this.#clients = Int32Array.from(entries, ({ client }) => client);
    this.dueMicroseconds = this.#times[0]!;
    this.client = this.#clients[0]!;
  }

  /** Goes on to the next entry. */
  advance(): void {
    this.#entry++;
    if (this.#entry === this.#times.length) {
      this.#entry = 0;
      this.#begins += this.#length;
    }
    this.dueMicroseconds = this.#begins + this.#times[this.#entry]!;
    this.client = this.#clients[this.#entry]!;
  }
}

/** In order of time, which is counted in intervals from 0 to `turns`. */
function createEntries(
  clients: number,
  turns: number,
  seed: number,
): { readonly turn: number; readonly client: number }[] {
  const random = new SeededRandom(seed);
  const entries = Array.from({ length: clients }, (_, client) => {
    const phase = random.next();
    return Array.from({ length: turns }, (__, index) => {
      const turn = index + phase + JITTER * (2 * random.next() - 1);
      return { turn: (turn + turns) % turns, client };
    });
  });
  return entries.flat().toSorted((a, b) => a.turn - b.turn);
}
