import type { Socket } from 'node:net';
import { CONNECTIONS_PER_ADDRESS_MAX } from '../../limits.ts';
import { Client, type ServerEndpoint } from '../../turn/allocation.ts';
import { ExpiryWheel } from '../../turn/expiry.ts';
import type { MonotonicMs } from '../../turn/policy.ts';
import type { TransportAddress } from '../../stun/transport-address.ts';
import { ConnectionCounts, connectionsPerWorker } from '../shared/connection-counts.ts';
import { HandleTable } from './handle-table.ts';
import type { PortableDriver } from './portable-driver.ts';
import { TcpConnection } from './tcp-connection.ts';

/** All TCP connections with their timeouts. */
export class TcpConnections {
  readonly #driver: PortableDriver;
  readonly #connections = new HandleTable<TcpConnection>();
  readonly #counts = new ConnectionCounts(connectionsPerWorker(1), CONNECTIONS_PER_ADDRESS_MAX);
  readonly #expiry = new ExpiryWheel<TcpConnection>();
  readonly #doomed: TcpConnection[] = [];

  constructor(driver: PortableDriver) {
    this.#driver = driver;
  }

  /** Takes over a connection; closes it when there are too many. An input of the driver. */
  open(socket: Socket, endpoint: ServerEndpoint, peer: TransportAddress): void {
    if (!this.#counts.hasRoomFor(peer)) {
      socket.destroy();
      return;
    }
    this.#counts.add(peer);
    const connection = this.#connections.add((handle) => {
      return new TcpConnection(this.#driver, new Client(endpoint, peer, handle), socket);
    });
    this.#expiry.add(connection, this.#driver.now.monotonicMs);
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
}
