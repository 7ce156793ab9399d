import { readBytes, readPasswordAlgorithms, readText } from '../stun/attributes.ts';
import { verifyIntegrity, verifyIntegritySha256 } from '../stun/integrity.ts';
import type { StunMessage } from '../stun/message.ts';
import { ATTRIBUTE, PASSWORD_ALGORITHM, type PasswordAlgorithm } from '../stun/registry.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import { TEXT_ATTRIBUTE_BYTES_MAX } from '../limits.ts';
import type { AuthenticationFailure } from './commands.ts';
import type { NonceIssuer } from './nonce.ts';
import type { Credential, CredentialPolicy, Now, UnixSeconds } from './policy.ts';

/** A request whose sender is proven. */
export interface Authenticated {
  readonly credential: Credential;
  /** User id of the credential as it was shown; a certificate may have put another one into `credential`. */
  readonly credentialUserId: string;
  /** Key that signed the request and signs the answer. */
  readonly key: Uint8Array;
  /** Whether the answer carries MESSAGE-INTEGRITY-SHA256 instead of MESSAGE-INTEGRITY. */
  readonly signsWithSha256: boolean;
  /** Whether the answer ends in FINGERPRINT, as the request did (RFC 8489 §7). */
  readonly hasFingerprint: boolean;
}

/** A request that is answered with an unsigned error response. */
export interface NotAuthenticated {
  /** 401 and 438 carry a fresh challenge; 400 does not. */
  readonly code: 400 | 401 | 438;
  /**
   * True when the NONCE was issued to this client, recently or not: it receives what is sent to its address, which
   * nobody can be flooded with by forging it.
   */
  readonly isRoutable: boolean;
  /** Set when somebody tried to prove who they are and failed. */
  readonly failure?: {
    readonly reason: AuthenticationFailure;
    readonly username: string;
  };
}

const USERHASH_BYTES = 32;
const DUMMY_KEY = new Uint8Array(16);

/**
 * Checks the long-term credential of a request in the order of RFC 8489 §9.2.4.
 *
 * One deviation, against floods: a NONCE that this server never issued to this client is answered 438 at once, before
 * any HMAC over the message is computed. An authentic NONCE that is merely old is judged after the integrity, as the
 * RFC has it.
 *
 * @param since - an earlier time; a credential that was valid then, or later, is so still.
 */
export function authenticate(
  message: StunMessage,
  client: TransportAddress,
  credentials: CredentialPolicy,
  nonces: NonceIssuer,
  now: Now,
  since: UnixSeconds = now.unixSeconds,
): Authenticated | NotAuthenticated {
  const hasSha1 = message.find(ATTRIBUTE.MESSAGE_INTEGRITY) >= 0;
  const hasSha256 = message.find(ATTRIBUTE.MESSAGE_INTEGRITY_SHA256) >= 0;
  if (!hasSha1 && !hasSha256) return { code: 401, isRoutable: false };

  const userIndex = message.find(ATTRIBUTE.USERNAME);
  const hashIndex = message.find(ATTRIBUTE.USERHASH);
  const nonce = readText(message, message.find(ATTRIBUTE.NONCE), TEXT_ATTRIBUTE_BYTES_MAX);
  const realm = readText(message, message.find(ATTRIBUTE.REALM), TEXT_ATTRIBUTE_BYTES_MAX);
  if ((userIndex < 0 && hashIndex < 0) || nonce === undefined || realm === undefined)
    return { code: 400, isRoutable: false };

  const nonceState = nonces.verify(nonce, client, now.monotonicMs);
  if (nonceState === 'foreign') return { code: 438, isRoutable: false };

  const choice = choosePasswordAlgorithm(message, credentials.passwordAlgorithms);
  if (choice === undefined) return { code: 400, isRoutable: true };

  const user = readUser(message, userIndex, hashIndex);
  if (user === undefined) return { code: 400, isRoutable: true };
  const { algorithm, isExplicit } = choice;
  const found = user.isHash
    ? credentials.findByUserhash(user.name, algorithm, now.unixSeconds)
    : credentials.find(user.name, algorithm, now.unixSeconds, since);

  const verify = hasSha256 ? verifyIntegritySha256 : verifyIntegrity;
  if (typeof found === 'string') {
    // The same work as for a known user, so that the time taken does not tell which names exist.
    verify(message, DUMMY_KEY);
    return refusal(found, user.name);
  }
  const key = found.keys.find((candidate) => verify(message, candidate));
  if (key === undefined) return refusal('badIntegrity', user.name);
  if (nonceState === 'stale') return { code: 438, isRoutable: true };
  return {
    credential: found,
    credentialUserId: found.userId,
    key,
    signsWithSha256: isExplicit,
    hasFingerprint: message.hasFingerprint,
  };
}

/** The refusal of somebody who has named a user over an authentic NONCE. */
export function refusal(reason: AuthenticationFailure, username: string): NotAuthenticated {
  return { code: 401, isRoutable: true, failure: { reason, username } };
}

interface AlgorithmChoice {
  readonly algorithm: PasswordAlgorithm;
  /** False when the client knows nothing of password algorithms and MD5 is implied. */
  readonly isExplicit: boolean;
}

/**
 * Bid-down protection: the client must return our list unchanged and choose from it (RFC 8489 §9.2.4).
 *
 * @returns undefined when it does not, or when it implies MD5 to a server that does not offer it.
 */
function choosePasswordAlgorithm(
  message: StunMessage,
  offered: readonly PasswordAlgorithm[],
): AlgorithmChoice | undefined {
  const choiceIndex = message.find(ATTRIBUTE.PASSWORD_ALGORITHM);
  const listIndex = message.find(ATTRIBUTE.PASSWORD_ALGORITHMS);
  const isImplied = offered.length === 0 || (choiceIndex < 0 && listIndex < 0);
  if (isImplied) return isMd5Allowed(offered) ? IMPLIED_MD5 : undefined;
  const chosen = readPasswordAlgorithms(message, choiceIndex);
  const returned = readPasswordAlgorithms(message, listIndex);
  if (chosen?.length !== 1 || returned?.length !== offered.length) return undefined;
  const isUnchanged = offered.every((name, index) => {
    const entry = returned[index];
    return entry?.number === PASSWORD_ALGORITHM[name] && entry.parameters.length === 0;
  });
  const algorithm = offered.find((name) => PASSWORD_ALGORITHM[name] === chosen[0]?.number);
  if (!isUnchanged || algorithm === undefined || chosen[0]?.parameters.length !== 0)
    return undefined;
  return { algorithm, isExplicit: true };
}

const IMPLIED_MD5: AlgorithmChoice = { algorithm: 'MD5', isExplicit: false };

function isMd5Allowed(offered: readonly PasswordAlgorithm[]): boolean {
  return offered.length === 0 || offered.includes('MD5');
}

function readUser(
  message: StunMessage,
  userIndex: number,
  hashIndex: number,
): { readonly name: string; readonly isHash: boolean } | undefined {
  if (userIndex >= 0) {
    const name = readText(message, userIndex, TEXT_ATTRIBUTE_BYTES_MAX);
    return name === undefined ? undefined : { name, isHash: false };
  }
  const hash = readBytes(message, hashIndex);
  if (hash?.length !== USERHASH_BYTES) return undefined;
  return { name: Buffer.from(hash).toString('hex'), isHash: true };
}
