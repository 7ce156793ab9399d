import { randomBytes } from 'node:crypto';
import { TEXT_ATTRIBUTE_BYTES_MAX } from '../limits.ts';
import { readErrorCode, readText, readAddress } from '../stun/attributes.ts';
import { StunWriter } from '../stun/message-writer.ts';
import type { StunMessage } from '../stun/message.ts';
import { ATTRIBUTE, CLASS, METHOD, TRANSACTION_ID_BYTES } from '../stun/registry.ts';
import { TransportAddress } from '../stun/transport-address.ts';
import type { Challenge } from './challenge.ts';
import { ClientError, ResponseError, type Alternate } from './client-error.ts';
import { nextTransmissionMs } from './retransmission.ts';

/** Adds the attributes of a request. */
export type AddAttributes = (writer: StunWriter) => void;

/** How requests leave, and how long their answers are waited for. */
export interface TransactionOptions {
  /** Sends bytes, which are not changed afterwards. */
  readonly send: (bytes: Uint8Array) => void;
  /** False when requests have to be sent again. */
  readonly isReliable: boolean;
  /** Deadline of one request. */
  readonly requestMs: number;
}

interface Pending {
  readonly methodName: string;
  resolve(response: StunMessage): void;
  reject(reason: Error): void;
}

/** Requests on their way: sends them again over UDP, and finds the one that a response belongs to (RFC 8489 §6). */
export class Transactions {
  readonly #options: TransactionOptions;
  readonly #pending = new Map<string, Pending>();
  #end: ClientError | undefined;

  constructor(options: TransactionOptions) {
    this.#options = options;
  }

  /**
   * Sends one request and waits for its success response.
   *
   * @param challenge - signs the request; the response has to be signed with the same key.
   * @throws ResponseError for an error response; ClientError when none comes, or the transport has ended.
   */
  async request(
    method: number,
    add: AddAttributes,
    challenge: Challenge | undefined,
  ): Promise<StunMessage> {
    if (this.#end !== undefined) throw this.#end;
    if (this.#pending.size >= PENDING_MAX) throw new RangeError('too many requests at a time');
    const transactionId = randomBytes(TRANSACTION_ID_BYTES);
    const writer = new StunWriter(new Uint8Array(REQUEST_BYTES_MAX));
    writer.begin(method, CLASS.REQUEST, transactionId);
    add(writer);
    challenge?.sign(writer);
    const methodName = nameOfMethod(method);
    const response = await this.#transact(idOf(transactionId), methodName, writer.written());
    if (response.messageClass === CLASS.ERROR) throw responseError(methodName, response, challenge);
    if (challenge !== undefined && !challenge.verifies(response)) {
      throw new ClientError(
        'protocol',
        `${methodName}: the answer is not signed with our key: it is not from the server we asked`,
      );
    }
    return response;
  }

  /** Gives a response to the request it answers; one that answers none is dropped. */
  onResponse(response: StunMessage): void {
    this.#pending.get(idOf(response.copyTransactionId()))?.resolve(response);
  }

  /** Fails everything under way, and every later request. */
  end(reason: ClientError): void {
    this.#end ??= reason;
    for (const pending of this.#pending.values()) pending.reject(this.#end);
  }

  async #transact(id: string, methodName: string, bytes: Uint8Array): Promise<StunMessage> {
    const { requestMs } = this.#options;
    const stopSending = this.#sendUntilStopped(bytes);
    let deadline: NodeJS.Timeout | undefined;
    try {
      return await new Promise<StunMessage>((resolve, reject) => {
        this.#pending.set(id, { methodName, resolve, reject });
        const late = `${methodName}: no answer within ${requestMs / 1000} s`;
        deadline = setTimeout(() => reject(new ClientError('timeout', late)), requestMs);
      });
    } finally {
      clearTimeout(deadline);
      stopSending();
      this.#pending.delete(id);
    }
  }

  #sendUntilStopped(bytes: Uint8Array): () => void {
    let timer: NodeJS.Timeout | undefined;
    const transmit = (count: number): void => {
      this.#options.send(bytes);
      const waitMs = this.#options.isReliable ? undefined : nextTransmissionMs(count);
      if (waitMs !== undefined) timer = setTimeout(transmit, waitMs, count + 1);
    };
    transmit(1);
    return () => clearTimeout(timer);
  }
}

/** Name of a method as the RFCs write it. */
export function nameOfMethod(method: number): string {
  return METHOD_NAMES.get(method) ?? `method ${method}`;
}

function responseError(
  methodName: string,
  response: StunMessage,
  challenge: Challenge | undefined,
): RejectedRequest | ClientError {
  const error = readErrorCode(response, response.find(ATTRIBUTE.ERROR_CODE));
  if (error === undefined) {
    return new ClientError('protocol', `${methodName}: an error response without an error code`);
  }
  return new RejectedRequest(response, methodName, error, {
    isAuthenticated: challenge !== undefined,
    alternate: error.code === TRY_ALTERNATE ? alternateOf(response) : undefined,
  });
}

/** A `ResponseError` together with its response, which may hold a challenge. */
export class RejectedRequest extends ResponseError {
  /** Owned by this error. */
  readonly response: StunMessage;

  constructor(response: StunMessage, ...rest: ConstructorParameters<typeof ResponseError>) {
    super(...rest);
    this.response = response;
  }
}

function alternateOf(response: StunMessage): Alternate | undefined {
  const address = new TransportAddress();
  if (!readAddress(response, response.find(ATTRIBUTE.ALTERNATE_SERVER), address)) return undefined;
  const index = response.find(ATTRIBUTE.ALTERNATE_DOMAIN);
  return { address, domain: readText(response, index, TEXT_ATTRIBUTE_BYTES_MAX) };
}

function idOf(transactionId: Uint8Array): string {
  return Buffer.from(transactionId).toString('hex');
}

const PENDING_MAX = 256;
const REQUEST_BYTES_MAX = 4096;
const TRY_ALTERNATE = 300;
const METHOD_NAMES: ReadonlyMap<number, string> = new Map([
  [METHOD.BINDING, 'Binding'],
  [METHOD.ALLOCATE, 'Allocate'],
  [METHOD.REFRESH, 'Refresh'],
  [METHOD.CREATE_PERMISSION, 'CreatePermission'],
  [METHOD.CHANNEL_BIND, 'ChannelBind'],
]);
