import { createServer, type Server, type Socket } from 'node:net';
import { TransportAddress } from '../../stun/transport-address.ts';
import { ServerEndpoint } from '../../turn/allocation.ts';
import type { ListenerPlan } from '../data-plane.ts';
import type { LogRecord } from '../../log.ts';
import { relayAddressesFor } from '../relay-address-plan.ts';
import { listenIps } from '../shared/listen-ips.ts';
import { LocalEndpoints } from '../shared/local-endpoints.ts';
import { readAddress } from './address-text.ts';
import { listenOnEach } from './listen-on-each.ts';
import type { PortableDriver } from './portable-driver.ts';

/** A TCP listener: one server for each family. */
export class TcpListener {
  readonly #driver: PortableDriver;
  readonly #plan: ListenerPlan;
  readonly #servers: Server[] = [];
  readonly #endpoints: LocalEndpoints<ServerEndpoint>;

  constructor(driver: PortableDriver, plan: ListenerPlan) {
    this.#driver = driver;
    this.#plan = plan;
    const { name, relayAddresses } = plan;
    this.#endpoints = new LocalEndpoints((local) => {
      return new ServerEndpoint(name, 'tcp', local, relayAddressesFor(relayAddresses, local));
    });
  }

  /** Opens every server; rejects with the system's error, what is open then has to be closed. */
  open(onRecord: (record: LogRecord) => void): Promise<void> {
    const ips = listenIps(this.#plan);
    return listenOnEach(this.#plan, ips, (ip) => this.#listen(ip), onRecord);
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
    const endpoint = local && this.#endpoints.at(local);
    if (peer === undefined || endpoint === undefined) socket.destroy();
    else this.#driver.handle(() => this.#driver.connections.open(socket, endpoint, peer));
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
