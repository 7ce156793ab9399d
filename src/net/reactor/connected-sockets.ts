import { closeSocket, connectSocket, openSecondUdpSocket } from '../../sys/socket.ts';
import { SystemError } from '../../sys/system-error.ts';
import type { TransportAddress } from '../../stun/transport-address.ts';
import type { Reactor } from './reactor.ts';
import type { RelaySocket } from './relay-socket.ts';

/**
 * Second sockets on relayed transport addresses, each connected to the peer that its allocation sends nearly everything
 * to.
 *
 * The kernel then keeps the route instead of looking it up for each datagram, an eighth of what sending costs. What
 * that peer sends arrives at the second socket, what others send at the relay socket. All works without one as well.
 */
export class ConnectedSockets {
  readonly #reactor: Reactor;
  readonly #max: number;
  #count = 0;

  /** @param max - how many there may be, since each takes a file descriptor. */
  constructor(reactor: Reactor, max: number) {
    this.#reactor = reactor;
    this.#max = max;
  }

  /** Opens one beside a relay socket, which takes what it receives; undefined when there are too many. */
  open(relay: RelaySocket, peer: TransportAddress): number | undefined {
    if (this.#count >= this.#max) return undefined;
    let fd: number | undefined;
    try {
      fd = openSecondUdpSocket(relay.fd, { receiveErrors: true, dontFragment: false });
      connectSocket(fd, peer);
      const opened = fd;
      const onReady = (flags: number): void => relay.receive(opened, flags);
      this.#reactor.watchEdges(opened, { onReady });
      this.#reactor.ledger.own(opened);
      this.#count += 1;
      return opened;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      if (fd !== undefined) closeSocket(fd);
      return undefined;
    }
  }

  /** Connects one to another peer; false when the system refuses. */
  reconnect(fd: number, peer: TransportAddress): boolean {
    try {
      connectSocket(fd, peer);
      return true;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      return false;
    }
  }

  /** Stops watching one and closes it. */
  close(fd: number): void {
    this.#count -= 1;
    this.#reactor.unwatch(fd);
    this.#reactor.ledger.disown(fd);
    closeSocket(fd);
  }
}
