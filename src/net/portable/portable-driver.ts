import type { TransportAddress } from '../../stun/transport-address.ts';
import type { Client, Relay, ServerEndpoint } from '../../turn/allocation.ts';
import type { TurnCommand } from '../../turn/commands.ts';
import type { MonotonicMs, Now } from '../../turn/policy.ts';
import type { TurnServer } from '../../turn/turn-server.ts';
import type { ConnectionLimits } from '../data-plane.ts';
import {
  endTarget,
  findSessions,
  type SessionPage,
  type SessionQuery,
  type SessionTarget,
} from '../session.ts';
import { readMonotonicMs, readUnixSeconds } from '../shared/clock.ts';
import { HandshakeGate } from '../shared/handshake-gate.ts';
import type { TransportEvent } from '../shared/transport-event.ts';
import type { TurnCore } from '../turn-core.ts';
import { frameForClient } from './client-frame.ts';
import { RelaySockets } from './relay-sockets.ts';
import { TcpConnections } from './tcp-connections.ts';
import type { UdpEndpoint } from './udp-listener.ts';
import { sendDatagram } from './udp-socket.ts';

const ONLY_WORKER = 0;

/** Hands everything that sockets and timers bring to the core, and carries out what the core asks for. */
export class PortableDriver {
  readonly server: TurnServer;
  readonly now: Now;
  readonly connections: TcpConnections;
  readonly handshakeGate: HandshakeGate;

  readonly #core: Pick<TurnCore<never>, 'server' | 'onEvent'>;
  readonly #relays: RelaySockets;
  #timer: NodeJS.Timeout | undefined;
  #timerDeadline: MonotonicMs | undefined;
  #isStopped = false;

  constructor(core: Pick<TurnCore<never>, 'server' | 'onEvent'>, limits: ConnectionLimits) {
    this.#core = core;
    this.server = core.server;
    this.now = { monotonicMs: readMonotonicMs(), unixSeconds: readUnixSeconds() };
    this.#relays = new RelaySockets(this);
    this.connections = new TcpConnections(this, limits.connectionsPerAddressMax);
    this.handshakeGate = new HandshakeGate(
      limits.handshakesPerSecond,
      limits.handshakesPerSecondPerAddress,
    );
  }

  /**
   * Lets `input` tell the core something, then carries out what follows from it; does nothing once stopped.
   *
   * Must not be called from within an input.
   */
  handle(input: (server: TurnServer, now: Now) => void): void {
    if (this.#isStopped) return;
    this.now.monotonicMs = readMonotonicMs();
    this.now.unixSeconds = readUnixSeconds();
    input(this.server, this.now);
    this.#drainCommands();
    this.#armTimer();
  }

  /** Handles a datagram of a client; `client` and `message` are borrowed. */
  handleDatagram(endpoint: UdpEndpoint, client: TransportAddress, message: Uint8Array): void {
    this.handle((server, now) => {
      const { length } = message;
      const under = server.handleClientDatagram(endpoint, client, message, 0, length, now);
      if (under !== undefined) this.#relayUp(message);
    });
  }

  /** Handles a whole frame of a stream client; `bytes` are borrowed. */
  handleFrame(client: Client, bytes: Uint8Array, offset: number, length: number): void {
    this.handle((server, now) => {
      const under = server.handleClientMessage(client, bytes, offset, length, now);
      if (under !== undefined) this.#relayUp(bytes);
    });
  }

  /** Handles a datagram that a relay received from `peer`; both are borrowed. */
  handlePeerDatagram(relay: Relay, peer: TransportAddress, payload: Uint8Array): void {
    this.handle((server, now) => {
      const under = server.handlePeerDatagram(relay, peer, payload.length, now);
      if (under === undefined) return;
      const { client } = relay.allocation;
      const { isStream } = client;
      const frame = frameForClient(under, server.dataIndication, payload, peer, isStream);
      if (frame === undefined) return;
      if (isStream) this.connections.of(client)?.sendRelayed(frame);
      else sendToDatagramClient(client, frame);
    });
  }

  /** Reports what happened to a connection. */
  report(event: TransportEvent): void {
    this.#core.onEvent(event, this.now);
  }

  /** Swaps what holds for connections to come. */
  replaceLimits(limits: ConnectionLimits): void {
    this.connections.perAddressMax = limits.connectionsPerAddressMax;
    this.handshakeGate.replaceRates(
      limits.handshakesPerSecond,
      limits.handshakesPerSecondPerAddress,
    );
  }

  /** Finds live sessions. */
  sessions(query: SessionQuery): SessionPage {
    this.now.monotonicMs = readMonotonicMs();
    return findSessions(this.server.allocations(), query, ONLY_WORKER, this.now);
  }

  /** Ends sessions, and closes the connections of their clients; returns how many. */
  endSessions(target: SessionTarget): number {
    let clients: readonly Client[] = [];
    this.handle((server) => {
      clients = endTarget(server, target);
      for (const client of clients) if (client.isStream) this.connections.closeLater(client);
    });
    return clients.length;
  }

  /** Ends the allocations and connections whose endpoint `isMeant`, since their listener is gone. */
  endAt(isMeant: (endpoint: ServerEndpoint) => boolean): void {
    this.handle((server) => {
      server.endAllocations(({ client }) => isMeant(client.endpoint), 'listenerClosed');
    });
    this.handle(() => this.connections.closeAt(isMeant));
  }

  /** Ends every allocation and connection; resolves when all sockets of relays are closed. */
  async stop(): Promise<void> {
    this.handle((server) => server.shutdown());
    this.handle(() => this.connections.closeAll());
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#relays.closeAll();
  }

  /** Sends what the core left in `server.relayed`; the payload is copied, since a socket keeps what it sends. */
  #relayUp(bytes: Uint8Array): void {
    const { relay, peer, payloadOffset, payloadLength } = this.server.relayed;
    const payload = new Uint8Array(bytes.subarray(payloadOffset, payloadOffset + payloadLength));
    this.#relays.send(relay!.handle, payload, peer);
  }

  #drainCommands(): void {
    do {
      let command = this.server.nextCommand();
      for (; command !== undefined; command = this.server.nextCommand()) this.#execute(command);
    } while (this.connections.closeDoomed());
  }

  #execute(command: TurnCommand): void {
    switch (command.kind) {
      case 'sendToClient':
        this.#sendToClient(command.client, command.bytes);
        break;
      case 'bindRelay':
        this.#relays.bind(command.relay, command.reservesNext);
        break;
      case 'adoptRelay':
        this.#relays.adopt(command.relay, command.handle);
        break;
      case 'closeRelay':
        this.#relays.close(command.relay.handle);
        break;
      case 'closeReserved':
        this.#relays.close(command.handle);
        break;
      case 'channelUp':
      case 'channelDown':
        // Where a fast path below user space would be told; this driver has none.
        break;
      case 'event':
        this.#core.onEvent(command.event, this.now);
        break;
    }
  }

  /** The core makes `bytes` anew for every command and forgets them, so a socket may keep them. */
  #sendToClient(client: Client, bytes: Uint8Array): void {
    if (client.isStream) this.connections.of(client)?.sendControl(bytes);
    else sendToDatagramClient(client, bytes);
  }

  #armTimer(): void {
    const deadline = earlier(this.server.pollTimeout(), this.connections.pollTimeout());
    if (deadline === this.#timerDeadline) return;
    clearTimeout(this.#timer);
    this.#timerDeadline = deadline;
    if (deadline === undefined) return;
    const waitMs = Math.max(0, Math.ceil(deadline - this.now.monotonicMs));
    this.#timer = setTimeout(() => this.#handleTimeout(), waitMs);
  }

  #handleTimeout(): void {
    this.#timerDeadline = undefined;
    this.handle((server, now) => {
      server.handleTimeout(now);
      this.connections.handleTimeout();
    });
  }
}

function sendToDatagramClient({ endpoint, address }: Client, bytes: Uint8Array): void {
  sendDatagram((endpoint as UdpEndpoint).socket, bytes, address);
}

function earlier(a: MonotonicMs | undefined, b: MonotonicMs | undefined): MonotonicMs | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}
