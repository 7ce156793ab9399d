import { ATTRIBUTE, CLASS } from '../../stun/registry.ts';
import type { StunMessage } from '../../stun/message.ts';
import type { Client } from '../allocation.ts';
import { isKnownAttribute } from '../known-attributes.ts';
import type { Now } from '../policy.ts';
import type { TurnContext } from '../turn-context.ts';

/** Answers a Binding request; needs no credentials (RFC 8489 §12, RFC 8656 §5). */
export function handleBinding(
  context: TurnContext,
  client: Client,
  message: StunMessage,
  now: Now,
): void {
  const { writer } = context;
  const unknown = message.unknownComprehensionRequired(isKnownAttribute);
  if (unknown.length > 0) {
    if (!context.mayAnswerStranger(client, now)) return;
    context.options.counters.countError(message.method, 420);
    writer.begin(message.method, CLASS.ERROR, message.bytes, message.transactionIdOffset);
    writer.errorCode(420, '').unknownAttributes(unknown);
  } else {
    writer.begin(message.method, CLASS.SUCCESS, message.bytes, message.transactionIdOffset);
    writer.xorAddress(ATTRIBUTE.XOR_MAPPED_ADDRESS, client.address);
  }
  if (message.hasFingerprint) writer.fingerprint();
  context.send(client, writer.written());
}
