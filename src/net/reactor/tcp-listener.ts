import { constants } from 'node:os';
import { EPOLLIN } from '../../sys/layout.ts';
import { acceptStream } from '../../sys/stream.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import { ServerEndpoint } from '../../turn/allocation.ts';
import { relayAddressesFor } from '../relay-address-plan.ts';
import { LocalEndpoints } from '../shared/local-endpoints.ts';
import type { ListenerSocket } from './listener-socket.ts';
import type { PollHandler, Reactor } from './reactor.ts';

const { EAGAIN, ECONNABORTED } = constants.errno;
/** Connections accepted from one listener before others have their turn. */
const ACCEPTS_MAX = 64;

/** A TCP listener socket. */
export class TcpListener implements PollHandler {
  readonly #reactor: Reactor;
  readonly #fd: number;
  readonly #endpoints: LocalEndpoints<ServerEndpoint>;

  constructor(reactor: Reactor, { fd, listener, relayAddresses }: ListenerSocket) {
    this.#reactor = reactor;
    this.#fd = fd;
    this.#endpoints = new LocalEndpoints((local) => {
      return new ServerEndpoint(listener, 'tcp', local, relayAddressesFor(relayAddresses, local));
    });
  }

  onReady(): void {
    for (let count = 0; count < ACCEPTS_MAX; count++) {
      const fd = acceptStream(this.#fd, PEER);
      if (fd === -EAGAIN) return;
      if (fd === -ECONNABORTED) continue;
      if (fd < 0) {
        // Most often no descriptor is left; the connection stays in the queue and would make the loop spin.
        this.#reactor.pause(this.#fd, EPOLLIN);
        return;
      }
      this.#reactor.connections.open(fd, PEER.clone(), this.#endpoints);
    }
  }
}

const PEER = new TransportAddress();
