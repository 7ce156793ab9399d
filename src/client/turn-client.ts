import assert from 'node:assert';
import { randomBytes } from 'node:crypto';
import { readBytes, readUint32, readXorAddress } from '../stun/attributes.ts';
import { uint16At } from '../stun/big-endian.ts';
import { StunWriter } from '../stun/message-writer.ts';
import { StunMessage } from '../stun/message.ts';
import { ATTRIBUTE, CLASS, METHOD, TRANSACTION_ID_BYTES } from '../stun/registry.ts';
import { TransportAddress, type AddressFamily } from '../stun/transport-address.ts';
import {
  CHANNEL_DATA_HEADER_BYTES,
  CHANNEL_NUMBER_MAX,
  CHANNEL_NUMBER_MIN,
  writeChannelDataHeader,
} from '../turn/channel-data.ts';
import { Challenge, type ClientCredential } from './challenge.ts';
import { ClientError } from './client-error.ts';
import { KeepAlive } from './keep-alive.ts';
import { REQUEST_MS_DEFAULT } from './retransmission.ts';
import { openStreamTransport, type TlsTrust } from './stream-transport.ts';
import type { PeerCertificateReport } from './tls-report.ts';
import { RejectedRequest, Transactions, type AddAttributes } from './transactions.ts';
import type { ClientTransport, ClientTransportHandler, ServerEndpoint } from './transport.ts';
import { openUdpTransport } from './udp-transport.ts';

/** How a client reaches a server and proves who it is. */
export interface TurnClientOptions {
  readonly server: ServerEndpoint;
  readonly transport: 'udp' | 'tcp' | 'tls';
  /** Needed for `tls`. */
  readonly tls?: TlsTrust | undefined;
  /** Undefined: requests are not signed. */
  readonly credential?: ClientCredential | undefined;
  /** Deadline of a request, of connecting and of a handshake, each; that of RFC 8489 unless given. */
  readonly requestMs?: number | undefined;
}

/** What a server granted. */
export interface Allocation {
  readonly relayed: TransportAddress;
  /** Own address as the server sees it. */
  readonly mapped: TransportAddress;
  readonly lifetimeSeconds: number;
}

/** What a client is told of; everything is optional. */
export interface TurnClientEvents {
  /** Data of a peer; the bytes are borrowed for the call. */
  onData?(data: Uint8Array, peer: TransportAddress): void;
  /** The server says that a datagram to the peer met an ICMP error (RFC 8656 §11.5). */
  onPeerUnreachable?(peer: TransportAddress, type: number, code: number): void;
  /** The allocation is lost: the transport ended, or it could not be refreshed. Told once, not after `close`. */
  onLost?(reason: Error): void;
}

/** A TURN client with one allocation over UDP, TCP or TLS (RFC 8656), kept alive until it is closed. */
export class TurnClient {
  readonly #options: TurnClientOptions;
  readonly #events: TurnClientEvents;
  readonly #channelByPeer = new Map<string, number>();
  readonly #peerByChannel = new Map<number, TransportAddress>();
  readonly #keepAlive = new KeepAlive((error) => this.#onLost(error));
  #transport!: ClientTransport;
  #transactions!: Transactions;
  #challenge: Challenge | undefined;
  #isAllocated = false;
  #isEnded = false;

  private constructor(options: TurnClientOptions, events: TurnClientEvents) {
    this.#options = options;
    this.#events = events;
  }

  /**
   * Opens the socket or connection, which the caller closes with `close`.
   *
   * @throws ClientError when the server cannot be reached or its certificate is not trusted.
   */
  static async open(
    options: TurnClientOptions,
    events: TurnClientEvents = {},
  ): Promise<TurnClient> {
    const client = new TurnClient(options, events);
    const { requestMs = REQUEST_MS_DEFAULT } = options;
    const transport = await openTransport(options, requestMs, {
      onFrame: (frame) => client.#onFrame(frame),
      onClosed: (reason) => client.#onLost(reason),
    });
    client.#transport = transport;
    client.#transactions = new Transactions({
      send: (bytes) => void transport.send(bytes),
      isReliable: transport.isReliable,
      requestMs,
    });
    return client;
  }

  /** Own transport address, before any NAT. */
  get local(): TransportAddress {
    return this.#transport.local;
  }

  /** What was seen of the server's certificate; undefined without TLS. */
  get certificate(): PeerCertificateReport | undefined {
    return this.#transport.certificate;
  }

  /** What the server challenged us with; undefined when it did not. */
  get challenge(): Challenge | undefined {
    return this.#challenge;
  }

  /** Asks for the own address as the server sees it (RFC 8489 §3); not signed. */
  async binding(): Promise<TransportAddress> {
    const response = await this.#transactions.request(METHOD.BINDING, () => undefined, undefined);
    return addressOf(response, ATTRIBUTE.XOR_MAPPED_ADDRESS, 'XOR-MAPPED-ADDRESS');
  }

  /** Creates the allocation (RFC 8656 §7), which is refreshed until `close`. */
  async allocate(family?: AddressFamily): Promise<Allocation> {
    const response = await this.request(METHOD.ALLOCATE, (writer) => {
      writer.uint8(ATTRIBUTE.REQUESTED_TRANSPORT, UDP_PROTOCOL, 4);
      if (family !== undefined) writer.uint8(ATTRIBUTE.REQUESTED_ADDRESS_FAMILY, family, 4);
    });
    const lifetimeSeconds = lifetimeOf(response);
    const allocation = {
      relayed: addressOf(response, ATTRIBUTE.XOR_RELAYED_ADDRESS, 'XOR-RELAYED-ADDRESS'),
      mapped: addressOf(response, ATTRIBUTE.XOR_MAPPED_ADDRESS, 'XOR-MAPPED-ADDRESS'),
      lifetimeSeconds,
    };
    this.#isAllocated = true;
    this.#keepAlive.keepAllocation(lifetimeSeconds, () => this.refresh());
    return allocation;
  }

  /** Refreshes the allocation, or deletes it with 0 (RFC 8656 §8); returns the lifetime granted, seconds. */
  async refresh(lifetimeSeconds?: number): Promise<number> {
    const response = await this.request(METHOD.REFRESH, (writer) => {
      if (lifetimeSeconds !== undefined) writer.uint32(ATTRIBUTE.LIFETIME, lifetimeSeconds);
    });
    if (lifetimeSeconds === 0) this.#isAllocated = false;
    return lifetimeOf(response);
  }

  /** Permits a peer's IP address (RFC 8656 §9); renewed until `close`. */
  async createPermission(peer: TransportAddress): Promise<void> {
    const permit = (): Promise<unknown> =>
      this.request(METHOD.CREATE_PERMISSION, (writer) => {
        writer.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer);
      });
    await permit();
    this.#keepAlive.keepPeer(`permission ${peer.ip()}`, permit);
  }

  /** Binds the next free channel to a peer (RFC 8656 §12), its permission included; renewed until `close`. */
  async channelBind(peer: TransportAddress): Promise<number> {
    const key = peer.toString();
    const channel = this.#channelByPeer.get(key) ?? CHANNEL_NUMBER_MIN + this.#peerByChannel.size;
    if (channel > CHANNEL_NUMBER_MAX) throw new RangeError('all channels of this client are bound');
    const bind = (): Promise<unknown> =>
      this.request(METHOD.CHANNEL_BIND, (writer) => {
        writer.uint16(ATTRIBUTE.CHANNEL_NUMBER, channel, 4);
        writer.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer);
      });
    // Data may come on the channel as soon as the response does.
    this.#peerByChannel.set(channel, peer.clone());
    try {
      await bind();
    } catch (error) {
      this.#peerByChannel.delete(channel);
      throw error;
    }
    this.#channelByPeer.set(key, channel);
    this.#keepAlive.keepPeer(`channel ${key}`, bind);
    return channel;
  }

  /**
   * Sends data to a peer: as ChannelData when a channel is bound to it, else in a Send indication.
   *
   * @param data - at most 65,000 bytes; borrowed until the promise resolves.
   * @returns when there is room for more.
   */
  send(peer: TransportAddress, data: Uint8Array): Promise<void> {
    assert(data.length <= DATA_BYTES_MAX, 'data that fits into a datagram');
    const channel = this.#channelByPeer.get(peer.toString());
    const frame = channel === undefined ? sendIndication(peer, data) : channelData(channel, data);
    return this.#transport.send(frame);
  }

  /**
   * Sends a request signed as the last challenge asks, answering one 401 and one 438.
   *
   * @throws ResponseError for any other error response; ClientError when there is no proper answer.
   */
  async request(method: number, add: AddAttributes): Promise<StunMessage> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#transactions.request(method, add, this.#challenge);
      } catch (error) {
        if (attempt === REQUEST_ATTEMPTS_MAX || !this.#takeChallenge(error)) throw error;
      }
    }
  }

  /** Deletes the allocation, waiting a moment for the answer, and closes the socket. */
  async close(): Promise<void> {
    this.#keepAlive.stop();
    const isWorthTelling = this.#isAllocated && !this.#isEnded;
    this.#isEnded = true;
    if (isWorthTelling) {
      const goodbye = this.refresh(0).catch(() => undefined);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise((resolve) => {
        timer = setTimeout(resolve, GOODBYE_MS_MAX);
      });
      await Promise.race([goodbye, late]);
      clearTimeout(timer);
    }
    this.#transactions.end(new ClientError('closed', 'the client is closed'));
    await this.#transport.close();
  }

  /** True when the error was a new challenge that is worth another try. */
  #takeChallenge(error: unknown): boolean {
    const { credential } = this.#options;
    if (!(error instanceof RejectedRequest) || credential === undefined) return false;
    const isChallenged = error.code === UNAUTHENTICATED && !error.isAuthenticated;
    if (!isChallenged && error.code !== STALE_NONCE) return false;
    this.#challenge = new Challenge(error.response, credential);
    return true;
  }

  #onFrame(frame: Uint8Array): void {
    if (frame[0]! >= CHANNEL_DATA_FIRST_BYTE) return this.#onChannelData(frame);
    // A copy: the response outlives the frame.
    const bytes = new Uint8Array(frame);
    const message = new StunMessage();
    // Anybody can send us datagrams that are no STUN messages; there is nobody to tell.
    if (message.decode(bytes, 0, bytes.length) !== undefined) return;
    if (message.messageClass === CLASS.INDICATION) return this.#onIndication(message);
    if (message.messageClass !== CLASS.REQUEST) this.#transactions.onResponse(message);
  }

  #onChannelData(frame: Uint8Array): void {
    if (frame.length < CHANNEL_DATA_HEADER_BYTES) return;
    const peer = this.#peerByChannel.get(uint16At(frame, 0));
    const end = CHANNEL_DATA_HEADER_BYTES + uint16At(frame, 2);
    if (peer === undefined || end > frame.length) return;
    this.#events.onData?.(frame.subarray(CHANNEL_DATA_HEADER_BYTES, end), peer);
  }

  #onIndication(message: StunMessage): void {
    const peer = new TransportAddress();
    const index = message.find(ATTRIBUTE.XOR_PEER_ADDRESS);
    if (message.method !== METHOD.DATA || !readXorAddress(message, index, peer)) return;
    const icmp = readBytes(message, message.find(ATTRIBUTE.ICMP));
    if (icmp?.length === ICMP_BYTES) {
      const number = uint16At(icmp, 2);
      this.#events.onPeerUnreachable?.(peer, (number >>> 9) & 0x7f, number & 0x1ff);
      return;
    }
    const data = readBytes(message, message.find(ATTRIBUTE.DATA));
    if (data !== undefined) this.#events.onData?.(data, peer);
  }

  #onLost(reason: Error): void {
    const end = reason instanceof ClientError ? reason : new ClientError('closed', reason.message);
    this.#transactions?.end(end);
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#keepAlive.stop();
    this.#events.onLost?.(reason);
  }
}

function openTransport(
  { server, transport, tls }: TurnClientOptions,
  connectMs: number,
  handler: ClientTransportHandler,
): Promise<ClientTransport> {
  if (transport === 'udp') return openUdpTransport(server, handler);
  assert.equal(transport === 'tls', tls !== undefined, 'TLS needs to know what to trust');
  return openStreamTransport(server, handler, { tls, connectMs });
}

function addressOf(message: StunMessage, type: number, name: string): TransportAddress {
  const address = new TransportAddress();
  if (readXorAddress(message, message.find(type), address)) return address;
  throw new ClientError('protocol', `the answer has no usable ${name}`);
}

function lifetimeOf(response: StunMessage): number {
  return readUint32(response, response.find(ATTRIBUTE.LIFETIME)) ?? 0;
}

function sendIndication(peer: TransportAddress, data: Uint8Array): Uint8Array {
  const writer = new StunWriter(new Uint8Array(data.length + INDICATION_BYTES_MAX));
  writer.begin(METHOD.SEND, CLASS.INDICATION, randomBytes(TRANSACTION_ID_BYTES));
  writer.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer).attribute(ATTRIBUTE.DATA, data);
  return writer.written();
}

function channelData(channel: number, data: Uint8Array): Uint8Array {
  const frame = new Uint8Array(CHANNEL_DATA_HEADER_BYTES + data.length);
  writeChannelDataHeader(frame, 0, channel, data.length);
  frame.set(data, CHANNEL_DATA_HEADER_BYTES);
  return frame;
}

/** Longest data that fits into a UDP datagram next to a Send indication's header, bytes. */
const DATA_BYTES_MAX = 65_000;
const INDICATION_BYTES_MAX = 64;
const UDP_PROTOCOL = 17;
const UNAUTHENTICATED = 401;
const STALE_NONCE = 438;
const REQUEST_ATTEMPTS_MAX = 3;
const CHANNEL_DATA_FIRST_BYTE = 0x40;
const ICMP_BYTES = 8;
const GOODBYE_MS_MAX = 1000;
