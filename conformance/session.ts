import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { isIP } from 'node:net';
import { Client } from './client.ts';
import { NotApplicable } from './conformance-case.ts';
import { expectSuccess } from './expectations.ts';
import type { Link } from './link/link.ts';
import { DtlsLink } from './link/dtls-link.ts';
import { connectSecurely, connectTcp, StreamLink } from './link/stream-link.ts';
import { UdpLink } from './link/udp-link.ts';
import { Peer } from './peer.ts';
import type { Target } from './target.ts';
import { familyOf, IPV4, IPV6, type Family } from './wire/address.ts';
import { requestedFamily, type Attribute } from './wire/attributes.ts';
import type { Account } from './wire/integrity.ts';

/** What the suite knows of a server. */
export interface Setup {
  readonly account: Account;
  /** Another user of the server. */
  readonly other?: Account | undefined;
  /** Shared secret of time-limited credentials. */
  readonly secret?: string | undefined;
  /** Own addresses that the server may relay to. */
  readonly peers: readonly string[];
  /** An address that the server must not relay to. */
  readonly forbidden?: string | undefined;
  /** Takes whatever certificate the server shows. */
  readonly isInsecure: boolean;
  /** How long a response may take. */
  readonly patienceMs: number;
}

/** What a case talks to the server through: sockets of its own, which end with it. */
export class Session {
  readonly target: Target;
  readonly setup: Setup;
  readonly #closing: (() => unknown)[] = [];

  constructor(target: Target, setup: Setup) {
    this.target = target;
    this.setup = setup;
  }

  /** Opens a link with a 5-tuple of its own. */
  async open(): Promise<Link> {
    const link = await this.#connect();
    this.#closing.unshift(() => link.close());
    return link;
  }

  /** A client that has not asked for a challenge. */
  async stranger(account: Account = this.setup.account): Promise<Client> {
    const client = new Client(await this.open(), account, this.setup.patienceMs);
    this.#closing.unshift(() => client.leave());
    return client;
  }

  /** A client with a challenge. */
  async client(account?: Account): Promise<Client> {
    const client = await this.stranger(account);
    await client.greet();
    return client;
  }

  /** A client with an allocation, of IPv4 unless its attributes say otherwise. */
  async allocated(attributes: readonly Attribute[] = []): Promise<Client> {
    const client = await this.client();
    expectSuccess(await client.allocate(attributes));
    return client;
  }

  /** A client with an allocation of a family. */
  allocatedFor(family: Family): Promise<Client> {
    return this.allocated(family === IPV4 ? [] : [requestedFamily(family)]);
  }

  /** The family that peers are of unless a case says otherwise. */
  get peerFamily(): Family {
    return this.#peerIp(IPV4) === undefined ? IPV6 : IPV4;
  }

  /** A client with an allocation, and a peer that it has a permission for. */
  async scene(): Promise<{ client: Client; peer: Peer }> {
    const peer = await this.peer();
    const client = await this.allocatedFor(familyOf(peer.address.ip));
    await client.permit(peer.address);
    return { client, peer };
  }

  /** Opens a peer. */
  async peer(family: Family = this.peerFamily): Promise<Peer> {
    const ip = this.#peerIp(family);
    if (ip === undefined) throw new NotApplicable(`no peer address of IPv${family === 1 ? 4 : 6}`);
    return this.peerAt(ip);
  }

  /** Opens a peer at an address of this machine. */
  async peerAt(ip: string): Promise<Peer> {
    const peer = await Peer.open(ip, this.setup.patienceMs);
    this.#closing.unshift(() => peer.close());
    return peer;
  }

  /** Connects over TLS with further options; rejects when the handshake fails. */
  async secure(options: ConnectionOptions = {}): Promise<TLSSocket> {
    const { host, server } = this.target;
    const name = isIP(host) === 0 ? { servername: host } : {};
    const rejectUnauthorized = !this.setup.isInsecure;
    const socket = await connectSecurely(server, { rejectUnauthorized, ...name, ...options });
    this.#closing.unshift(() => socket.destroy());
    return socket;
  }

  /** Ends everything that the case has opened. */
  async end(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close();
  }

  async #connect(): Promise<Link> {
    const { carrier, server, localIp } = this.target;
    switch (carrier) {
      case 'UDP':
        return UdpLink.open(server, localIp);
      case 'DTLS':
        return DtlsLink.open(server, localIp);
      case 'TLS':
        return new StreamLink(await this.secure());
      default:
        return new StreamLink(await connectTcp(server));
    }
  }

  #peerIp(family: Family): string | undefined {
    return this.setup.peers.find((ip) => familyOf(ip) === family);
  }
}
