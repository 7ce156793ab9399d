import { Reactor } from '../../../src/net/reactor/reactor.ts';
import { UdpListener } from '../../../src/net/reactor/udp-listener.ts';
import {
  createDescriptorMemory,
  DescriptorLedger,
} from '../../../src/net/shared/descriptor-ledger.ts';
import { METHOD } from '../../../src/stun/registry.ts';
import type { TransportAddress } from '../../../src/stun/transport-address.ts';
import { createEventFd } from '../../../src/sys/epoll.ts';
import type { Allocation } from '../../../src/turn/allocation.ts';
import { LOOPBACK, LoopbackTraffic, openLoopbackSocket, type LoopbackSocket } from './loopback.ts';
import { allocateFor, channelFor, permissionFor } from './turn-messages.ts';
import { TurnRequester } from './turn-requester.ts';
import { createTurnService, LISTENER } from './turn-service.ts';

/** Channel number of every client that has one. */
export const CHANNEL = 0x4000;

const LIMITS = {
  connectionsPerAddressMax: 1,
  handshakesPerSecond: 1,
  handshakesPerSecondPerAddress: 1,
};
const PEERS = [
  { address: LOOPBACK.IPv4.peer, prefixLength: 32 },
  { address: LOOPBACK.IPv6.peer, prefixLength: 128 },
];

/** A client on a socket of its own, with an allocation. */
export interface ReactorClient {
  readonly socket: LoopbackSocket;
  readonly allocation: Allocation;
}

/** A worker's reactor with a listener on loopback, whose turns are taken by hand. */
export class DrivenReactor {
  readonly reactor: Reactor;
  readonly listener: UdpListener;
  /** Where clients send. */
  readonly listenerAddress: TransportAddress;
  /** The peer of all clients. */
  readonly peer: LoopbackSocket;
  readonly traffic = new LoopbackTraffic();
  readonly #clientIp: string;

  /** Throws SystemError when the host lacks the addresses. */
  constructor(family: keyof typeof LOOPBACK) {
    const ips = LOOPBACK[family];
    const service = createTurnService({ peers: PEERS });
    this.reactor = new Reactor({
      server: service.server,
      ledger: new DescriptorLedger(createDescriptorMemory(), 0),
      connectionsMax: 1,
      limits: LIMITS,
      wakeFd: createEventFd(),
      onWake: () => undefined,
      onEvent: (event, now) => service.onEvent(event, now),
    });
    const { fd, address } = openLoopbackSocket(ips.server);
    this.listenerAddress = address;
    this.listener = new UdpListener(this.reactor, {
      plan: {
        name: LISTENER,
        protocol: 'udp',
        alsoPlain: false,
        proxy: { mode: 'off', trusted: [] },
        bind: ips.server,
        port: address.port,
        relayAddresses: { configured: [], host: [] },
      },
      fd,
      address,
      strangersFd: undefined,
      isWildcard: false,
    });
    this.peer = openLoopbackSocket(ips.peer);
    this.#clientIp = ips.client;
  }

  /** A client with a channel, or with a permission only, for the peer. */
  connect(hasChannel: boolean): ReactorClient {
    const socket = openLoopbackSocket(this.#clientIp);
    const { address } = this.peer;
    const requester = new TurnRequester((request) => this.#exchange(socket, request));
    requester.request(METHOD.ALLOCATE, allocateFor(address.family));
    if (hasChannel) requester.request(METHOD.CHANNEL_BIND, channelFor(CHANNEL, address));
    else requester.request(METHOD.CREATE_PERMISSION, permissionFor(address));
    const allocation = [...this.reactor.server.allocations()].at(-1)!;
    return { socket, allocation };
  }

  #exchange({ fd }: LoopbackSocket, request: Uint8Array): Uint8Array {
    this.traffic.load(request);
    this.traffic.send(fd, this.listenerAddress, 1);
    this.listener.onReady();
    this.reactor.downstreamQueue.flush();
    return this.traffic.receive(fd);
  }
}
