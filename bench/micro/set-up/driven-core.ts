import type { TurnService } from '../../../src/service/turn-service.ts';
import { METHOD } from '../../../src/stun/registry.ts';
import {
  IPV4,
  IPV6,
  TransportAddress,
  type AddressFamily,
} from '../../../src/stun/transport-address.ts';
import { ServerEndpoint, type Allocation, type Relay } from '../../../src/turn/allocation.ts';
import type { MonotonicMs, Now, UnixSeconds } from '../../../src/turn/policy.ts';
import type { TurnServer } from '../../../src/turn/turn-server.ts';
import { transportAddress } from '../../settings.ts';
import { createTurnService, LISTENER, type ServiceOptions } from './turn-service.ts';
import { allocateFor } from './turn-messages.ts';
import { TurnRequester } from './turn-requester.ts';

/** As fine as the clock of a real loop. */
const TURN_MS = 0.8765;
/** Every so many packets the time changes, as in a busy loop. */
const PACKETS_PER_TURN = 64;
const PEERS = [
  { address: '10.0.0.0', prefixLength: 8 },
  { address: 'fd00::', prefixLength: 8 },
];

/** A TURN core with a driver that has no sockets: it says that every relay is bound, and forgets what is sent. */
export class DrivenCore {
  readonly server: TurnServer;
  /** The time, which `passPacket` moves. */
  readonly now: Now = {
    monotonicMs: 1_000_000 as MonotonicMs,
    unixSeconds: 1_800_000_000 as UnixSeconds,
  };
  readonly #service: TurnService;
  readonly #endpoints: Record<AddressFamily, ServerEndpoint>;
  #packets = 0;
  #nextHandle = 0;
  #answer: Uint8Array | undefined;

  constructor(options: Partial<ServiceOptions> = {}) {
    this.#service = createTurnService({ peers: PEERS, ...options });
    this.server = this.#service.server;
    this.#endpoints = { [IPV4]: endpointAt('192.0.2.1'), [IPV6]: endpointAt('2001:db8::1') };
  }

  /** Where the clients of a family come to. */
  endpointOf({ family }: TransportAddress): ServerEndpoint {
    return this.#endpoints[family];
  }

  /** A client of this core, which has no allocation yet. */
  connect(address: TransportAddress): TurnRequester {
    return new TurnRequester((request) => this.exchange(address, request));
  }

  /** Gives a client an allocation with a relay of its own family. */
  allocate(address: TransportAddress): { requester: TurnRequester; allocation: Allocation } {
    const requester = this.connect(address);
    requester.request(METHOD.ALLOCATE, allocateFor(address.family));
    const allocation = this.endpointOf(address).allocationByClient.get(address);
    if (allocation === undefined) throw new Error('no allocation');
    return { requester, allocation };
  }

  /** Hands in one message of a client and returns what it was answered; throws when it was not. */
  exchange(address: TransportAddress, message: Uint8Array): Uint8Array {
    this.#answer = undefined;
    this.handle(address, message);
    if (this.#answer === undefined) throw new Error('no answer');
    return this.#answer;
  }

  /** Hands in one message of a client and carries out what the core wants done. */
  handle(address: TransportAddress, message: Uint8Array): void {
    const { server, now } = this;
    server.handleClientDatagram(this.endpointOf(address), address, message, 0, message.length, now);
    this.drain();
  }

  /** Carries out what the core wants done. */
  drain(): void {
    const { server } = this;
    for (let command = server.nextCommand(); command; command = server.nextCommand()) {
      if (command.kind === 'sendToClient') this.#answer = command.bytes;
      else if (command.kind === 'bindRelay') this.#bind(command.relay);
      else if (command.kind === 'event') this.#service.onEvent(command.event, this.now);
    }
  }

  /** Lets time go on as it does from one packet to the next. */
  passPacket(): void {
    this.#packets = (this.#packets + 1) % PACKETS_PER_TURN;
    if (this.#packets > 0) return;
    this.now.monotonicMs = (this.now.monotonicMs + TURN_MS) as MonotonicMs;
  }

  #bind(relay: Relay): void {
    this.server.handleRelayBound(relay, this.#nextHandle++, undefined, this.now);
  }
}

function endpointAt(ip: string): ServerEndpoint {
  const relayed = ['172.16.0.5', 'fd99::5'].map((text) => transportAddress(text, 0));
  const relays = relayed.map((address) => ({ bind: address, advertise: address }));
  return new ServerEndpoint(LISTENER, 'udp', transportAddress(ip, 3478), relays);
}

/** The address of client `index` of a family, written into `into`. */
export function clientAddress(
  family: AddressFamily,
  index: number,
  into = new TransportAddress(),
): TransportAddress {
  const port = 40_000 + (index & 0xfff);
  return family === IPV6
    ? into.setIpv6(0x20010db8, 1, 0, index + 1, port)
    : into.setIpv4(0xc6120000 + index + 1, port);
}
