import { CONNECTIONS_PER_ADDRESS_MAX } from '../../limits.ts';
import { EPOLLIN } from '../../sys/layout.ts';
import { closeSocket, localAddress } from '../../sys/socket.ts';
import { setNoDelay } from '../../sys/stream.ts';
import { SystemError } from '../../sys/system-error.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import { Client, type ServerEndpoint } from '../../turn/allocation.ts';
import { ExpiryWheel } from '../../turn/expiry.ts';
import { ConnectionCounts } from '../shared/connection-counts.ts';
import type { LocalEndpoints } from '../shared/local-endpoints.ts';
import type { Reactor } from './reactor.ts';
import { TcpConnection } from './tcp-connection.ts';

/** The TCP connections of one worker, with their timeouts. */
export class TcpConnections {
  readonly #reactor: Reactor;
  readonly #connectionByFd = new Map<number, TcpConnection>();
  readonly #counts: ConnectionCounts;
  readonly #expiry = new ExpiryWheel<TcpConnection>();
  #doomed: TcpConnection[] = [];

  constructor(reactor: Reactor, connectionsMax: number) {
    this.#reactor = reactor;
    this.#counts = new ConnectionCounts(connectionsMax, CONNECTIONS_PER_ADDRESS_MAX);
  }

  /** Takes over an accepted socket; closes it when there are too many connections or it is dead already. */
  open(fd: number, peer: TransportAddress, endpoints: LocalEndpoints<ServerEndpoint>): void {
    try {
      localAddress(fd, LOCAL);
      const endpoint = endpoints.at(LOCAL);
      if (endpoint !== undefined && this.#counts.hasRoomFor(peer)) {
        this.#adopt(new Client(endpoint, peer, fd));
        return;
      }
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
    closeSocket(fd);
  }

  /** The connection of a stream client; undefined once it is closed. */
  of(client: Client): TcpConnection | undefined {
    const connection = this.#connectionByFd.get(client.handle);
    return connection?.client === client ? connection : undefined;
  }

  /** Closes a connection and ends its allocation; not to be called while the core's commands are carried out. */
  close(connection: TcpConnection): void {
    if (connection.isGone) return;
    connection.isGone = true;
    const fd = connection.client.handle;
    this.#connectionByFd.delete(fd);
    this.#counts.remove(connection.client.address);
    this.#expiry.remove(connection);
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

  /** Throws SystemError when the socket is dead already, or when no more can be watched. */
  #adopt(client: Client): void {
    const fd = client.handle;
    const connection = new TcpConnection(this.#reactor, client);
    setNoDelay(fd, true);
    this.#reactor.watch(fd, connection, EPOLLIN);
    this.#reactor.ledger.own(fd);
    this.#counts.add(client.address);
    this.#connectionByFd.set(fd, connection);
    this.#expiry.add(connection, this.#reactor.now.monotonicMs);
  }

  #closeIdle(): void {
    const now = this.#reactor.now.monotonicMs;
    this.#expiry.advance(now, (connection) => {
      if (connection.isStranger) return this.close(connection);
      connection.prolong(now);
      this.#expiry.add(connection, now);
    });
  }
}

const LOCAL = new TransportAddress();
