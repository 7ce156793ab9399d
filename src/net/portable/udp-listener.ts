import type { RemoteInfo, Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { TransportAddress } from '../../stun/transport-address.ts';
import { ServerEndpoint } from '../../turn/allocation.ts';
import type { ListenerPlan } from '../data-plane.ts';
import type { LogRecord } from '../../log.ts';
import { relayAddressesFor } from '../relay-address-plan.ts';
import { isWildcard, listenIps } from '../shared/listen-ips.ts';
import { readAddress } from './address-text.ts';
import { listenOnEach } from './listen-on-each.ts';
import type { PortableDriver } from './portable-driver.ts';
import { closeUdpSocket, openUdpSocket } from './udp-socket.ts';

const BUFFER_BYTES = 4 * 1024 * 1024;

/** A server transport address for datagrams, with the socket that answers from it. */
export class UdpEndpoint extends ServerEndpoint {
  readonly socket: Socket;

  constructor(plan: ListenerPlan, address: TransportAddress, socket: Socket) {
    super(plan.name, 'udp', address, relayAddressesFor(plan.relayAddresses, address));
    this.socket = socket;
  }
}

/**
 * A UDP listener: one socket for each local address, since a wildcard socket does not tell which one was asked.
 *
 * Addresses that the host gets later are not listened on.
 */
export class UdpListener {
  readonly #driver: PortableDriver;
  readonly #endpoints: UdpEndpoint[] = [];
  #plan: ListenerPlan;
  #isRetired = false;

  constructor(driver: PortableDriver, plan: ListenerPlan) {
    this.#driver = driver;
    this.#plan = plan;
  }

  /** What it listens by. */
  get plan(): ListenerPlan {
    return this.#plan;
  }

  /** True when it serves only what lives. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** True when nobody has an allocation. */
  get isIdle(): boolean {
    return this.#endpoints.every(({ allocationByClient }) => allocationByClient.size === 0);
  }

  /** Takes another plan for the same place, and serves newcomers there, maybe again. */
  update(plan: ListenerPlan): void {
    this.#plan = plan;
    this.#isRetired = false;
    for (const endpoint of this.#endpoints) {
      endpoint.isOpen = true;
      endpoint.relayAddresses = relayAddressesFor(plan.relayAddresses, endpoint.address);
    }
  }

  /** Serves only what lives from now on. */
  retire(): void {
    this.#isRetired = true;
    for (const endpoint of this.#endpoints) endpoint.isOpen = false;
  }

  /** True when a client with that endpoint uses one of its sockets. */
  serves(endpoint: ServerEndpoint): boolean {
    return this.#endpoints.includes(endpoint as UdpEndpoint);
  }

  /** Opens every socket; rejects with the system's error, what is open then has to be closed. */
  open(onRecord: (record: LogRecord) => void): Promise<void> {
    const ips = listenIps(this.#plan).flatMap((ip) => (isWildcard(ip) ? localIps(ip) : ip));
    return listenOnEach(this.#plan, ips, (ip) => this.#listen(ip), onRecord);
  }

  /** Closes every socket. */
  async close(): Promise<void> {
    const sockets = this.#endpoints.splice(0).map(({ socket }) => socket);
    await Promise.all(sockets.map(closeUdpSocket));
  }

  async #listen(ip: string): Promise<void> {
    const address = TransportAddress.parse(ip, this.#plan.port)!;
    const socket = await openUdpSocket(address);
    enlargeBuffers(socket);
    const endpoint = new UdpEndpoint(this.#plan, address, socket);
    this.#endpoints.push(endpoint);
    socket.on('message', (message: Buffer, from: RemoteInfo) => {
      if (!readAddress(from.address, from.port, CLIENT)) return;
      this.#driver.handleDatagram(endpoint, CLIENT, message);
    });
  }
}

/** Addresses of this host in the family of a wildcard; those with a zone have no place in a transport address. */
function localIps(wildcard: string): string[] {
  const family = wildcard.includes(':') ? 'IPv6' : 'IPv4';
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const usable = all.filter((local) => local.family === family && !local.scopeid);
  return [...new Set(usable.map(({ address }) => address))];
}

/** Only a wish: some systems refuse so much. */
function enlargeBuffers(socket: Socket): void {
  try {
    socket.setRecvBufferSize(BUFFER_BYTES);
    socket.setSendBufferSize(BUFFER_BYTES);
  } catch {
    // The size that the system has chosen works as well.
  }
}

const CLIENT = new TransportAddress();
