import { closeSocket, localAddress } from '../../sys/socket.ts';
import { setNoDelay } from '../../sys/stream.ts';
import { SystemError } from '../../sys/system-error.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import { Client, type ServerEndpoint } from '../../turn/allocation.ts';
import { StreamConnections } from '../shared/stream-connections.ts';
import type { TransportEvent } from '../shared/transport-event.ts';
import type { Reactor } from './reactor.ts';
import type { SecureStream } from './secure-stream.ts';
import { TcpConnection } from './tcp-connection.ts';
import type { TcpListener } from './tcp-listener.ts';

/** The TCP connections of one worker, with their timeouts. */
export class TcpConnections extends StreamConnections<TcpConnection> {
  readonly #reactor: Reactor;
  readonly #connectionByFd = new Map<number, TcpConnection>();
  #doomed: TcpConnection[] = [];
  readonly #unflushed: SecureStream[] = [];

  constructor(reactor: Reactor, connectionsMax: number, perAddressMax: number) {
    super(connectionsMax, perAddressMax);
    this.#reactor = reactor;
  }

  /** Takes over an accepted socket; closes it when it is refused or dead already. */
  open(fd: number, peer: TransportAddress, listener: TcpListener): void {
    try {
      localAddress(fd, LOCAL);
      const endpoint = listener.endpoints.at(LOCAL);
      if (endpoint !== undefined) {
        const reason = this.refusalFor(peer, listener.rules);
        if (reason === undefined) {
          this.#adopt(listener, new Client(endpoint, peer, fd));
          return;
        }
        this.report({ kind: 'connectionRefused', client: { endpoint, address: peer }, reason });
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
    connection.end();
    connection.isGone = true;
    const fd = connection.client.handle;
    this.#connectionByFd.delete(fd);
    this.counts.remove(connection.client.address);
    this.expiry.remove(connection);
    this.#reactor.unwatch(fd);
    this.#reactor.ledger.disown(fd);
    closeSocket(fd);
    this.report({ kind: 'connectionClosed', client: connection.client });
    this.#reactor.server.handleClientClosed(connection.client);
    this.#reactor.drainCommands();
  }

  /** Closes a connection at the end of the turn. */
  closeLater(connection: TcpConnection): void {
    this.#doomed.push(connection);
  }

  /** Hands the ciphertext of a stream to its socket at the end of the turn, all records of the turn at once. */
  flushLater(stream: SecureStream): void {
    this.#unflushed.push(stream);
  }

  /** Ends a turn: hands out what is gathered, and closes what is doomed or idle. */
  endTurn(): void {
    this.#reactor.gatheredWrites.flush();
    const unflushed = this.#unflushed;
    for (let index = 0; index < unflushed.length; index++) unflushed[index]!.flush();
    unflushed.length = 0;
    const doomed = this.#doomed;
    if (doomed.length > 0) {
      this.#doomed = [];
      for (const connection of doomed) this.close(connection);
    }
    const now = this.#reactor.now.monotonicMs;
    const deadline = this.expiry.nextDeadline();
    if (deadline !== undefined && deadline <= now) this.closeIdle(now);
  }

  /** Closes the connection of a client, if there is one; not while the core's commands are carried out. */
  disconnect(client: Client): void {
    const connection = this.of(client);
    if (connection !== undefined) this.close(connection);
  }

  /** Closes the connections whose endpoint `isMeant`. */
  closeAt(isMeant: (endpoint: ServerEndpoint) => boolean): void {
    for (const connection of this.#connectionByFd.values()) {
      if (isMeant(connection.client.endpoint)) this.close(connection);
    }
  }

  /** Closes every connection. */
  closeAll(): void {
    this.closeAt(() => true);
  }

  protected report(event: TransportEvent): void {
    this.#reactor.report(event);
  }

  /** Throws SystemError when the socket is dead already, or when no more can be watched. */
  #adopt(listener: TcpListener, client: Client): void {
    const fd = client.handle;
    const connection = new TcpConnection(this.#reactor, listener, client);
    setNoDelay(fd, true);
    this.#reactor.watchEdges(fd, connection);
    this.#reactor.ledger.own(fd);
    this.counts.add(client.address);
    this.#connectionByFd.set(fd, connection);
    this.expiry.add(connection, this.#reactor.now.monotonicMs);
    this.report({ kind: 'connectionOpened', client });
  }
}

const LOCAL = new TransportAddress();
