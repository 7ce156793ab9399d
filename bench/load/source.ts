import type { TransportAddress } from '../../src/stun/transport-address.ts';
import type { Burst } from './burst.ts';
import type { TurnClient } from './turn-clients.ts';

/** Sends numbered packets for many clients in turn. */
export interface Source {
  /** Sends one burst and returns how many packets it had. */
  send(): number;
}

/** From clients to the server: a burst belongs to one client, since each has a socket of its own. */
export class UpSource implements Source {
  readonly #clients: readonly TurnClient[];
  readonly #server: TransportAddress;
  readonly #burst: Burst;
  #next = 0;

  constructor(clients: readonly TurnClient[], server: TransportAddress, burst: Burst) {
    this.#clients = clients;
    this.#server = server;
    this.#burst = burst;
  }

  send(): number {
    const client = this.#next;
    const { packets } = this.#burst;
    this.#next = (client + 1) % this.#clients.length;
    for (let count = 0; count < packets; count++) this.#burst.add(client, this.#server);
    this.#burst.send(this.#clients[client]!.fd);
    return packets;
  }
}

/** From the peer to relayed transport addresses: a burst goes to as many clients as it has packets. */
export class DownSource implements Source {
  readonly #clients: readonly TurnClient[];
  readonly #peerFd: number;
  readonly #burst: Burst;
  #next = 0;

  constructor(clients: readonly TurnClient[], peerFd: number, burst: Burst) {
    this.#clients = clients;
    this.#peerFd = peerFd;
    this.#burst = burst;
  }

  send(): number {
    const { packets } = this.#burst;
    for (let count = 0; count < packets; count++) {
      const client = this.#next;
      this.#next = (client + 1) % this.#clients.length;
      this.#burst.add(client, this.#clients[client]!.relayed);
    }
    this.#burst.send(this.#peerFd);
    return packets;
  }
}
