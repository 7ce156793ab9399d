import type { TransportAddress } from '../../stun/transport-address.ts';
import { ExpiryWheel } from '../../turn/expiry.ts';
import type { MonotonicMs } from '../../turn/policy.ts';
import { ConnectionCounts } from './connection-counts.ts';
import type { StreamConnection } from './stream-connection.ts';
import type { StreamOpeningRules } from './stream-opening.ts';
import type { ConnectionRefusal, TransportEvent } from './transport-event.ts';

/** Who may have a stream connection, and for how long, in every data plane. */
export abstract class StreamConnections<Connection extends StreamConnection> {
  protected readonly counts: ConnectionCounts;
  protected readonly expiry = new ExpiryWheel<Connection>();

  /** How many connections there may be at once, and of one client. */
  constructor(connectionsMax: number, perAddressMax: number) {
    this.counts = new ConnectionCounts(connectionsMax, perAddressMax);
  }

  /** How many connections one client may have; those that there are stay. */
  set perAddressMax(max: number) {
    this.counts.perNetworkMax = max;
  }

  /** Closes a connection and ends its allocation. */
  abstract close(connection: Connection): void;

  /**
   * Counts a connection as that of the client behind its load balancer; closes it when that client has too many.
   *
   * @param client - kept.
   */
  attribute(connection: Connection, client: TransportAddress): boolean {
    this.counts.remove(connection.client.address);
    const hasRoom = this.counts.hasRoomFor(client);
    connection.client.address = client;
    this.counts.add(client);
    if (!hasRoom) this.refuse(connection, 'tooManyConnections');
    return hasRoom;
  }

  /** Closes a connection that does not begin as it should, and reports it. */
  refuse(connection: Connection, reason: ConnectionRefusal): void {
    this.report({ kind: 'connectionRefused', client: connection.client, reason });
    this.close(connection);
  }

  /** Why there is no connection for `peer`; a load balancer may have as many as it has clients. */
  protected refusalFor(
    peer: TransportAddress,
    rules: StreamOpeningRules,
  ): ConnectionRefusal | undefined {
    if (rules.isForbidden(peer)) return 'proxyUntrusted';
    const hasRoom = rules.isProxy(peer) ? this.counts.hasRoom : this.counts.hasRoomFor(peer);
    return hasRoom ? undefined : 'tooManyConnections';
  }

  /** Closes connections that have had their time without an allocation. */
  protected closeIdle(now: MonotonicMs): void {
    this.expiry.advance(now, (connection) => {
      if (connection.isStranger) return this.close(connection);
      connection.prolong(now);
      this.expiry.add(connection, now);
    });
  }

  protected abstract report(event: TransportEvent): void;
}
