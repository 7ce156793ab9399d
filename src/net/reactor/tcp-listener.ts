import { constants } from 'node:os';
import { EPOLLIN } from '../../sys/layout.ts';
import { acceptStream } from '../../sys/stream.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import type { PollHandler, Reactor } from './reactor.ts';
import type { ListenerSocket } from './udp-listener.ts';

const { EAGAIN, ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM } = constants.errno;
/** Connections accepted from one listener before others have their turn. */
const ACCEPTS_MAX = 64;

/** A TCP listener socket. */
export class TcpListener implements PollHandler {
  readonly #reactor: Reactor;
  readonly #socket: ListenerSocket;

  constructor(reactor: Reactor, socket: ListenerSocket) {
    this.#reactor = reactor;
    this.#socket = socket;
  }

  onReady(): void {
    for (let count = 0; count < ACCEPTS_MAX; count++) {
      const fd = acceptStream(this.#socket.fd, PEER);
      if (fd >= 0) this.#reactor.connections.open(this.#socket, fd, PEER.clone());
      else if (fd === -EAGAIN) return;
      else if (isExhausted(-fd)) return this.#reactor.pause(this.#socket.fd, EPOLLIN);
      else if (fd !== -ECONNABORTED) return;
    }
  }
}

/** The connection stays in the queue and would make the loop spin. */
function isExhausted(errno: number): boolean {
  return errno === EMFILE || errno === ENFILE || errno === ENOBUFS || errno === ENOMEM;
}

const PEER = new TransportAddress();
