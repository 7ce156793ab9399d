import type { Socket } from 'node:net';
import { Client, type ServerEndpoint } from '../../turn/allocation.ts';
import type { MonotonicMs } from '../../turn/policy.ts';
import type { TransportAddress } from '../../stun/transport-address.ts';
import { connectionsPerWorker } from '../shared/connection-counts.ts';
import { StreamConnections } from '../shared/stream-connections.ts';
import type { TransportEvent } from '../shared/transport-event.ts';
import { HandleTable } from './handle-table.ts';
import type { PortableDriver } from './portable-driver.ts';
import { TcpConnection } from './tcp-connection.ts';
import type { TcpListener } from './tcp-listener.ts';

/** All TCP connections with their timeouts. */
export class TcpConnections extends StreamConnections<TcpConnection> {
  readonly #driver: PortableDriver;
  readonly #connections = new HandleTable<TcpConnection>();
  readonly #doomed: TcpConnection[] = [];

  /** `perAddressMax` is how many connections one client may have. */
  constructor(driver: PortableDriver, perAddressMax: number) {
    super(connectionsPerWorker(1), perAddressMax);
    this.#driver = driver;
  }

  /** Takes over a connection; closes it when it is refused. An input of the driver. */
  open(
    socket: Socket,
    listener: TcpListener,
    local: TransportAddress,
    peer: TransportAddress,
  ): void {
    const endpoint = listener.endpoints.at(local);
    const reason = this.refusalFor(peer, listener.rules);
    if (endpoint === undefined || reason !== undefined) {
      if (endpoint !== undefined && reason !== undefined) {
        this.report({ kind: 'connectionRefused', client: { endpoint, address: peer }, reason });
      }
      socket.destroy();
      return;
    }
    this.counts.add(peer);
    const connection = this.#connections.add((handle) => {
      return new TcpConnection(this.#driver, listener, new Client(endpoint, peer, handle), socket);
    });
    this.expiry.add(connection, this.#driver.now.monotonicMs);
    this.report({ kind: 'connectionOpened', client: connection.client });
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
    this.counts.remove(connection.client.address);
    this.expiry.remove(connection);
    connection.destroy();
    this.report({ kind: 'connectionClosed', client: connection.client });
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
    return this.expiry.nextDeadline();
  }

  /** Closes idle connections. An input of the driver. */
  handleTimeout(): void {
    this.closeIdle(this.#driver.now.monotonicMs);
  }

  /** Closes the connections whose endpoint `isMeant`. An input of the driver. */
  closeAt(isMeant: (endpoint: ServerEndpoint) => boolean): void {
    for (const connection of this.#connections.values()) {
      if (isMeant(connection.client.endpoint)) this.close(connection);
    }
  }

  /** Closes every connection. An input of the driver. */
  closeAll(): void {
    this.closeAt(() => true);
  }

  protected report(event: TransportEvent): void {
    this.#driver.report(event);
  }
}
