import type { Pace } from './pace.ts';
import type { Sink } from './sink.ts';
import type { Source } from './source.ts';
import type { LoadClock } from './load-clock.ts';
import type { PacketTally } from './numbered-packets.ts';

/** The packets of one run in one direction. */
export class Flow {
  /** Packets that a socket took. */
  sent = 0;
  readonly sink: Sink;
  readonly tally: PacketTally;
  readonly #source: Source;
  readonly #pace: Pace;

  constructor(source: Source, pace: Pace, sink: Sink, tally: PacketTally) {
    this.#source = source;
    this.#pace = pace;
    this.sink = sink;
    this.tally = tally;
  }

  /** Sends the next burst if it is due, at the time that the clock has just read; false when it is not. */
  sendIfDue(clock: LoadClock): boolean {
    const elapsed = clock.elapsedMicroseconds;
    if (!this.#pace.isDue(elapsed)) return false;
    this.sent += this.#source.send(this.#pace.client, clock.stamp);
    this.#pace.advance(elapsed);
    return true;
  }
}
