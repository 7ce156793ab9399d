import { attribute, passwordAlgorithm, type Attribute } from './wire/attributes.ts';
import { longTermKey, type Account } from './wire/integrity.ts';
import type { MessageWriter } from './wire/message-writer.ts';
import { ATTRIBUTE, MD5 } from './wire/numbers.ts';
import type { Reply } from './wire/reply.ts';

/** What a 401 or 438 asks for. */
export interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  /** PASSWORD-ALGORITHMS as sent; undefined where there is none. */
  readonly algorithms: Buffer | undefined;
}

/** How a request is signed, where it differs from a client that knows of MD5 and MESSAGE-INTEGRITY alone. */
export interface Signing {
  readonly transactionId?: Buffer;
  readonly account?: Account;
  /** Chooses a password algorithm by PASSWORD-ALGORITHM, and uses MESSAGE-INTEGRITY-SHA256. */
  readonly algorithm?: number;
  /** In the place of USERNAME, REALM and NONCE; an empty list leaves out what it stands for. */
  readonly user?: readonly Attribute[];
  readonly realm?: readonly Attribute[];
  readonly nonce?: readonly Attribute[];
  /** In the place of PASSWORD-ALGORITHMS and PASSWORD-ALGORITHM. */
  readonly algorithms?: readonly Attribute[];
  readonly key?: Buffer;
  /** In the place of the integrity, whatever follows it included. */
  readonly integrity?: (writer: MessageWriter, key: Buffer) => unknown;
}

/** Reads the challenge of a response; undefined when it has none. */
export function challengeOf(reply: Reply): Challenge | undefined {
  const realm = reply.text(ATTRIBUTE.REALM);
  const nonce = reply.text(ATTRIBUTE.NONCE);
  if (realm === undefined || nonce === undefined) return undefined;
  return { realm, nonce, algorithms: reply.value(ATTRIBUTE.PASSWORD_ALGORITHMS) };
}

/** Adds who sends a request and the integrity of everything so far (RFC 8489 §9.2.3). */
export function sign(
  writer: MessageWriter,
  usual: Account,
  challenge: Challenge,
  signing: Signing = {},
): void {
  const { account = usual, algorithm } = signing;
  const { key = longTermKey(account, challenge.realm, algorithm ?? MD5) } = signing;
  writer
    .add(...(signing.user ?? [attribute(ATTRIBUTE.USERNAME, account.username)]))
    .add(...(signing.realm ?? [attribute(ATTRIBUTE.REALM, challenge.realm)]))
    .add(...(signing.nonce ?? [attribute(ATTRIBUTE.NONCE, challenge.nonce)]))
    .add(...(signing.algorithms ?? usualAlgorithms(challenge, algorithm)));
  if (signing.integrity !== undefined) signing.integrity(writer, key);
  else if (algorithm === undefined) writer.sha1(key);
  else writer.sha256(key);
}

/** PASSWORD-ALGORITHMS as it came, and the choice. */
export function usualAlgorithms({ algorithms }: Challenge, algorithm?: number): Attribute[] {
  if (algorithm === undefined) return [];
  return [attribute(ATTRIBUTE.PASSWORD_ALGORITHMS, algorithms ?? []), passwordAlgorithm(algorithm)];
}
