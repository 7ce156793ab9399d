import { readErrorCode, readText } from '../../../src/stun/attributes.ts';
import { StunMessage } from '../../../src/stun/message.ts';
import { ATTRIBUTE, CLASS } from '../../../src/stun/registry.ts';
import { signedRequest, unsignedRequest, type WriteAttributes } from './turn-messages.ts';

const TEXT_BYTES_MAX = 763;

/** A client that makes requests one after the other, each of which must succeed. */
export class TurnRequester {
  readonly #exchange: (request: Uint8Array) => Uint8Array;
  readonly #message = new StunMessage();
  #nonce: string | undefined;

  /** @param exchange - sends a request and returns its answer. */
  constructor(exchange: (request: Uint8Array) => Uint8Array) {
    this.#exchange = exchange;
  }

  /** Makes a request, with a challenge before the first one; throws when it is refused. */
  request(method: number, write: WriteAttributes): void {
    this.#nonce ??= this.#challenge(method, write);
    const signature = { nonce: this.#nonce, algorithm: 'MD5', hasFingerprint: false } as const;
    const message = this.#answerTo(signedRequest(method, write, signature));
    if (message.messageClass === CLASS.SUCCESS) return;
    const refusal = readErrorCode(message, message.find(ATTRIBUTE.ERROR_CODE));
    throw new Error(`method ${method} was refused with ${refusal?.code}`);
  }

  #challenge(method: number, write: WriteAttributes): string {
    return nonceOf(this.#answerTo(unsignedRequest(method, write)));
  }

  #answerTo(request: Uint8Array): StunMessage {
    const answer = this.#exchange(request);
    const failure = this.#message.decode(answer, 0, answer.length);
    if (failure !== undefined) throw new Error(`the answer is ${failure}`);
    return this.#message;
  }
}

/** The nonce of a challenge; throws when there is none. */
export function nonceOf(message: StunMessage): string {
  const nonce = readText(message, message.find(ATTRIBUTE.NONCE), TEXT_BYTES_MAX);
  if (nonce === undefined) throw new Error('a challenge without a nonce');
  return nonce;
}
