import { randomBytes } from 'node:crypto';
import { readBytes, readErrorCode, readUint32, readXorAddress } from '../../src/stun/attributes.ts';
import { putUint16, uint16At } from '../../src/stun/big-endian.ts';
import { StunWriter } from '../../src/stun/message-writer.ts';
import { StunMessage } from '../../src/stun/message.ts';
import { ATTRIBUTE, CLASS, METHOD, type PasswordAlgorithm } from '../../src/stun/registry.ts';
import { TransportAddress, type AddressFamily } from '../../src/stun/transport-address.ts';
import type { TurnCredential } from './credentials.ts';
import { Challenge } from './turn-challenge.ts';
import {
  openTcp,
  openUdp,
  overStream,
  type OpenConnection,
  type ServerAddress,
  type TurnTransport,
} from './turn-transport.ts';

/** How a client reaches a server and signs in. */
export interface TurnClientOptions {
  readonly server: ServerAddress;
  /** UDP unless given. */
  readonly transport?: 'udp' | 'tcp';
  /** IP address of the own UDP socket; the kernel's choice unless given. */
  readonly localAddress?: string | undefined;
  /** A connection to the server that is open already, such as one over TLS. */
  readonly connection?: OpenConnection;
  readonly credential?: TurnCredential;
  /** MD5 with MESSAGE-INTEGRITY unless given; SHA-256 as RFC 8489 §9.2 has it. */
  readonly algorithm?: PasswordAlgorithm;
  /** Sends USERHASH in place of USERNAME; only with SHA-256. */
  readonly isUserAnonymous?: boolean;
}

/** What to ask of an Allocate request; RFC 8656 §7.1. */
export interface AllocateOptions {
  readonly lifetimeSeconds?: number;
  readonly family?: AddressFamily;
  readonly additionalFamily?: AddressFamily;
  readonly isEvenPortReserved?: boolean;
  readonly reservationToken?: Uint8Array;
}

/** What a server granted. */
export interface Allocated {
  /** Relayed transport addresses, one or two. */
  readonly relayed: readonly TransportAddress[];
  readonly reflexive: TransportAddress;
  readonly lifetimeSeconds: number;
  readonly reservationToken: Uint8Array | undefined;
}

/** Application data from a peer. */
export interface ReceivedData {
  /** Channel number of ChannelData, or the peer of a Data indication. */
  readonly source: number | TransportAddress;
  /** Owned by the receiver. */
  readonly data: Buffer;
}

/** An error response; nothing is retried but 401 and 438, once each. */
export class TurnError extends Error {
  readonly code: number;
  readonly response: StunMessage;

  constructor(method: number, response: StunMessage) {
    const error = readErrorCode(response, response.find(ATTRIBUTE.ERROR_CODE));
    super(`method ${method}: ${error?.code} ${error?.reason}`);
    this.name = 'TurnError';
    this.code = error?.code ?? 0;
    this.response = response;
  }
}

/** Says how a request was answered: 0 for success, else the error code; -1 when there was no answer. */
export async function codeOf(request: Promise<unknown>): Promise<number> {
  try {
    await request;
    return 0;
  } catch (error) {
    return error instanceof TurnError ? error.code : -1;
  }
}

/** First retransmission of a request over UDP, doubled each time (RFC 8489 §6.2.1). */
const RETRANSMIT_MS = 500;
const REQUEST_MS_MAX = 10_000;
const RECEIVE_MS_MAX = 10_000;

type AddAttributes = (writer: StunWriter) => void;

interface Waiting<Value> {
  resolve(value: Value): void;
  reject(reason: Error): void;
}

/** A small TURN client for tests and measurements: one allocation over UDP or TCP (RFC 8656). */
export class TurnClient {
  /** Called instead of queueing for `receive`; the bytes are borrowed for the call. */
  onData: ((data: Uint8Array, source: number | TransportAddress) => void) | undefined;

  readonly #options: TurnClientOptions;
  readonly #requests = new Map<string, Waiting<StunMessage>>();
  readonly #receivers: Waiting<ReceivedData>[] = [];
  readonly #received: ReceivedData[] = [];
  #transport!: TurnTransport;
  #challenge: Challenge | undefined;
  #closed: Error | undefined;

  private constructor(options: TurnClientOptions) {
    this.#options = options;
  }

  /** Opens the socket or connection; close it with `close`. */
  static async open(options: TurnClientOptions): Promise<TurnClient> {
    const client = new TurnClient(options);
    const handler = {
      onFrame: (frame: Uint8Array) => client.#onFrame(frame),
      onClosed: (reason: Error) => client.#onClosed(reason),
    };
    const { connection, transport, server, localAddress } = options;
    if (connection !== undefined) client.#transport = overStream(connection, handler);
    else if (transport === 'tcp') client.#transport = await openTcp(server, handler);
    else client.#transport = await openUdp(server, handler, localAddress);
    return client;
  }

  /** Port of the own socket. */
  get localPort(): number {
    return this.#transport.localPort;
  }

  /** Asks for the reflexive address, without a credential. */
  async binding(): Promise<TransportAddress> {
    return addressOf(await this.#transact(METHOD.BINDING), ATTRIBUTE.XOR_MAPPED_ADDRESS);
  }

  /** Allocates; a challenge is answered. */
  async allocate(options: AllocateOptions = {}): Promise<Allocated> {
    const response = await this.request(METHOD.ALLOCATE, (writer) => {
      const { lifetimeSeconds, family, additionalFamily, reservationToken } = options;
      writer.uint8(ATTRIBUTE.REQUESTED_TRANSPORT, 17, 4);
      if (lifetimeSeconds !== undefined) writer.uint32(ATTRIBUTE.LIFETIME, lifetimeSeconds);
      if (family !== undefined) writer.uint8(ATTRIBUTE.REQUESTED_ADDRESS_FAMILY, family, 4);
      if (additionalFamily !== undefined) {
        writer.uint8(ATTRIBUTE.ADDITIONAL_ADDRESS_FAMILY, additionalFamily, 4);
      }
      if (options.isEvenPortReserved === true) writer.uint8(ATTRIBUTE.EVEN_PORT, 0x80);
      if (reservationToken !== undefined) {
        writer.attribute(ATTRIBUTE.RESERVATION_TOKEN, reservationToken);
      }
    });
    const token = readBytes(response, response.find(ATTRIBUTE.RESERVATION_TOKEN));
    return {
      relayed: addressesOf(response, ATTRIBUTE.XOR_RELAYED_ADDRESS),
      reflexive: addressOf(response, ATTRIBUTE.XOR_MAPPED_ADDRESS),
      lifetimeSeconds: lifetimeOf(response),
      reservationToken: token,
    };
  }

  /** Installs or refreshes permissions for the IP addresses of `peers`. */
  async createPermission(...peers: readonly TransportAddress[]): Promise<void> {
    await this.request(METHOD.CREATE_PERMISSION, (writer) => {
      for (const peer of peers) writer.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer);
    });
  }

  /** Binds a channel number to a peer. */
  async channelBind(channelNumber: number, peer: TransportAddress): Promise<void> {
    await this.request(METHOD.CHANNEL_BIND, (writer) => {
      writer.uint16(ATTRIBUTE.CHANNEL_NUMBER, channelNumber, 4);
      writer.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer);
    });
  }

  /** Refreshes the allocation, or deletes it with 0; returns the lifetime granted in seconds. */
  async refresh(lifetimeSeconds: number): Promise<number> {
    const response = await this.request(METHOD.REFRESH, (writer) => {
      writer.uint32(ATTRIBUTE.LIFETIME, lifetimeSeconds);
    });
    return lifetimeOf(response);
  }

  /** Sends data to a peer in a Send indication. */
  send(peer: TransportAddress, data: Uint8Array): void {
    const bytes = new Uint8Array(data.length + 64);
    const writer = new StunWriter(bytes);
    writer.begin(METHOD.SEND, CLASS.INDICATION, randomBytes(12));
    writer.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer).attribute(ATTRIBUTE.DATA, data);
    this.#transport.send(writer.written());
  }

  /** Sends data on a bound channel. */
  sendOnChannel(channelNumber: number, data: Uint8Array): void {
    const frame = new Uint8Array(4 + data.length);
    putUint16(frame, 0, channelNumber);
    putUint16(frame, 2, data.length);
    frame.set(data, 4);
    this.#transport.send(frame);
  }

  /** Sends bytes as they are. */
  sendRaw(bytes: Uint8Array): void {
    this.#transport.send(bytes);
  }

  /** The next data from a peer, whether it has come or will; rejects after ten seconds. */
  receive(): Promise<ReceivedData> {
    const received = this.#received.shift();
    if (received !== undefined) return Promise.resolve(received);
    return new Promise((resolve, reject) => {
      const waiting = { resolve, reject };
      this.#receivers.push(waiting);
      settleAfter(RECEIVE_MS_MAX, waiting, 'no data from a peer');
    });
  }

  /**
   * Sends a request signed as the last challenge asks, answering one 401 and one 438.
   *
   * @throws TurnError for any other error response; Error when there is no answer or its integrity is wrong.
   */
  async request(method: number, add: AddAttributes = () => undefined): Promise<StunMessage> {
    for (const mayChallenge of [true, true, false]) {
      try {
        return await this.#signed(method, add);
      } catch (error) {
        if (!mayChallenge || !this.#takeChallenge(error)) throw error;
      }
    }
    throw new Error('unreachable');
  }

  /** Closes socket or connection; an allocation over UDP lives on unless refreshed with 0 before. */
  async close(): Promise<void> {
    this.#onClosed(new Error('the client is closed'));
    await this.#transport.close();
  }

  async #signed(method: number, add: AddAttributes): Promise<StunMessage> {
    const challenge = this.#challenge;
    if (challenge === undefined) return this.#transact(method, add);
    const response = await this.#transact(method, (writer) => {
      add(writer);
      challenge.sign(writer);
    });
    if (!challenge.verifies(response)) throw new Error(`method ${method}: wrong integrity`);
    return response;
  }

  /** True when the error was a new challenge that is worth another try. */
  #takeChallenge(error: unknown): boolean {
    if (!(error instanceof TurnError)) return false;
    const isChallenged = error.code === 401 && this.#challenge === undefined;
    if (!isChallenged && error.code !== 438) return false;
    const { credential, algorithm = 'MD5', isUserAnonymous = false } = this.#options;
    if (credential === undefined) return false;
    this.#challenge = new Challenge(error.response, credential, algorithm, isUserAnonymous);
    return true;
  }

  #transact(method: number, add: AddAttributes = () => undefined): Promise<StunMessage> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const transactionId = randomBytes(12);
    const bytes = new Uint8Array(2048);
    const writer = new StunWriter(bytes).begin(method, CLASS.REQUEST, transactionId);
    add(writer);
    const id = transactionId.toString('hex');
    const stopSending = this.#sendUntilStopped(writer.written());
    const response = new Promise<StunMessage>((resolve, reject) => {
      const waiting = { resolve, reject };
      this.#requests.set(id, waiting);
      settleAfter(REQUEST_MS_MAX, waiting, `method ${method}: no answer`);
    });
    return response
      .finally(() => {
        stopSending();
        this.#requests.delete(id);
      })
      .then((message) => {
        if (message.messageClass === CLASS.ERROR) throw new TurnError(method, message);
        return message;
      });
  }

  #sendUntilStopped(message: Uint8Array): () => void {
    const transport = this.#transport;
    let timer: NodeJS.Timeout | undefined;
    const transmit = (nextMs: number): void => {
      transport.send(message);
      if (!transport.isReliable) timer = setTimeout(transmit, nextMs, nextMs * 2);
    };
    transmit(RETRANSMIT_MS);
    return () => clearTimeout(timer);
  }

  #onFrame(frame: Uint8Array): void {
    if (frame[0]! >= 0x40) {
      this.#deliver(frame.subarray(4, 4 + uint16At(frame, 2)), uint16At(frame, 0));
      return;
    }
    const bytes = new Uint8Array(frame);
    const message = new StunMessage();
    const failure = message.decode(bytes, 0, bytes.length);
    if (failure !== undefined) return this.#onClosed(new Error(`the server sent ${failure}`));
    if (message.method === METHOD.DATA && message.messageClass === CLASS.INDICATION) {
      const data = readBytes(message, message.find(ATTRIBUTE.DATA));
      // Without data it tells of an ICMP error (RFC 8656 §11.5).
      if (data !== undefined) this.#deliver(data, addressOf(message, ATTRIBUTE.XOR_PEER_ADDRESS));
    } else {
      const id = Buffer.from(message.copyTransactionId()).toString('hex');
      this.#requests.get(id)?.resolve(message);
    }
  }

  #deliver(data: Uint8Array, source: number | TransportAddress): void {
    if (this.onData !== undefined) return this.onData(data, source);
    const received = { data: Buffer.from(data), source };
    const receiver = this.#receivers.shift();
    if (receiver === undefined) this.#received.push(received);
    else receiver.resolve(received);
  }

  #onClosed(reason: Error): void {
    this.#closed ??= reason;
    for (const waiting of [...this.#requests.values(), ...this.#receivers]) waiting.reject(reason);
  }
}

/** Parses the text form of an address for tests that know it to be right. */
export function addressFrom(ip: string, port: number): TransportAddress {
  const address = TransportAddress.parse(ip, port);
  if (address === undefined) throw new Error(`${ip} is not an IP address`);
  return address;
}

function addressesOf(message: StunMessage, type: number): TransportAddress[] {
  const addresses: TransportAddress[] = [];
  for (let index = message.find(type); index >= 0; index = message.findNext(type, index)) {
    const address = new TransportAddress();
    if (!readXorAddress(message, index, address)) throw new Error(`attribute ${type} is malformed`);
    addresses.push(address);
  }
  return addresses;
}

function addressOf(message: StunMessage, type: number): TransportAddress {
  const [address] = addressesOf(message, type);
  if (address === undefined) throw new Error(`attribute ${type} is missing`);
  return address;
}

function lifetimeOf(response: StunMessage): number {
  return readUint32(response, response.find(ATTRIBUTE.LIFETIME)) ?? 0;
}

/** Rejects what waits longer than `ms`; a timer that does not keep the process alive. */
function settleAfter(ms: number, waiting: Waiting<never>, what: string): void {
  setTimeout(() => waiting.reject(new Error(what)), ms).unref();
}
