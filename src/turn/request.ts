import type { StunMessage } from '../stun/message.ts';
import { CLASS } from '../stun/registry.ts';
import type { StunWriter } from '../stun/message-writer.ts';
import type { Allocation, Client } from './allocation.ts';
import type { Authenticated } from './authentication.ts';
import type { Now } from './policy.ts';
import type { TurnContext } from './turn-context.ts';

/** An authenticated request on its way through a handler. */
export interface TurnRequest {
  /** Decoded view; borrowed for the duration of the handler. */
  readonly message: StunMessage;
  readonly client: Client;
  readonly authenticated: Authenticated;
  readonly now: Now;
}

/** A request whose 5-tuple has an allocation that its sender owns. */
export interface AllocationRequest extends TurnRequest {
  readonly allocation: Allocation;
}

/** A protocol rejection: becomes an error response. */
export interface Rejection {
  readonly code: 300 | 400 | 403 | 405 | 420 | 437 | 440 | 441 | 442 | 443 | 486 | 508;
  /** Attributes beyond ERROR-CODE. */
  readonly write?: (writer: StunWriter) => void;
}

/** Writes the whole success response: `write` adds the attributes between header and integrity. */
export function writeSuccess(
  writer: StunWriter,
  method: number,
  transactionId: Uint8Array,
  authenticated: Authenticated,
  write?: (writer: StunWriter) => void,
): Uint8Array {
  writer.begin(method, CLASS.SUCCESS, transactionId);
  write?.(writer);
  sign(writer, authenticated);
  return writer.written();
}

/** Queues the error response of an authenticated request. */
export function answerRejection(
  context: TurnContext,
  client: Client,
  method: number,
  transactionId: Uint8Array,
  authenticated: Authenticated,
  { code, write }: Rejection,
): void {
  const { writer } = context;
  writer.begin(method, CLASS.ERROR, transactionId).errorCode(code);
  write?.(writer);
  sign(writer, authenticated);
  context.options.counters.countError(method, code);
  context.send(client, writer.written());
}

/** Queues the success response of a request. */
export function answerSuccess(
  context: TurnContext,
  { client, message, authenticated }: TurnRequest,
  write?: (writer: StunWriter) => void,
): void {
  const id = message.copyTransactionId();
  const bytes = writeSuccess(context.writer, message.method, id, authenticated, write);
  context.send(client, bytes);
}

/** Adds the integrity attribute that the client can check (RFC 8489 §9.2.4), and FINGERPRINT if it sent one. */
function sign(writer: StunWriter, authenticated: Authenticated): void {
  if (authenticated.signsWithSha256) writer.integritySha256(authenticated.key);
  else writer.integrity(authenticated.key);
  if (authenticated.hasFingerprint) writer.fingerprint();
}
