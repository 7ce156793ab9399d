import type { Framing } from '../load/protocol.ts';

/** A server that can be measured. */
export interface MeasuredServer {
  readonly name: string;
  /** Why it cannot be measured here, or undefined. */
  readonly absence: () => string | undefined;
  readonly version: () => string;
  /** What its clients send: ChannelData unless it cannot relay that. */
  readonly framing: Framing;
  /**
   * Writes the configuration into `folder` and returns the command line.
   *
   * All servers get the same listener, relay ports, credential and peers, one relay thread, and no log.
   */
  readonly prepare: (folder: string) => Command;
}

/** A program with its arguments. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}
