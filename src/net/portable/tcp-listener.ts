import { createServer, type Server, type Socket } from 'node:net';
import { TransportAddress } from '../../stun/transport-address.ts';
import type { ServerEndpoint } from '../../turn/allocation.ts';
import type { LogRecord } from '../../log.ts';
import type { TlsSettings } from '../../tls/tls-settings.ts';
import type { ListenerPlan } from '../data-plane.ts';
import { listenIps } from '../shared/listen-ips.ts';
import { StreamEndpoints } from '../shared/stream-endpoints.ts';
import { StreamOpeningRules } from '../shared/stream-opening.ts';
import { readAddress } from './address-text.ts';
import { listenOnEach } from './listen-on-each.ts';
import type { PortableDriver } from './portable-driver.ts';
import { TlsAcceptor, type HandshakeHandlers } from './tls-acceptor.ts';

/** A TCP listener, with or without TLS: one server for each family. */
export class TcpListener {
  readonly name: string;
  /** What connections to come may begin with. */
  rules: StreamOpeningRules;
  readonly endpoints: StreamEndpoints;
  readonly #driver: PortableDriver;
  #plan: ListenerPlan;
  readonly #servers: Server[] = [];
  readonly #acceptor: TlsAcceptor | undefined;

  /**
   * @param settings - for a listener with TLS.
   * @throws Error of OpenSSL when it cannot use the settings.
   */
  constructor(driver: PortableDriver, plan: ListenerPlan, settings: TlsSettings | undefined) {
    this.name = plan.name;
    this.rules = new StreamOpeningRules(plan);
    this.endpoints = new StreamEndpoints(plan);
    this.#driver = driver;
    this.#plan = plan;
    if (this.rules.isSecure) this.#acceptor = new TlsAcceptor(settings!);
  }

  /** What it listens by. */
  get plan(): ListenerPlan {
    return this.#plan;
  }

  /** False: without its servers it is none any more, whatever connections there are. */
  get isRetired(): boolean {
    return false;
  }

  /** True when a client with that endpoint has connected to it. */
  serves(endpoint: ServerEndpoint): boolean {
    return this.endpoints.has(endpoint);
  }

  /** Takes another plan for the same place. */
  update(plan: ListenerPlan): void {
    this.#plan = plan;
    this.rules = new StreamOpeningRules(plan);
    this.endpoints.update(plan);
  }

  /** Opens every server; rejects with the system's error, what is open then has to be closed. */
  open(onRecord: (record: LogRecord) => void): Promise<void> {
    const ips = listenIps(this.#plan);
    return listenOnEach(this.#plan, ips, (ip) => this.#listen(ip), onRecord);
  }

  /** Takes other settings for handshakes to come, where there are any; throws Error of OpenSSL. */
  replaceTls(settings: TlsSettings): void {
    this.#acceptor?.replace(settings);
  }

  /** Begins the handshake of a connection to this listener with TLS, see `TlsAcceptor`. */
  beginHandshake(socket: Socket, handlers: HandshakeHandlers): void {
    this.#acceptor!.accept(socket, handlers);
  }

  /** Closes every server; resolves when their connections, which others close, are closed too. */
  async close(): Promise<void> {
    await Promise.all(this.#servers.splice(0).map(closeServer));
  }

  async #listen(host: string): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      // Stays for good: without a listener a failed accept would end the process.
      server.on('error', reject);
      server.listen({ host, port: this.#plan.port, ipv6Only: true, exclusive: true }, resolve);
    });
    this.#servers.push(server);
  }

  #accept(socket: Socket): void {
    const peer = addressOf(socket.remoteAddress, socket.remotePort);
    const local = addressOf(socket.localAddress, socket.localPort);
    if (peer === undefined || local === undefined) socket.destroy();
    else this.#driver.handle(() => this.#driver.connections.open(socket, this, local, peer));
  }
}

/** Undefined for a connection that is gone already, and for an address with a zone. */
function addressOf(ip: string | undefined, port: number | undefined): TransportAddress | undefined {
  const address = new TransportAddress();
  const isKnown = ip !== undefined && port !== undefined && readAddress(ip, port, address);
  return isKnown ? address : undefined;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
