import { TEXT_ATTRIBUTE_BYTES_MAX } from '../../src/limits.ts';
import { readBytes, readPasswordAlgorithms, readText } from '../../src/stun/attributes.ts';
import {
  longTermKey,
  userhash,
  verifyIntegrity,
  verifyIntegritySha256,
} from '../../src/stun/integrity.ts';
import type { StunWriter } from '../../src/stun/message-writer.ts';
import type { StunMessage } from '../../src/stun/message.ts';
import { ATTRIBUTE, PASSWORD_ALGORITHM, type PasswordAlgorithm } from '../../src/stun/registry.ts';
import type { TurnCredential } from './credentials.ts';

/** What a 401 or 438 asks for: how every later request is signed (RFC 8489 §9.2.4, §9.2.5). */
export class Challenge {
  readonly #realm: string;
  readonly #nonce: string;
  /** PASSWORD-ALGORITHMS as the server sent it, to be sent back; undefined means MD5 and SHA-1. */
  readonly #offered: Uint8Array | undefined;
  readonly #algorithm: PasswordAlgorithm;
  readonly #username: string;
  readonly #userhash: Uint8Array | undefined;
  readonly #key: Uint8Array;

  /** @throws Error when the response offers no such algorithm, or has no realm or nonce. */
  constructor(
    response: StunMessage,
    credential: TurnCredential,
    algorithm: PasswordAlgorithm,
    isUserAnonymous: boolean,
  ) {
    const { username, password } = credential;
    this.#realm = textOf(response, ATTRIBUTE.REALM);
    this.#nonce = textOf(response, ATTRIBUTE.NONCE);
    this.#offered = algorithm === 'MD5' ? undefined : offerOf(response, algorithm);
    this.#algorithm = algorithm;
    this.#username = username;
    this.#userhash = isUserAnonymous
      ? Buffer.from(userhash(username, this.#realm), 'hex')
      : undefined;
    this.#key = longTermKey(username, this.#realm, password, algorithm);
  }

  /** Adds the credential and the integrity of everything so far. */
  sign(writer: StunWriter): void {
    if (this.#userhash === undefined) writer.text(ATTRIBUTE.USERNAME, this.#username);
    else writer.attribute(ATTRIBUTE.USERHASH, this.#userhash);
    writer.text(ATTRIBUTE.REALM, this.#realm).text(ATTRIBUTE.NONCE, this.#nonce);
    if (this.#offered === undefined) {
      writer.integrity(this.#key);
      return;
    }
    writer.attribute(ATTRIBUTE.PASSWORD_ALGORITHMS, this.#offered);
    writer.passwordAlgorithm(this.#algorithm).integritySha256(this.#key);
  }

  /** True when the server signed the response with the same key. */
  verifies(response: StunMessage): boolean {
    return this.#offered === undefined
      ? verifyIntegrity(response, this.#key)
      : verifyIntegritySha256(response, this.#key);
  }
}

function textOf(response: StunMessage, type: number): string {
  const text = readText(response, response.find(type), TEXT_ATTRIBUTE_BYTES_MAX);
  if (text === undefined) throw new Error(`attribute ${type} is missing in the challenge`);
  return text;
}

function offerOf(response: StunMessage, algorithm: PasswordAlgorithm): Uint8Array {
  const index = response.find(ATTRIBUTE.PASSWORD_ALGORITHMS);
  const offers = readPasswordAlgorithms(response, index) ?? [];
  if (!offers.some((offer) => offer.number === PASSWORD_ALGORITHM[algorithm])) {
    throw new Error(`the server does not offer ${algorithm}`);
  }
  return readBytes(response, index)!;
}
