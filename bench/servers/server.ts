import type { Framing, Transport } from '../load/protocol.ts';
import type { Addresses } from '../settings.ts';

/** A server that can be measured. */
export interface MeasuredServer {
  readonly name: string;
  /** Why it cannot be measured here, or undefined. */
  readonly absence: () => string | undefined;
  readonly version: () => string;
  /** What its clients send when they have a channel: ChannelData unless it cannot relay that. */
  readonly framing: Framing;
  /** What clients can reach it over. */
  readonly transports: readonly Transport[];
  /** What it can do besides relaying ChannelData for one peer on one thread; other cases leave it out. */
  readonly features: readonly Feature[];
  /**
   * Writes the configuration into `folder`, where `certificateFiles` lie already, and returns the command line.
   *
   * All servers get the same listeners, relay ports (`RELAY_PORTS`), credential and peer, and no log.
   */
  readonly prepare: (setup: ServerSetup) => Command;
}

/**
 * An ability that only some servers have.
 *
 * - `allocations`: allocates as RFC 8656 has it, so that memory and allocations per second can be measured.
 * - `indications`: relays Send indications, and sends Data indications where no channel is bound.
 * - `workers`: runs as many relay threads as it is told.
 * - `routes`: has a table of endpoints that clients may reach.
 */
export type Feature = 'allocations' | 'indications' | 'workers' | 'routes';

/** What a server is started with. */
export interface ServerSetup {
  /** Folder of the server's own, removed when it ends. */
  readonly folder: string;
  readonly addresses: Addresses;
  /** What to listen for, on `SERVER_PORTS`; UDP is always among them. */
  readonly transports: readonly Transport[];
  /** Relay threads, where it has the feature. */
  readonly workers: number;
  /** Endpoints in the route table, where it has the feature; the peer is the last of them. */
  readonly routes: number;
}

/** A program with its arguments. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}
