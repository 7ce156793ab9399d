import { ATTRIBUTE, METHOD } from '../../../src/stun/registry.ts';
import type { StunWriter } from '../../../src/stun/message-writer.ts';
import { parseAddress } from '../core/turn-driver.ts';
import { Answer } from '../core/answer.ts';
import type { SeededRandom } from '../core/seeded-random.ts';
import {
  channelBind,
  channelData,
  sendIndication,
  TestClient,
  transport,
  type Write,
} from '../core/test-client.ts';
import {
  keyOf,
  type Identity,
  type Meaning,
  type Origin,
  type SentRequest,
  type Wish,
} from './request.ts';
import { CONFINED_USER, PEER_IPS, PEER_PORTS } from './world.ts';

const TRIES_MAX = 4;
const CHALLENGES_MAX = 3;
const CHANNELS = 5;

/** What a client hands to the network. */
export interface Outgoing {
  readonly bytes: Uint8Array;
  readonly meaning: Meaning;
}

/** A client of the simulation: it believes what it was told, and asks again when it hears nothing. */
export class SimulatedClient {
  readonly isStream: boolean;
  /** The socket or connection that it has now. */
  socket: TestClient;
  identity: Identity;
  /** Tokens that other clients were given; shared by all. */
  readonly tokens: string[];
  readonly #random: SeededRandom;
  #nonce: string | undefined;
  #hasAllocation = false;
  #waiting: { outgoing: Outgoing; wish: Wish; tries: number; challenges: number } | undefined;

  constructor(init: {
    socket: TestClient;
    identity: Identity;
    random: SeededRandom;
    tokens: string[];
  }) {
    this.socket = init.socket;
    this.isStream = init.socket.client.isStream;
    this.identity = init.identity;
    this.tokens = init.tokens;
    this.#random = init.random;
    this.#signAs(init.identity);
  }

  /** The end of the 5-tuple that it sends from now. */
  get origin(): Origin {
    return originOf(this.socket);
  }

  /** Goes on with another socket or connection, and knows nothing of what became of the last one. */
  rebind(socket: TestClient): void {
    this.socket = socket;
    this.#signAs(this.identity);
    this.#waiting = undefined;
    this.#hasAllocation = this.#hasAllocation && !this.isStream && this.#random.below(2) === 0;
  }

  /** Shows another credential from now on. */
  renew(identity: Identity): void {
    this.identity = identity;
    this.#signAs(identity);
  }

  /** What it sends next: the same request once more, or whatever comes to its mind. */
  act(): Outgoing {
    const waiting = this.#waiting;
    if (waiting !== undefined && waiting.tries < TRIES_MAX) {
      waiting.tries++;
      return waiting.outgoing;
    }
    this.#waiting = undefined;
    const mood = this.#random.below(100);
    if (!this.#hasAllocation && mood < 80) return this.#ask(this.#allocateWish());
    if (mood < 25) return this.#data();
    if (mood < 50) return this.#send();
    return this.#ask(this.#someWish());
  }

  /** Takes an answer; returns what it sends at once, if anything. */
  receive(bytes: Uint8Array): Outgoing | undefined {
    const answer = new Answer(bytes);
    const waiting = this.#waiting;
    const id = hexOf(answer.message.copyTransactionId());
    if (waiting?.outgoing.meaning.kind !== 'request') return undefined;
    if (waiting.outgoing.meaning.request.transactionId !== id) return undefined;
    this.#waiting = undefined;
    const nonce = answer.text(ATTRIBUTE.NONCE);
    if (nonce !== undefined) {
      this.#nonce = nonce;
      const challenges = waiting.challenges + 1;
      return challenges < CHALLENGES_MAX ? this.#ask(waiting.wish, challenges) : undefined;
    }
    this.#learn(waiting.wish, answer);
    return undefined;
  }

  #learn({ kind, ...wish }: Wish, answer: Answer): void {
    const { outcome } = answer;
    if (outcome === 437) this.#hasAllocation = kind === 'allocate';
    if (outcome !== 'success') return;
    if (kind === 'allocate') this.#hasAllocation = true;
    if (kind === 'refresh' && 'lifetime' in wish && wish.lifetime === 0) {
      this.#hasAllocation = wish.family !== undefined;
    }
    const token = answer.hex(ATTRIBUTE.RESERVATION_TOKEN);
    if (token !== undefined) this.tokens.push(token);
  }

  #signAs({ username, secret }: Identity): void {
    if (secret !== undefined) return this.socket.useEphemeral(username, secret);
    this.socket.username = username;
    this.socket.password = CONFINED_USER.password;
  }

  #allocateWish(): Wish {
    const random = this.#random;
    const token = random.below(3) === 0 ? this.tokens.shift() : undefined;
    const family =
      token === undefined
        ? random.pick(['unsaid', 'unsaid', 'IPv4', 'IPv6', 'both', 'both'] as const)
        : 'unsaid';
    const ports = ['any', 'any', 'even', family === 'both' ? 'even' : 'pair'] as const;
    return {
      kind: 'allocate',
      family,
      port: token === undefined ? random.pick(ports) : 'any',
      token,
      lifetime: random.pick([undefined, undefined, 0, 700, 3600, 100_000]),
    };
  }

  #someWish(): Wish {
    const random = this.#random;
    const kind = random.below(20);
    if (kind === 0) return this.#allocateWish();
    if (kind < 5) {
      const family = random.pick([undefined, undefined, undefined, 'IPv4', 'IPv6'] as const);
      const lifetime = random.pick([undefined, undefined, 600, 1200, 1200, 3600, 3600, 0]);
      return { kind: 'refresh', lifetime, family };
    }
    if (kind < 12) {
      const ips = Array.from({ length: random.below(4) }, () => random.pick(PEER_IPS));
      return { kind: 'permit', ips };
    }
    const number = random.below(40) === 0 ? 0x3fff : 0x4000 + random.below(CHANNELS);
    return { kind: 'bind', number, ip: random.pick(PEER_IPS), port: random.pick(PEER_PORTS) };
  }

  #ask(wish: Wish, challenges = 0): Outgoing {
    const { socket, identity } = this;
    const transactionId = socket.nextTransactionId();
    const method = METHOD_OF[wish.kind];
    const nonce = this.#nonce;
    const bytes = socket.build(
      method,
      (writer) => writeWish(writer, wish),
      nonce === undefined ? { transactionId, nonce, integrity: 'none' } : { transactionId, nonce },
    );
    const signature = nonce === undefined ? undefined : { identity, nonce, key: socket.key() };
    const request: SentRequest = {
      wish,
      method,
      transactionId: hexOf(transactionId),
      signature,
    };
    const outgoing: Outgoing = { bytes, meaning: { kind: 'request', request } };
    this.#waiting = { outgoing, wish, tries: 0, challenges };
    return outgoing;
  }

  #data(): Outgoing {
    const number = 0x4000 + this.#random.below(CHANNELS);
    return { bytes: channelData(number, PAYLOAD), meaning: { kind: 'data', number } };
  }

  #send(): Outgoing {
    const [ip, port] = [this.#random.pick(PEER_IPS), this.#random.pick(PEER_PORTS)];
    const bytes = sendIndication(this.socket.nextTransactionId(), ip, port, PAYLOAD);
    return { bytes, meaning: { kind: 'send', ip, port } };
  }
}

/** What every packet of data carries. */
export const PAYLOAD = Buffer.from('payload of a simulated packet');

/** The end of the 5-tuple that a socket is. */
export function originOf({ client }: TestClient): Origin {
  return { key: keyOf(client), address: client.address.toString() };
}

const METHOD_OF = {
  allocate: METHOD.ALLOCATE,
  refresh: METHOD.REFRESH,
  permit: METHOD.CREATE_PERMISSION,
  bind: METHOD.CHANNEL_BIND,
} as const;

const FAMILY_NUMBER = { IPv4: 1, IPv6: 2 } as const;
const EVEN_PORT_VALUE = { even: 0, pair: 0x80 } as const;

function writeWish(writer: StunWriter, wish: Wish): void {
  switch (wish.kind) {
    case 'allocate':
      writeAllocate(writer, wish);
      break;
    case 'refresh':
      if (wish.lifetime !== undefined) writer.uint32(ATTRIBUTE.LIFETIME, wish.lifetime);
      if (wish.family !== undefined) {
        writer.uint8(ATTRIBUTE.REQUESTED_ADDRESS_FAMILY, FAMILY_NUMBER[wish.family], 4);
      }
      break;
    case 'permit':
      for (const ip of wish.ips) {
        writer.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, parseAddress(ip, 0));
      }
      break;
    case 'bind':
      (channelBind(wish.number, wish.ip, wish.port) satisfies Write)(writer);
  }
}

function writeAllocate(writer: StunWriter, wish: Extract<Wish, { kind: 'allocate' }>): void {
  const { family, port, token, lifetime } = wish;
  transport(writer);
  if (lifetime !== undefined) writer.uint32(ATTRIBUTE.LIFETIME, lifetime);
  if (family === 'both') writer.uint8(ATTRIBUTE.ADDITIONAL_ADDRESS_FAMILY, FAMILY_NUMBER.IPv6, 4);
  else if (family !== 'unsaid') {
    writer.uint8(ATTRIBUTE.REQUESTED_ADDRESS_FAMILY, FAMILY_NUMBER[family], 4);
  }
  if (port !== 'any') writer.uint8(ATTRIBUTE.EVEN_PORT, EVEN_PORT_VALUE[port]);
  if (token !== undefined) {
    writer.attribute(ATTRIBUTE.RESERVATION_TOKEN, Buffer.from(token, 'hex'));
  }
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
