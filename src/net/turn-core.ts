import type { TurnEvent } from '../turn/commands.ts';
import type { Now } from '../turn/policy.ts';
import type { TurnServer } from '../turn/turn-server.ts';
import type { TransportEvent } from './shared/transport-event.ts';

/** What a data plane drives: a TURN server with its policies and its reports. */
export interface TurnCore<Policies> {
  readonly server: TurnServer;
  /** Swaps the given parts of the policies; the driver drains the server's commands afterwards. */
  replacePolicies(policies: Partial<Policies>, now: Now): void;
  /** Reports an event of the server, or of the connections to it. */
  onEvent(event: TurnEvent | TransportEvent, now: Now): void;
}
