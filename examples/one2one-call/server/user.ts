import type { Call } from './call.ts';
import type { ServerMessage } from './messages.ts';

/** Somebody who has registered and can be called. */
export interface User {
  readonly name: string;
  readonly send: (message: ServerMessage) => void;
  /** One at a time, from the first ring on. */
  call: Call | undefined;
}
