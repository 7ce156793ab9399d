import { EPOLLIN } from '../../sys/layout.ts';
import { closeSocket, localAddress } from '../../sys/socket.ts';
import { setNoDelay } from '../../sys/stream.ts';
import { SystemError } from '../../sys/system-error.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import { Client } from '../../turn/allocation.ts';
import { ExpiryWheel } from '../../turn/expiry.ts';
import { ConnectionCounts } from '../shared/connection-counts.ts';
import type { ConnectionRefusal } from '../shared/transport-event.ts';
import type { Reactor } from './reactor.ts';
import { TcpConnection } from './tcp-connection.ts';
import type { TcpListener } from './tcp-listener.ts';

/** The TCP connections of one worker, with their timeouts. */
export class TcpConnections {
  readonly #reactor: Reactor;
  readonly #connectionByFd = new Map<number, TcpConnection>();
  readonly #counts: ConnectionCounts;
  readonly #expiry = new ExpiryWheel<TcpConnection>();
  #doomed: TcpConnection[] = [];
  readonly #unflushed: TcpConnection[] = [];

  constructor(reactor: Reactor, connectionsMax: number, perAddressMax: number) {
    this.#reactor = reactor;
    this.#counts = new ConnectionCounts(connectionsMax, perAddressMax);
  }

  /** Connections that are open. */
  get size(): number {
    return this.#connectionByFd.size;
  }

  /** Takes over an accepted socket; closes it when it is refused or dead already. */
  open(fd: number, peer: TransportAddress, listener: TcpListener): void {
    try {
      localAddress(fd, LOCAL);
      const endpoint = listener.endpoints.at(LOCAL);
      const refusal = this.#refusalFor(peer, listener);
      if (endpoint !== undefined && refusal === undefined) {
        this.#adopt(listener, new Client(endpoint, peer, fd));
        return;
      }
      if (refusal !== undefined) this.#report(listener, peer, refusal);
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

  /**
   * Counts a connection as that of the client behind its load balancer; closes it when that client has too many.
   *
   * @param client - kept.
   */
  attribute(connection: TcpConnection, client: TransportAddress): boolean {
    this.#counts.remove(connection.client.address);
    const hasRoom = this.#counts.hasRoomFor(client);
    connection.client.address = client;
    this.#counts.add(client);
    if (!hasRoom) this.refuse(connection, 'tooManyConnections');
    return hasRoom;
  }

  /** Closes a connection that does not begin as it should, and reports it. */
  refuse(connection: TcpConnection, reason: ConnectionRefusal): void {
    this.#report(connection.listener, connection.client.address, reason);
    this.close(connection);
  }

  /** Closes a connection and ends its allocation; not to be called while the core's commands are carried out. */
  close(connection: TcpConnection): void {
    if (connection.isGone) return;
    connection.end();
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

  /** Hands the ciphertext of a connection to its socket at the end of the turn, all records of the turn at once. */
  flushLater(connection: TcpConnection): void {
    this.#unflushed.push(connection);
  }

  /** Ends a turn: hands out ciphertext, and closes what is doomed or idle. */
  endTurn(): void {
    const unflushed = this.#unflushed;
    for (let index = 0; index < unflushed.length; index++) unflushed[index]!.flush();
    unflushed.length = 0;
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
  #adopt(listener: TcpListener, client: Client): void {
    const fd = client.handle;
    const connection = new TcpConnection(this.#reactor, listener, client);
    setNoDelay(fd, true);
    this.#reactor.watch(fd, connection, EPOLLIN);
    this.#reactor.ledger.own(fd);
    this.#counts.add(client.address);
    this.#connectionByFd.set(fd, connection);
    this.#expiry.add(connection, this.#reactor.now.monotonicMs);
  }

  /** A load balancer may have as many connections as it has clients. */
  #refusalFor(peer: TransportAddress, { rules }: TcpListener): ConnectionRefusal | undefined {
    if (rules.isForbidden(peer)) return 'proxyUntrusted';
    const hasRoom = rules.isProxy(peer) ? this.#counts.hasRoom : this.#counts.hasRoomFor(peer);
    return hasRoom ? undefined : 'tooManyConnections';
  }

  #report(listener: TcpListener, client: TransportAddress, reason: ConnectionRefusal): void {
    const transport = listener.rules.isSecure ? 'tls' : 'tcp';
    const event = { kind: 'connectionRefused', transport, client, reason } as const;
    this.#reactor.report({ ...event, listener: listener.name });
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
