import type { Socket } from 'node:net';
import { Client } from '../../turn/allocation.ts';
import { ExpiryWheel } from '../../turn/expiry.ts';
import type { MonotonicMs } from '../../turn/policy.ts';
import type { TransportAddress } from '../../stun/transport-address.ts';
import { ConnectionCounts, connectionsPerWorker } from '../shared/connection-counts.ts';
import type { ConnectionRefusal } from '../shared/transport-event.ts';
import { HandleTable } from './handle-table.ts';
import type { PortableDriver } from './portable-driver.ts';
import { TcpConnection } from './tcp-connection.ts';
import type { TcpListener } from './tcp-listener.ts';

/** All TCP connections with their timeouts. */
export class TcpConnections {
  readonly #driver: PortableDriver;
  readonly #connections = new HandleTable<TcpConnection>();
  readonly #counts: ConnectionCounts;
  readonly #expiry = new ExpiryWheel<TcpConnection>();
  readonly #doomed: TcpConnection[] = [];

  /** `perAddressMax` is how many connections one client may have. */
  constructor(driver: PortableDriver, perAddressMax: number) {
    this.#driver = driver;
    this.#counts = new ConnectionCounts(connectionsPerWorker(1), perAddressMax);
  }

  /** Takes over a connection; closes it when it is refused. An input of the driver. */
  open(
    socket: Socket,
    listener: TcpListener,
    local: TransportAddress,
    peer: TransportAddress,
  ): void {
    const endpoint = listener.endpoints.at(local);
    const refusal = this.#refusalFor(peer, listener);
    if (endpoint === undefined || refusal !== undefined) {
      if (refusal !== undefined) this.#report(listener, peer, refusal);
      socket.destroy();
      return;
    }
    this.#counts.add(peer);
    const connection = this.#connections.add((handle) => {
      return new TcpConnection(this.#driver, listener, new Client(endpoint, peer, handle), socket);
    });
    this.#expiry.add(connection, this.#driver.now.monotonicMs);
  }

  /**
   * Counts a connection as that of the client behind its load balancer; closes it when that client has too many. An
   * input of the driver.
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

  /** Closes a connection that does not begin as it should, and reports it. An input of the driver. */
  refuse(connection: TcpConnection, reason: ConnectionRefusal): void {
    this.#report(connection.listener, connection.client.address, reason);
    this.close(connection);
  }

  /** The connection of a stream client; undefined once it is closed. */
  of(client: Client): TcpConnection | undefined {
    const connection = this.#connections.get(client.handle);
    return connection?.client === client ? connection : undefined;
  }

  /** Closes a connection and ends its allocation. An input of the driver. */
  close(connection: TcpConnection): void {
    if (connection.isGone) return;
    connection.isGone = true;
    this.#connections.remove(connection.client.handle);
    this.#counts.remove(connection.client.address);
    this.#expiry.remove(connection);
    connection.destroy();
    this.#driver.server.handleClientClosed(connection.client);
  }

  /** Dooms the connection of a client while the core's commands are carried out. */
  closeLater(client: Client): void {
    const connection = this.of(client);
    if (connection !== undefined) this.#doomed.push(connection);
  }

  /** Closes one doomed connection; false when there is none. An input of the driver. */
  closeDoomed(): boolean {
    const connection = this.#doomed.shift();
    if (connection !== undefined) this.close(connection);
    return connection !== undefined;
  }

  /** When `handleTimeout` is due, or undefined while there is no connection. */
  pollTimeout(): MonotonicMs | undefined {
    return this.#expiry.nextDeadline();
  }

  /** Closes idle connections. An input of the driver. */
  handleTimeout(): void {
    const now = this.#driver.now.monotonicMs;
    this.#expiry.advance(now, (connection) => {
      if (connection.isStranger) return this.close(connection);
      connection.prolong(now);
      this.#expiry.add(connection, now);
    });
  }

  /** Closes every connection. An input of the driver. */
  closeAll(): void {
    for (const connection of this.#connections.values()) this.close(connection);
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
    this.#driver.report({ ...event, listener: listener.name });
  }
}
