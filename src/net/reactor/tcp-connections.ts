import { CONNECTIONS_PER_WORKER_MAX, LOCAL_ADDRESSES_PER_LISTENER_MAX } from '../../limits.ts';
import { EPOLLIN } from '../../sys/layout.ts';
import { closeSocket, localAddress } from '../../sys/socket.ts';
import { setNoDelay } from '../../sys/stream.ts';
import { SystemError } from '../../sys/system-error.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import { AddressTable } from '../../turn/address-table.ts';
import { Client, ServerEndpoint } from '../../turn/allocation.ts';
import { ExpiryWheel } from '../../turn/expiry.ts';
import { relayAddressesFor } from '../relay-address-plan.ts';
import type { Reactor } from './reactor.ts';
import { TcpConnection } from './tcp-connection.ts';
import type { ListenerSocket } from './udp-listener.ts';

/** The TCP connections of one worker, with their timeouts. */
export class TcpConnections {
  readonly #reactor: Reactor;
  readonly #connectionByFd = new Map<number, TcpConnection>();
  readonly #endpointsByListener = new Map<ListenerSocket, AddressTable<ServerEndpoint>>();
  readonly #expiry = new ExpiryWheel<TcpConnection>();
  #doomed: TcpConnection[] = [];

  constructor(reactor: Reactor) {
    this.#reactor = reactor;
  }

  /** Takes over an accepted socket; closes it when there are too many connections or it is dead already. */
  open(socket: ListenerSocket, fd: number, peer: TransportAddress): void {
    try {
      const endpoint = this.#endpointOf(socket, fd);
      if (endpoint === undefined || this.#connectionByFd.size >= CONNECTIONS_PER_WORKER_MAX) {
        closeSocket(fd);
        return;
      }
      setNoDelay(fd, true);
      const connection = new TcpConnection(this.#reactor, new Client(endpoint, peer, fd));
      this.#reactor.watch(fd, connection, EPOLLIN);
      this.#reactor.ledger.own(fd);
      this.#connectionByFd.set(fd, connection);
      this.#expiry.add(connection, this.#reactor.now.monotonicMs);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      closeSocket(fd);
    }
  }

  /** The connection of a stream client; undefined once it is closed. */
  of(client: Client): TcpConnection | undefined {
    const connection = this.#connectionByFd.get(client.handle);
    return connection?.client === client ? connection : undefined;
  }

  /** Closes a connection and ends its allocation; the caller drains the core's commands unless it is doing so. */
  close(connection: TcpConnection): void {
    if (connection.isGone) return;
    connection.isGone = true;
    const fd = connection.client.handle;
    this.#connectionByFd.delete(fd);
    this.#reactor.unwatch(fd);
    this.#reactor.ledger.disown(fd);
    closeSocket(fd);
    this.#reactor.server.handleClientClosed(connection.client);
    this.#reactor.drainCommands();
  }

  /** Closes a connection at the end of the turn. */
  closeLater(connection: TcpConnection): void {
    this.#doomed.push(connection);
  }

  /** Closes doomed and idle connections; to be called once per turn. */
  handleTimeout(): void {
    const doomed = this.#doomed;
    if (doomed.length > 0) {
      this.#doomed = [];
      for (const connection of doomed) this.close(connection);
    }
    const deadline = this.#expiry.nextDeadline();
    if (deadline !== undefined && deadline <= this.#reactor.now.monotonicMs) this.#closeIdle();
  }

  /** Closes every connection. */
  closeAll(): void {
    for (const connection of this.#connectionByFd.values()) this.close(connection);
  }

  #closeIdle(): void {
    const now = this.#reactor.now.monotonicMs;
    this.#expiry.advance(now, (connection) => {
      if (connection.isIdle(now)) this.close(connection);
      else this.#expiry.add(connection, now);
    });
  }

  #endpointOf(socket: ListenerSocket, fd: number): ServerEndpoint | undefined {
    let endpoints = this.#endpointsByListener.get(socket);
    if (endpoints === undefined)
      this.#endpointsByListener.set(socket, (endpoints = new AddressTable('ip')));
    const address = new TransportAddress();
    localAddress(fd, address);
    const known = endpoints.get(address);
    if (known !== undefined || endpoints.size >= LOCAL_ADDRESSES_PER_LISTENER_MAX) return known;
    const relayAddresses = relayAddressesFor(socket.relayAddresses, address);
    const endpoint = new ServerEndpoint(socket.listener, 'tcp', address, relayAddresses);
    endpoints.set(address, endpoint);
    return endpoint;
  }
}
