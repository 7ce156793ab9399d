import { Mismatch } from './conformance-case.ts';
import { ATTRIBUTE, CLASS } from './wire/numbers.ts';
import type { Reply } from './wire/reply.ts';

/** Expects two values to be the same. */
export function expectEqual<Value>(what: string, seen: Value, wanted: Value): void {
  if (seen !== wanted) throw new Mismatch(`${what} is ${String(seen)}, not ${String(wanted)}`);
}

/** Expects something to hold; `seen` says what was there instead. */
export function expectThat(isSo: boolean, seen: string): asserts isSo {
  if (!isSo) throw new Mismatch(seen);
}

/** Expects a success response. */
export function expectSuccess(reply: Reply): Reply {
  expectThat(reply.messageClass === CLASS.SUCCESS, `${reply.describe()}, not success`);
  return reply;
}

/** Expects an error response with one of these codes. */
export function expectError(reply: Reply, ...codes: readonly number[]): Reply {
  const isError = reply.messageClass === CLASS.ERROR;
  const isWanted = isError && codes.includes(reply.errorCode ?? -1);
  expectThat(isWanted, `${reply.describe()}, not error ${codes.join(' or ')}`);
  return reply;
}

/** Expects an error response of whatever code. */
export function expectRefusal(reply: Reply): Reply {
  expectThat(reply.messageClass === CLASS.ERROR, `${reply.describe()}, not an error`);
  return reply;
}

/** Expects an attribute in a message. */
export function expectAttribute(reply: Reply, type: number, name: string): Buffer {
  const value = reply.value(type);
  expectThat(value !== undefined, `${reply.describe()} without ${name}`);
  return value;
}

/** Expects an attribute not to be in a message. */
export function expectNoAttribute(reply: Reply, type: number, name: string): void {
  expectThat(!reply.has(type), `${reply.describe()} with ${name}`);
}

/** Expects neither kind of integrity in a message. */
export function expectUnsigned(reply: Reply): void {
  expectNoAttribute(reply, ATTRIBUTE.MESSAGE_INTEGRITY, 'MESSAGE-INTEGRITY');
  expectNoAttribute(reply, ATTRIBUTE.MESSAGE_INTEGRITY_SHA256, 'MESSAGE-INTEGRITY-SHA256');
}
