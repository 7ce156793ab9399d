import { uint16At } from '../../stun/big-endian.ts';
import { classOf, methodOf } from '../../stun/message-type.ts';
import type { StunMessage } from '../../stun/message.ts';
import { CLASS, HEADER_BYTES } from '../../stun/registry.ts';
import type { Client } from '../allocation.ts';
import type { Now } from '../policy.ts';
import type { TurnContext } from '../turn-context.ts';

/**
 * Answers 500 to a request of RFC 3489, which knew of no magic cookie and must not be spoken over DTLS (RFC 8489 §11);
 * its indications are ignored, as all of it is elsewhere.
 *
 * @param message - view whose decoding failed at the cookie; borrowed.
 */
export function refuseClassicRequest(
  context: TurnContext,
  client: Client,
  { bytes, offset, length, transactionIdOffset }: StunMessage,
  now: Now,
): void {
  const messageType = uint16At(bytes, offset);
  const isRequest =
    client.endpoint.transport === 'dtls' &&
    classOf(messageType) === CLASS.REQUEST &&
    uint16At(bytes, offset + 2) === length - HEADER_BYTES;
  if (!isRequest) {
    context.drop('malformedStun');
    return;
  }
  if (!context.mayAnswerStranger(client, now)) return;
  const method = methodOf(messageType);
  context.options.counters.countError(method, 500);
  const answer = context.writer
    .begin(method, CLASS.ERROR, bytes, transactionIdOffset)
    .errorCode(500, '')
    .written();
  // What stands in the place of the cookie is part of the transaction ID there.
  for (let at = 4; at < 8; at++) answer[at] = bytes[offset + at]!;
  context.send(client, answer);
}
