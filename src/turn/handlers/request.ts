import type { StunMessage } from '../../stun/message.ts';
import { ATTRIBUTE, CLASS, METHOD } from '../../stun/registry.ts';
import type { Client } from '../allocation.ts';
import {
  authenticate,
  refusal,
  type Authenticated,
  type NotAuthenticated,
} from '../authentication.ts';
import { confinedCredential } from '../identity.ts';
import { isKnownAttribute } from '../known-attributes.ts';
import type { Now } from '../policy.ts';
import { answerRejection, type Rejection, type TurnRequest } from '../request.ts';
import type { TurnContext } from '../turn-context.ts';
import { handleAllocate } from './allocate.ts';
import { handleBinding } from './binding.ts';
import { handleChannelBind } from './channel-bind.ts';
import { handleCreatePermission } from './create-permission.ts';
import { handleRefresh } from './refresh.ts';
import { prolongCredential } from '../credential-expiry.ts';

/**
 * Handles a request: method, authentication, attributes, then the handler of its method (RFC 8489 §6.3, §9.2.4).
 *
 * @param message - decoded view; borrowed.
 */
export function handleRequest(
  context: TurnContext,
  client: Client,
  message: StunMessage,
  now: Now,
): void {
  switch (message.method) {
    case METHOD.BINDING:
      handleBinding(context, client, message, now);
      break;
    case METHOD.ALLOCATE:
    case METHOD.REFRESH:
    case METHOD.CREATE_PERMISSION:
    case METHOD.CHANNEL_BIND:
      handleTurnRequest(context, client, message, now);
      break;
    default:
      context.drop('unsupportedMethod');
  }
}

function handleTurnRequest(
  context: TurnContext,
  client: Client,
  message: StunMessage,
  now: Now,
): void {
  const { credentials } = context;
  const authenticated = credentials.isTurnEnabled
    ? identify(context, client, message, now)
    : TURN_DISABLED;
  if ('code' in authenticated) {
    answerUnauthenticated(context, client, message, authenticated, now);
    return;
  }
  const request: TurnRequest = { message, client, authenticated, now };
  const rejection = dispatch(context, request);
  if (rejection === undefined) return;
  const id = message.copyTransactionId();
  answerRejection(context, client, message.method, id, request.authenticated, rejection);
}

const TURN_DISABLED = { code: 403, isRoutable: false } as const;

/** Proves who sends a request: by its credential, and by the certificate where the client has shown one. */
function identify(
  context: TurnContext,
  client: Client,
  message: StunMessage,
  now: Now,
): Authenticated | NotAuthenticated {
  const { credentials, nonces, rules } = context;
  // Under this rule a live allocation keeps whatever has been valid since it was made.
  const { allocation } = client;
  const since = rules.onCredentialExpiry === 'keep' ? allocation?.createdAtUnixSeconds : undefined;
  const authenticated = authenticate(message, client.address, credentials, nonces, now, since);
  if ('code' in authenticated) return authenticated;
  const credential = confinedCredential(authenticated.credential, client.identity);
  // A certificate that gives another name does not hide whose credential it is.
  const revoked = [authenticated.credentialUserId, credential.userId].find((userId) =>
    credentials.isRevoked(userId, now.unixSeconds),
  );
  if (revoked !== undefined) return refusal('revoked', revoked);
  return { ...authenticated, credential };
}

function dispatch(context: TurnContext, request: TurnRequest): Rejection | undefined {
  const { message, client } = request;
  const unknown = message.unknownComprehensionRequired(isKnownAttribute);
  if (unknown.length > 0) {
    return { code: 420, write: (writer) => writer.unknownAttributes(unknown) };
  }
  if (message.method === METHOD.ALLOCATE) return handleAllocate(context, request);

  const { allocation } = client;
  if (allocation?.state !== 'active') return { code: 437 };
  const { authenticated } = request;
  if (allocation.userId !== authenticated.credential.userId) return { code: 441 };
  prolongCredential(context, allocation, authenticated, request.now);
  const owned = { ...request, allocation };
  switch (message.method) {
    case METHOD.REFRESH:
      return handleRefresh(context, owned);
    case METHOD.CREATE_PERMISSION:
      return handleCreatePermission(context, owned);
    default:
      return handleChannelBind(context, owned);
  }
}

/**
 * Answers 401 and 438 with a challenge, 400 and 403 without (RFC 8489 §9.2.4).
 *
 * Over an authentic nonce there is always an answer: else anybody who forges the address of a client could use up its
 * answers, and a nonce that has become stale would cost it its allocation. Guessing passwords is slowed down no more
 * than over TCP; it is counted, and takes the guesser's own address.
 */
function answerUnauthenticated(
  context: TurnContext,
  client: Client,
  message: StunMessage,
  refused: NotAuthenticated | typeof TURN_DISABLED,
  now: Now,
): void {
  const { code } = refused;
  if ('failure' in refused && refused.failure !== undefined) {
    context.emit({ kind: 'authenticationFailed', client, ...refused.failure });
  }
  if (!refused.isRoutable && !context.mayAnswerStranger(client, now)) return;
  context.options.counters.countError(message.method, code);
  const { writer, credentials, nonces } = context;
  writer.begin(message.method, CLASS.ERROR, message.bytes, message.transactionIdOffset);
  // Anybody may ask with a forged source address: without a reason phrase there is less to amplify.
  writer.errorCode(code, '');
  if (code === 401 || code === 438) {
    writer.text(ATTRIBUTE.REALM, credentials.realm);
    writer.text(ATTRIBUTE.NONCE, nonces.issue(client.address, now.monotonicMs));
    const { passwordAlgorithms } = credentials;
    if (passwordAlgorithms.length > 0) writer.passwordAlgorithms(passwordAlgorithms);
  }
  if (message.hasFingerprint) writer.fingerprint();
  context.send(client, writer.written());
}
