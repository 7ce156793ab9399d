/** How well small packets come back. */
export interface EchoFigures {
  readonly sent: number;
  readonly received: number;
  /** Round trips, milliseconds; undefined when none came back. */
  readonly medianMs: number | undefined;
  readonly slowestMs: number | undefined;
}

/** Sums up round trips, milliseconds, of so many packets. */
export function figuresOf(roundTrips: readonly number[], sent: number): EchoFigures {
  const sorted = roundTrips.toSorted((a, b) => a - b);
  const medianMs = sorted[Math.floor((sorted.length - 1) / 2)];
  return { sent, received: sorted.length, medianMs, slowestMs: sorted.at(-1) };
}
