import { EPOLLIN } from '../../sys/layout.ts';
import type { ServerEndpoint } from '../../turn/allocation.ts';
import type { ListenerPlan } from '../data-plane.ts';
import { isDatagramListener } from '../shared/listener-change.ts';
import type { DatagramEndpoint } from './datagram-endpoint.ts';
import type { ListenerSocket } from './listener-socket.ts';
import { REQUEST_RANK } from './ranks.ts';
import type { Reactor } from './reactor.ts';
import { TcpListener } from './tcp-listener.ts';
import { UdpListener } from './udp-listener.ts';

/**
 * The listener sockets that one worker serves.
 *
 * Nothing here opens or closes one: they belong to the main thread, which closes one only after the worker has let go
 * of it. Sockets that a worker does not know are none of its business: it may have been started after they went.
 */
export class Listeners {
  readonly #reactor: Reactor;
  readonly #listenerByFd = new Map<number, TcpListener | UdpListener>();
  /** Those that the main thread is to be told about once they are idle. */
  readonly #retired = new Map<number, UdpListener>();

  constructor(reactor: Reactor) {
    this.#reactor = reactor;
  }

  /** Starts to serve a socket. */
  open(socket: ListenerSocket): void {
    const isDatagram = isDatagramListener(socket.plan);
    this.#listenerByFd.set(
      socket.fd,
      isDatagram ? this.#openDatagrams(socket) : this.#openStreams(socket),
    );
  }

  /** Takes another plan for the same place, and serves newcomers there, maybe again. */
  update(fd: number, plan: ListenerPlan): void {
    this.#retired.delete(fd);
    this.#listenerByFd.get(fd)?.update(plan);
  }

  /** Serves only what lives: connections without their socket, which is let go of; datagrams until `takeIdle`. */
  retire(fd: number): void {
    const listener = this.#listenerByFd.get(fd);
    if (listener instanceof UdpListener) {
      listener.retire();
      this.#retired.set(fd, listener);
    } else if (listener !== undefined) {
      // Those who have connected by now are not sent away.
      listener.onReady();
      this.#release(fd);
    }
  }

  /** Lets go of a socket, and ends what depends on it. */
  close(fd: number): void {
    const listener = this.#listenerByFd.get(fd);
    if (listener === undefined) return;
    if (listener instanceof UdpListener) {
      this.#end((endpoint) => (endpoint as DatagramEndpoint).fd === fd);
      this.#retired.delete(fd);
    }
    this.#release(fd);
  }

  /** Ends all allocations, connections and associations that came over the named listeners. */
  endNamed(names: readonly string[]): void {
    if (names.length === 0) return;
    this.#end(({ listener }) => names.includes(listener));
    for (const name of names) this.#reactor.secureContexts.forget(name);
  }

  /** Sockets that are retired and idle, each told once; they are watched until `close`. */
  takeIdle(): number[] {
    for (const listener of this.#listenerByFd.values()) {
      if (listener instanceof UdpListener) listener.sweep();
    }
    const idle = [...this.#retired].filter(([, listener]) => listener.isIdle).map(([fd]) => fd);
    for (const fd of idle) this.#retired.delete(fd);
    return idle;
  }

  #openDatagrams(socket: ListenerSocket): UdpListener {
    const { fd, strangersFd } = socket;
    const listener = new UdpListener(this.#reactor, socket);
    this.#reactor.watchEdges(fd, listener);
    if (strangersFd !== undefined) {
      this.#reactor.watchEdges(strangersFd, listener.strangers);
      this.#reactor.rank(strangersFd, REQUEST_RANK);
    }
    return listener;
  }

  #openStreams(socket: ListenerSocket): TcpListener {
    const listener = new TcpListener(this.#reactor, socket);
    this.#reactor.watch(socket.fd, listener, EPOLLIN);
    return listener;
  }

  #end(isMeant: (endpoint: ServerEndpoint) => boolean): void {
    const { server, connections, associations, downstreamQueue } = this.#reactor;
    server.endAllocations(({ client }) => isMeant(client.endpoint), 'listenerClosed');
    this.#reactor.drainCommands();
    connections.closeAt(isMeant);
    associations.closeAt(isMeant);
    // What is queued must leave through these sockets, not through the next ones that get their descriptors.
    downstreamQueue.flush();
  }

  #release(fd: number): void {
    const listener = this.#listenerByFd.get(fd);
    this.#listenerByFd.delete(fd);
    this.#reactor.unwatch(fd);
    if (!(listener instanceof UdpListener)) return;
    const { strangersFd } = listener;
    if (strangersFd !== undefined) this.#reactor.unwatch(strangersFd);
  }
}
