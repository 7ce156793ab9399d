import { Arena } from '../../../src/sys/arena.ts';
import { ReceiveBatch } from '../../../src/sys/receive-batch.ts';
import { SendBatch } from '../../../src/sys/send-batch.ts';
import { openUdpSocket } from '../../../src/sys/socket.ts';
import { TransportAddress } from '../../../src/stun/transport-address.ts';
import { addressFrom } from '../../../test/support/turn-client.ts';
import type { ServerAddress } from '../../../test/support/turn-transport.ts';
import {
  issuedNonceOffset,
  messageMaker,
  messagesOf,
  NONCE_BYTES,
  nonceOffset,
  variedAt,
  type FloodKind,
  type RepeatedKind,
} from '../flood-messages.ts';
import { serveCalls } from '../remote-process.ts';

/** Where a flood comes from and goes to. */
export interface FloodPlan {
  readonly kind: FloodKind;
  readonly server: ServerAddress;
  readonly sources: number;
}

/** A flood, from as many sources one after the other, and then from the first again. */
export interface FloodOrder extends FloodPlan {
  readonly seconds: number;
  /** Not many more messages than so many. */
  readonly messagesMax?: number;
  /** As fast as it goes unless given. */
  readonly messagesPerSecond?: number;
}

/** What was sent, and what came back. */
export interface FloodResult {
  readonly sent: number;
  readonly seconds: number;
  /** Answers that were received; a socket buffer that is full loses the rest. */
  readonly answers: number;
  readonly answerBytes: number;
}

/** Requests whose answers are sent back to where they came from. */
export interface ReturnOrder {
  readonly kind: RepeatedKind;
  readonly server: ServerAddress;
  readonly sources: number;
  readonly messages: number;
}

/** How many answers there were, and to them. */
export interface ReturnResult {
  readonly answers: number;
  readonly answersToAnswers: number;
}

const BATCH = 128;
const SLOT_BYTES = 2048;
const BATCHES_PER_LOOK = 16;
/** Sources 10.0.0.1 and on. */
const FIRST_SOURCE = 0x0a00_0001;
const SILENCE_MS = 300;
const LOST_MS = 20;
/** What is this late would pass for something else. */
const LATE_MS = 2000;
const NONCE_ROUNDS_MAX = 10;

const arena = new Arena(2 * 1024 * 1024);
const sending = new SendBatch(arena, BATCH, false);
const received = new ReceiveBatch(arena, {
  slots: BATCH,
  slotBytes: SLOT_BYTES,
  headroomBytes: 0,
  control: true,
});
const slots = arena.allocate(BATCH * SLOT_BYTES, 64);
const fd = openUdpSocket({
  address: TransportAddress.parse('0.0.0.0', 0)!,
  packetInfo: true,
  receiveBufferBytes: 64 * 1024 * 1024,
  sendBufferBytes: 16 * 1024 * 1024,
});
const sources = Array.from({ length: BATCH }, () => new TransportAddress());
let nonces = new Uint8Array();
let answers = { count: 0, bytes: 0 };

const api = {
  /** Does what a flood needs beforehand; throws when an address gets no nonce. */
  prepare: ({ kind, server, sources: sourceCount }: FloodPlan): void => {
    if (kind !== 'badCredential') return;
    nonces = new Uint8Array(sourceCount * NONCE_BYTES);
    let missing = sourceCount;
    for (let round = 0; round < NONCE_ROUNDS_MAX && missing > 0; round++) {
      missing -= fetchNonces(server, sourceCount);
    }
    if (missing > 0) throw new Error(`${missing} of ${sourceCount} addresses get no nonce`);
  },
  flood: (order: FloodOrder): FloodResult => {
    answers = { count: 0, bytes: 0 };
    const { sent, seconds } = send(order);
    receiveUntilSilent(countAnswer);
    const { count, bytes } = answers;
    return { sent, seconds, answers: count, answerBytes: bytes };
  },
  returnAnswers,
};

/** What the process of an attacker can be asked for. */
export type FlooderApi = typeof api;

function send(order: FloodOrder): { readonly sent: number; readonly seconds: number } {
  const { kind, sources: sourceCount, messagesMax = Infinity, messagesPerSecond } = order;
  const server = addressFrom(order.server.host, order.server.port);
  const messageOf = messageMaker(kind);
  const varied = variedAt(kind);
  const nonceAt = kind === 'badCredential' ? nonceOffset(messageOf(0)) : -1;
  const batches = messagesPerSecond === undefined ? BATCHES_PER_LOOK : 1;
  const start = performance.now();
  const seconds = (): number => (performance.now() - start) / 1000;
  let number = 0;
  let sent = 0;
  const isAhead = (): boolean =>
    messagesPerSecond !== undefined && number > seconds() * messagesPerSecond;
  // A slow machine takes longer to get round.
  while ((seconds() < order.seconds || number < sourceCount) && sent < messagesMax) {
    for (let batch = 0; batch < batches; batch++) {
      for (let slot = 0; slot < BATCH; slot++, number++) {
        const source = number % sourceCount;
        const message = messageOf(number);
        const at = slots + slot * SLOT_BYTES;
        arena.bytes.set(message, at);
        if (varied !== undefined) arena.view.setUint32(at + varied, number);
        if (nonceAt >= 0) {
          const nonce = nonces.subarray(source * NONCE_BYTES, (source + 1) * NONCE_BYTES);
          arena.bytes.set(nonce, at + nonceAt);
        }
        sources[slot]!.setIpv4(FIRST_SOURCE + source, 0);
        sending.add(at, message.length, server, sources[slot]);
      }
      sent += BATCH - sending.flush(fd);
    }
    do receive(countAnswer);
    while (isAhead());
  }
  return { sent, seconds: seconds() };
}

/** Asks from every source that has no nonce for one; returns how many have come. */
function fetchNonces(server: ServerAddress, sourceCount: number): number {
  const local = new TransportAddress();
  let fetched = 0;
  let awaited = 0;
  const keep = (slot: number): void => {
    const offset = received.payloadOffset(slot);
    const answer = Buffer.from(arena.bytes.subarray(offset, offset + received.length(slot)));
    const at = issuedNonceOffset(answer);
    if (at === undefined || !received.readLocalAddress(slot, local)) return;
    const source = local.word0 - FIRST_SOURCE;
    if (source < 0 || source >= sourceCount || hasNonce(source)) return;
    nonces.set(answer.subarray(at, at + NONCE_BYTES), source * NONCE_BYTES);
    fetched++;
    awaited--;
  };
  const to = addressFrom(server.host, server.port);
  const [request] = messagesOf('allocate');
  for (let source = 0; source < sourceCount; source++) {
    if (hasNonce(source)) continue;
    const from = sources[sending.count]!.setIpv4(FIRST_SOURCE + source, 0);
    add(request!, to, from, 8, source);
    if (!sending.isFull) continue;
    awaited = BATCH - sending.flush(fd);
    // Not faster than it answers, so that next to none is lost.
    receiveUntilSilent(keep, LOST_MS, () => awaited <= 0);
  }
  sending.flush(fd);
  receiveUntilSilent(keep);
  return fetched;
}

function hasNonce(source: number): boolean {
  return nonces[source * NONCE_BYTES] !== 0;
}

/** Sends a batch of requests, and what comes back once more, from where it was sent to; then listens. */
function returnAnswers({
  kind,
  server,
  sources: sourceCount,
  messages,
}: ReturnOrder): ReturnResult {
  const to = addressFrom(server.host, server.port);
  const [request] = messagesOf(kind);
  const kept: { readonly bytes: Uint8Array; readonly source: TransportAddress }[] = [];
  const keep = (slot: number): void => {
    const source = new TransportAddress();
    if (!received.readLocalAddress(slot, source)) return;
    const offset = received.payloadOffset(slot);
    kept.push({ bytes: arena.bytes.slice(offset, offset + received.length(slot)), source });
  };
  let returned = 0;
  answers = { count: 0, bytes: 0 };
  for (let number = 0; number < messages;) {
    for (; !sending.isFull; number++) {
      const from = sources[sending.count]!.setIpv4(FIRST_SOURCE + (number % sourceCount), 0);
      add(request!, to, from, variedAt(kind), number);
    }
    sending.flush(fd);
    // All of them: what came later would pass for an answer to an answer.
    receiveUntilSilent(keep, LATE_MS, () => kept.length >= BATCH);
    for (const { bytes, source } of kept) add(bytes, to, source);
    sending.flush(fd);
    returned += kept.splice(0).length;
    receiveUntilSilent(countAnswer, 2);
  }
  receiveUntilSilent(countAnswer);
  return { answers: returned, answersToAnswers: answers.count };
}

/** Adds a message to the batch, which leaves first when it is full; `number` makes it different from others. */
function add(
  message: Uint8Array,
  to: TransportAddress,
  from: TransportAddress,
  varied?: number,
  number = 0,
): void {
  if (sending.isFull) sending.flush(fd);
  const at = slots + sending.count * SLOT_BYTES;
  arena.bytes.set(message, at);
  if (varied !== undefined) arena.view.setUint32(at + varied, number);
  sending.add(at, message.length, to, from);
}

function countAnswer(slot: number): void {
  answers.count++;
  answers.bytes += received.length(slot);
}

function receive(take: (slot: number) => void): number {
  const count = received.receive(fd, 0, BATCH);
  for (let slot = 0; slot < count; slot++) take(slot);
  return Math.max(0, count);
}

function receiveUntilSilent(
  take: (slot: number) => void,
  silenceMs = SILENCE_MS,
  isEnough = (): boolean => false,
): void {
  for (let last = performance.now(); performance.now() - last < silenceMs && !isEnough();) {
    if (receive(take) > 0) last = performance.now();
  }
}

serveCalls(api);
