import type { RemoteInfo, Socket } from 'node:dgram';
import { TransportAddress } from '../../stun/transport-address.ts';
import type { Relay } from '../../turn/allocation.ts';
import { isPortTaken, withNextPort } from '../shared/relay-port.ts';
import { readAddress } from './address-text.ts';
import { HandleTable } from './handle-table.ts';
import type { PortableDriver } from './portable-driver.ts';
import { closeUdpSocket, openUdpSocket, sendDatagram } from './udp-socket.ts';

interface RelaySocket {
  readonly handle: number;
  readonly socket: Socket;
}

/** The sockets of relayed transport addresses, the reserved ones included. */
export class RelaySockets {
  readonly #driver: PortableDriver;
  readonly #sockets = new HandleTable<RelaySocket>();
  readonly #binding = new Set<Promise<void>>();

  constructor(driver: PortableDriver) {
    this.#driver = driver;
  }

  /** Binds a relay, and the next port as well when `reservesNext`; the core is told the outcome later. */
  bind(relay: Relay, reservesNext: boolean): void {
    const binding = this.#bind(relay, reservesNext).finally(() => this.#binding.delete(binding));
    this.#binding.add(binding);
  }

  /** Uses a socket that was reserved, unless it is bound to another address; the core is told at once. */
  adopt(relay: Relay, handle: number): void {
    const { server, now } = this.#driver;
    const reserved = this.#sockets.get(handle)!;
    if (reserved.socket.address().address === relay.bindAddress.ip()) {
      this.#receiveFor(relay, reserved);
      server.handleRelayBound(relay, handle, undefined, now);
    } else {
      this.close(handle);
      server.handleRelayFailed(relay, false, now);
    }
  }

  /** Sends a datagram to a peer; `bytes` belong to the socket from now on. */
  send(handle: number, bytes: Uint8Array, peer: TransportAddress): void {
    const relaySocket = this.#sockets.get(handle);
    if (relaySocket !== undefined) sendDatagram(relaySocket.socket, bytes, peer);
  }

  /** Closes a socket, bound or reserved. */
  close(handle: number): void {
    this.#sockets.remove(handle)?.socket.close();
  }

  /** Closes every socket, also those that are just being bound. */
  async closeAll(): Promise<void> {
    await Promise.all(this.#binding);
    const left = [...this.#sockets.values()];
    for (const { handle } of left) this.#sockets.remove(handle);
    await Promise.all(left.map(({ socket }) => closeUdpSocket(socket)));
  }

  async #bind(relay: Relay, reservesNext: boolean): Promise<void> {
    const addresses = [relay.bindAddress.clone()];
    if (reservesNext) addresses.push(withNextPort(relay.bindAddress));
    const outcomes = await Promise.allSettled(addresses.map(openUdpSocket));
    const sockets = outcomes.flatMap((outcome) =>
      outcome.status === 'fulfilled' ? [outcome.value] : [],
    );
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure === undefined) this.#reportBound(relay, sockets);
    else this.#reportFailed(relay, sockets, failure.reason as NodeJS.ErrnoException);
  }

  #reportBound(relay: Relay, sockets: readonly Socket[]): void {
    const [own, next] = sockets.map((socket) =>
      this.#sockets.add((handle) => ({ handle, socket })),
    );
    this.#receiveFor(relay, own!);
    this.#driver.handle((server, now) => {
      server.handleRelayBound(relay, own!.handle, next?.handle, now);
    });
  }

  #reportFailed(relay: Relay, sockets: readonly Socket[], { code }: NodeJS.ErrnoException): void {
    for (const socket of sockets) socket.close();
    this.#driver.handle((server, now) => server.handleRelayFailed(relay, isPortTaken(code), now));
  }

  #receiveFor(relay: Relay, { socket }: RelaySocket): void {
    socket.on('message', (payload: Buffer, { address, port }: RemoteInfo) => {
      if (!readAddress(address, port, PEER)) return;
      this.#driver.handlePeerDatagram(relay, PEER, payload);
    });
  }
}

const PEER = new TransportAddress();
