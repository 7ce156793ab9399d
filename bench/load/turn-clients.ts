import { randomFillSync } from 'node:crypto';
import { Arena } from '../../src/sys/arena.ts';
import { Poller } from '../../src/sys/epoll.ts';
import { EPOLLIN } from '../../src/sys/layout.ts';
import { ReceiveBatch } from '../../src/sys/receive-batch.ts';
import { SendBatch } from '../../src/sys/send-batch.ts';
import { closeSocket, openUdpSocket } from '../../src/sys/socket.ts';
import { readErrorCode, readText, readXorAddress } from '../../src/stun/attributes.ts';
import { longTermKey } from '../../src/stun/integrity.ts';
import { StunMessage } from '../../src/stun/message.ts';
import { StunWriter } from '../../src/stun/message-writer.ts';
import { ATTRIBUTE, CLASS, METHOD } from '../../src/stun/registry.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';
import { CLIENT_IP, CREDENTIAL, transportAddress } from '../settings.ts';
import type { StepResult } from './protocol.ts';

/** Channel number of every client. */
export const CHANNEL = 0x4000;

const MESSAGE_BYTES_MAX = 1500;
const TEXT_BYTES_MAX = 763;
const RETRANSMIT_MS = 500;
const GIVE_UP_MS = 20_000;
const WAIT_MS = 50;
const UDP_PROTOCOL = 17;

/** A client on a socket, and so on a 5-tuple, of its own. */
export interface TurnClient {
  readonly fd: number;
  /** Relayed transport address, port 0 until it has one. */
  readonly relayed: TransportAddress;
  readonly transactionId: Uint8Array;
  challenge: { readonly realm: string; readonly nonce: string } | undefined;
}

type WriteRequest = (writer: StunWriter, client: TurnClient) => void;

/** Many TURN clients in one thread, with blocking steps. */
export class TurnClients {
  readonly all: readonly TurnClient[];
  readonly #server: TransportAddress;
  readonly #arena: Arena;
  readonly #poller: Poller;
  readonly #replies: ReceiveBatch;
  readonly #requests: SendBatch;
  readonly #requestOffset: number;
  readonly #writer: StunWriter;
  readonly #message = new StunMessage();
  readonly #keyByRealm = new Map<string, Uint8Array>();

  constructor(count: number, server: TransportAddress) {
    this.#server = server;
    this.#arena = new Arena(1024 * 1024);
    this.#poller = new Poller(this.#arena, 256);
    this.#replies = new ReceiveBatch(this.#arena, {
      slots: 4,
      slotBytes: MESSAGE_BYTES_MAX,
      headroomBytes: 0,
      control: false,
    });
    this.#requests = new SendBatch(this.#arena, 1);
    this.#requestOffset = this.#arena.allocate(MESSAGE_BYTES_MAX);
    this.#writer = new StunWriter(this.#arena.bytes);
    this.all = Array.from({ length: count }, (_, index) => this.#open(index));
  }

  /** Makes an allocation for every client, challenge included, `concurrency` at a time. */
  allocate(concurrency: number): StepResult {
    return this.#exchange(METHOD.ALLOCATE, concurrency, (writer) =>
      writer.uint8(ATTRIBUTE.REQUESTED_TRANSPORT, UDP_PROTOCOL, 4),
    );
  }

  /** Binds `CHANNEL` to `peer` for every client, `concurrency` at a time. */
  bindChannels(peer: TransportAddress, concurrency: number): StepResult {
    return this.#exchange(METHOD.CHANNEL_BIND, concurrency, (writer) =>
      writer
        .uint16(ATTRIBUTE.CHANNEL_NUMBER, CHANNEL, 4)
        .xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer),
    );
  }

  /** Closes all sockets; the server keeps the allocations. */
  close(): void {
    for (const { fd } of this.all) closeSocket(fd);
    this.#poller.close();
  }

  #open(index: number): TurnClient {
    const fd = openUdpSocket({ address: transportAddress(CLIENT_IP, 0) });
    this.#poller.add(fd, EPOLLIN, index);
    const transactionId = new Uint8Array(12);
    return { fd, relayed: new TransportAddress(), transactionId, challenge: undefined };
  }

  #exchange(method: number, concurrency: number, writeRequest: WriteRequest): StepResult {
    const waiting = new Set<TurnClient>();
    let started = 0;
    let retransmissions = 0;
    const startedMs = performance.now();
    let progressMs = startedMs;
    let sentMs = startedMs;
    while (started < this.all.length || waiting.size > 0) {
      while (started < this.all.length && waiting.size < concurrency) {
        const client = this.all[started++]!;
        waiting.add(client);
        this.#send(method, client, writeRequest);
      }
      const count = this.#poller.wait(WAIT_MS);
      for (let event = 0; event < count; event++) {
        const client = this.all[this.#poller.eventTag(event)]!;
        if (!this.#receive(client) || !waiting.has(client)) continue;
        progressMs = sentMs = performance.now();
        if (this.#isSettled(method, client)) waiting.delete(client);
        else this.#send(method, client, writeRequest);
      }
      const now = performance.now();
      if (now - progressMs > GIVE_UP_MS) throw new Error(`${waiting.size} clients wait in vain`);
      if (now - sentMs < RETRANSMIT_MS) continue;
      sentMs = now;
      retransmissions += waiting.size;
      for (const client of waiting) this.#send(method, client, writeRequest);
    }
    return { seconds: (performance.now() - startedMs) / 1000, retransmissions };
  }

  #send(method: number, client: TurnClient, writeRequest: WriteRequest): void {
    const { challenge, transactionId } = client;
    const start = this.#requestOffset;
    randomFillSync(transactionId);
    const writer = this.#writer.target(this.#arena.bytes, start, start + MESSAGE_BYTES_MAX);
    writer.begin(method, CLASS.REQUEST, transactionId);
    writeRequest(writer, client);
    if (challenge !== undefined) {
      writer.text(ATTRIBUTE.USERNAME, CREDENTIAL.username);
      writer.text(ATTRIBUTE.REALM, challenge.realm);
      writer.text(ATTRIBUTE.NONCE, challenge.nonce);
      writer.integrity(this.#keyOf(challenge.realm));
    }
    this.#requests.add(start, writer.written().length, this.#server);
    this.#requests.flush(client.fd);
  }

  /** Reads a reply to the latest request of a client into the message; false when there is none. */
  #receive(client: TurnClient): boolean {
    if (this.#replies.receive(client.fd, 0, 1) !== 1) return false;
    const { bytes } = this.#arena;
    const message = this.#message;
    const offset = this.#replies.payloadOffset(0);
    if (message.decode(bytes, offset, this.#replies.length(0)) !== undefined) return false;
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
