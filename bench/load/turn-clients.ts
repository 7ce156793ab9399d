import { randomFillSync } from 'node:crypto';
import { Arena } from '../../src/sys/arena.ts';
import { Poller } from '../../src/sys/epoll.ts';
import { EPOLLIN } from '../../src/sys/layout.ts';
import { localAddress } from '../../src/sys/socket.ts';
import { readErrorCode, readText, readXorAddress } from '../../src/stun/attributes.ts';
import { longTermKey } from '../../src/stun/integrity.ts';
import { StunMessage } from '../../src/stun/message.ts';
import { StunWriter } from '../../src/stun/message-writer.ts';
import { ATTRIBUTE, CLASS, METHOD } from '../../src/stun/registry.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';
import { type Addresses, CREDENTIAL, SERVER_PORTS, transportAddress } from '../settings.ts';
import type { StepResult, Transport } from './protocol.ts';
import { type GeneratorMemory, MESSAGE_BYTES_MAX } from './transport/memory.ts';
import { openTransport } from './transport/open-transport.ts';
import type { ClientTransport } from './transport/transport.ts';

/** Channel number of every client. */
export const CHANNEL = 0x4000;

const TEXT_BYTES_MAX = 763;
const RETRANSMIT_MS = 500;
const GIVE_UP_MS = 20_000;
const WAIT_MS = 50;
const UDP_PROTOCOL = 17;

/** A client on a socket, and so on a 5-tuple, of its own. */
export interface TurnClient {
  readonly transport: ClientTransport;
  /** Where it sends from. */
  readonly local: TransportAddress;
  /** Relayed transport address, port 0 until it has one. */
  readonly relayed: TransportAddress;
  readonly transactionId: Uint8Array;
  challenge: { readonly realm: string; readonly nonce: string } | undefined;
}

type WriteRequest = (writer: StunWriter, client: TurnClient) => void;

/** Many TURN clients in one thread, with blocking steps. */
export class TurnClients {
  readonly all: readonly TurnClient[];
  readonly transport: Transport;
  /** Where the server listens. */
  readonly server: TransportAddress;
  readonly #memory: GeneratorMemory;
  readonly #writer: StunWriter;
  readonly #message = new StunMessage();
  readonly #keyByRealm = new Map<string, Uint8Array>();

  /** Opens the sockets; streams are connected then. Throws when the server refuses one. */
  constructor(count: number, transport: Transport, addresses: Addresses, memory: GeneratorMemory) {
    this.transport = transport;
    this.server = transportAddress(addresses.server, SERVER_PORTS[transport]);
    this.#memory = memory;
    this.#writer = new StunWriter(memory.arena.bytes);
    const client = transportAddress(addresses.client, 0);
    this.all = Array.from({ length: count }, () => this.#open(client));
  }

  /** Makes an allocation for clients `from` to `to - 1`, challenge included, `concurrency` at a time. */
  allocate(concurrency: number, from = 0, to = this.all.length): StepResult {
    const writeRequest: WriteRequest = (writer) =>
      writer.uint8(ATTRIBUTE.REQUESTED_TRANSPORT, UDP_PROTOCOL, 4);
    return this.#exchange(METHOD.ALLOCATE, concurrency, writeRequest, this.all.slice(from, to));
  }

  /** Binds `CHANNEL` to `peer` for every client, `concurrency` at a time. */
  bindChannels(peer: TransportAddress, concurrency: number): StepResult {
    return this.#exchange(METHOD.CHANNEL_BIND, concurrency, (writer) =>
      writer
        .uint16(ATTRIBUTE.CHANNEL_NUMBER, CHANNEL, 4)
        .xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer),
    );
  }

  /** Permits `peer` for every client, `concurrency` at a time. */
  createPermissions(peer: TransportAddress, concurrency: number): StepResult {
    return this.#exchange(METHOD.CREATE_PERMISSION, concurrency, (writer) =>
      writer.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer),
    );
  }

  /** Closes all sockets; the server keeps the allocations of datagram clients. */
  close(): void {
    for (const { transport } of this.all) transport.close();
  }

  #open(client: TransportAddress): TurnClient {
    const transport = openTransport(this.transport, this.#memory, client, this.server);
    const local = new TransportAddress();
    localAddress(transport.fd, local);
    return {
      transport,
      local,
      relayed: new TransportAddress(),
      transactionId: new Uint8Array(12),
      challenge: undefined,
    };
  }

  #exchange(
    method: number,
    concurrency: number,
    writeRequest: WriteRequest,
    clients = this.all,
  ): StepResult {
    const poller = new Poller(new Arena(8192), 256);
    for (const [index, { transport }] of clients.entries()) {
      poller.add(transport.fd, EPOLLIN, index);
    }
    try {
      return this.#exchangePolled(poller, clients, method, concurrency, writeRequest);
    } finally {
      // While packets flow nobody may wait for the sockets here, which the server would pay for.
      poller.close();
    }
  }

  #exchangePolled(
    poller: Poller,
    clients: readonly TurnClient[],
    method: number,
    concurrency: number,
    writeRequest: WriteRequest,
  ): StepResult {
    const waiting = new Set<TurnClient>();
    let started = 0;
    let retransmissions = 0;
    let waitedMs = 0;
    const startedMs = performance.now();
    let progressMs = startedMs;
    let sentMs = startedMs;
    while (started < clients.length || waiting.size > 0) {
      while (started < clients.length && waiting.size < concurrency) {
        const client = clients[started++]!;
        waiting.add(client);
        this.#send(method, client, writeRequest);
      }
      const pausedMs = performance.now();
      const count = poller.wait(WAIT_MS);
      waitedMs += performance.now() - pausedMs;
      for (let event = 0; event < count; event++) {
        const client = clients[poller.eventTag(event)]!;
        if (!this.#receive(client) || !waiting.has(client)) continue;
        progressMs = sentMs = performance.now();
        if (this.#isSettled(method, client)) waiting.delete(client);
        else this.#send(method, client, writeRequest);
      }
      const now = performance.now();
      if (now - progressMs > GIVE_UP_MS) throw new Error(`${waiting.size} clients wait in vain`);
      if (this.transport !== 'udp' || now - sentMs < RETRANSMIT_MS) continue;
      sentMs = now;
      retransmissions += waiting.size;
      for (const client of waiting) this.#send(method, client, writeRequest);
    }
    const elapsedMs = performance.now() - startedMs;
    const generatorBusyShare = 1 - waitedMs / elapsedMs;
    return { seconds: elapsedMs / 1000, retransmissions, generatorBusyShare };
  }

  #send(method: number, client: TurnClient, writeRequest: WriteRequest): void {
    const { challenge, transactionId } = client;
    const { arena, messageOffset } = this.#memory;
    randomFillSync(transactionId);
    const end = messageOffset + MESSAGE_BYTES_MAX;
    const writer = this.#writer.target(arena.bytes, messageOffset, end);
    writer.begin(method, CLASS.REQUEST, transactionId);
    writeRequest(writer, client);
    if (challenge !== undefined) {
      writer.text(ATTRIBUTE.USERNAME, CREDENTIAL.username);
      writer.text(ATTRIBUTE.REALM, challenge.realm);
      writer.text(ATTRIBUTE.NONCE, challenge.nonce);
      writer.integrity(this.#keyOf(challenge.realm));
    }
    client.transport.send(messageOffset, writer.written().length);
  }

  /** Reads a reply to the latest request of a client into the message; false when there is none. */
  #receive(client: TurnClient): boolean {
    let isReply = false;
    client.transport.receive((bytes, offset, length) => {
      isReply ||= this.#isReply(client, bytes, offset, length);
    });
    return isReply;
  }

  #isReply(client: TurnClient, bytes: Uint8Array, offset: number, length: number): boolean {
    const message = this.#message;
    if (message.decode(bytes, offset, length) !== undefined) return false;
    const at = message.transactionIdOffset;
    return client.transactionId.every((byte, index) => byte === bytes[at + index]);
  }

  /** False when the request has to be sent again with the new challenge. */
  #isSettled(method: number, client: TurnClient): boolean {
    const message = this.#message;
    if (message.messageClass === CLASS.SUCCESS) {
      const index = message.find(ATTRIBUTE.XOR_RELAYED_ADDRESS);
      return method !== METHOD.ALLOCATE || readXorAddress(message, index, client.relayed);
    }
    const code = readErrorCode(message, message.find(ATTRIBUTE.ERROR_CODE))?.code;
    const realm = readText(message, message.find(ATTRIBUTE.REALM), TEXT_BYTES_MAX);
    const nonce = readText(message, message.find(ATTRIBUTE.NONCE), TEXT_BYTES_MAX);
    const isChallenge = code === 438 || (code === 401 && client.challenge === undefined);
    if (!isChallenge || realm === undefined || nonce === undefined) {
      throw new Error(`the server refuses with ${code}`);
    }
    client.challenge = { realm, nonce };
    return false;
  }

  #keyOf(realm: string): Uint8Array {
    let key = this.#keyByRealm.get(realm);
    if (key === undefined) {
      key = longTermKey(CREDENTIAL.username, realm, CREDENTIAL.password, 'MD5');
      this.#keyByRealm.set(realm, key);
    }
    return key;
  }
}
