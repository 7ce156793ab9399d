import { TEXT_ATTRIBUTE_BYTES_MAX } from '../limits.ts';
import { readBytes, readPasswordAlgorithms, readText } from '../stun/attributes.ts';
import { longTermKey, verifyIntegrity, verifyIntegritySha256 } from '../stun/integrity.ts';
import type { StunWriter } from '../stun/message-writer.ts';
import type { StunMessage } from '../stun/message.ts';
import { ATTRIBUTE, PASSWORD_ALGORITHM, type PasswordAlgorithm } from '../stun/registry.ts';
import { ClientError } from './client-error.ts';

/** What a client proves who it is with. */
export interface ClientCredential {
  readonly username: string;
  readonly password: string;
}

/** Password algorithms that the server offered, as they have to be sent back, and the one chosen from them. */
interface AlgorithmChoice {
  readonly offer: Uint8Array;
  readonly algorithm: PasswordAlgorithm;
}

/** What a 401 or 438 asks for: how later requests are signed (RFC 8489 §9.2.4, §9.2.5). */
export class Challenge {
  /** Realm that the server named. */
  readonly realm: string;
  readonly #nonce: string;
  readonly #username: string;
  readonly #key: Uint8Array;
  /** Undefined: the server knows nothing of password algorithms, so MD5 with MESSAGE-INTEGRITY. */
  readonly #choice: AlgorithmChoice | undefined;

  /** @throws ClientError `protocol` when the response is no proper challenge. */
  constructor(response: StunMessage, { username, password }: ClientCredential) {
    this.realm = textOf(response, ATTRIBUTE.REALM, 'REALM');
    this.#nonce = textOf(response, ATTRIBUTE.NONCE, 'NONCE');
    this.#username = username;
    this.#choice = choiceOf(response, this.#nonce);
    this.#key = longTermKey(username, this.realm, password, this.#choice?.algorithm ?? 'MD5');
  }

  /** Algorithm that the key is made with. */
  get algorithm(): PasswordAlgorithm {
    return this.#choice?.algorithm ?? 'MD5';
  }

  /** Adds the credential, and the integrity of everything so far. */
  sign(writer: StunWriter): void {
    writer
      .text(ATTRIBUTE.USERNAME, this.#username)
      .text(ATTRIBUTE.REALM, this.realm)
      .text(ATTRIBUTE.NONCE, this.#nonce);
    if (this.#choice === undefined) {
      writer.integrity(this.#key);
      return;
    }
    writer
      .attribute(ATTRIBUTE.PASSWORD_ALGORITHMS, this.#choice.offer)
      .passwordAlgorithm(this.#choice.algorithm)
      .integritySha256(this.#key);
  }

  /** True when the server signed the response with the same key. */
  verifies(response: StunMessage): boolean {
    return this.#choice === undefined
      ? verifyIntegrity(response, this.#key)
      : verifyIntegritySha256(response, this.#key);
  }
}

function textOf(response: StunMessage, type: number, name: string): string {
  const text = readText(response, response.find(type), TEXT_ATTRIBUTE_BYTES_MAX);
  if (text === undefined) throw new ClientError('protocol', `the challenge has no usable ${name}`);
  return text;
}

/** The first algorithm of the server's list that we know. */
function choiceOf(response: StunMessage, nonce: string): AlgorithmChoice | undefined {
  const index = response.find(ATTRIBUTE.PASSWORD_ALGORITHMS);
  if (index < 0) {
    if (!announcesAlgorithms(nonce)) return undefined;
    const detail =
      'the challenge announces password algorithms and lists none: somebody changed it';
    throw new ClientError('protocol', detail);
  }
  const entries = readPasswordAlgorithms(response, index) ?? [];
  for (const { number } of entries) {
    const algorithm = ALGORITHMS.find((name) => PASSWORD_ALGORITHM[name] === number);
    if (algorithm === undefined) continue;
    return { offer: new Uint8Array(readBytes(response, index)!), algorithm };
  }
  throw new ClientError('protocol', 'the server offers no password algorithm that is known here');
}

/** Bid-down protection: the nonce says by itself whether the list belongs to it (RFC 8489 §9.2, §9.2.1). */
function announcesAlgorithms(nonce: string): boolean {
  if (!nonce.startsWith(NONCE_COOKIE)) return false;
  const features = Buffer.from(nonce.slice(NONCE_COOKIE.length, FEATURES_END), 'base64');
  return features.length === 3 && (features[2]! & 1) === 1;
}

const ALGORITHMS: readonly PasswordAlgorithm[] = ['SHA-256', 'MD5'];
const NONCE_COOKIE = 'obMatJos2';
const FEATURES_END = NONCE_COOKIE.length + 4;
