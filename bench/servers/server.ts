import type { Framing, Transport } from '../load/protocol.ts';

/** A server that can be measured. */
export interface MeasuredServer {
  readonly name: string;
  /** Why it cannot be measured here, or undefined. */
  readonly absence: () => string | undefined;
  readonly version: () => string;
  /** What its clients send: ChannelData unless it cannot relay that. */
  readonly framing: Framing;
  /** What clients can reach it over. */
  readonly transports: readonly Transport[];
  /**
   * Writes the configuration into `folder`, where `certificateFiles` lie already, and returns the command line.
   *
   * All servers get the same listeners, relay ports, credential and peers, one relay thread, and no log.
   *
   * @param transports - what to listen for, UDP always among them.
   */
  readonly prepare: (folder: string, transports: readonly Transport[]) => Command;
}

/** A program with its arguments. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}
