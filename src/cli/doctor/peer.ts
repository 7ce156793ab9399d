import { randomBytes, randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { withoutZone } from '../../client/endpoint-text.ts';
import { IPV6, TransportAddress } from '../../stun/transport-address.ts';

const PROBE_BYTES = 24;
const PROBE_INTERVAL_MS = 250;
const BIND_ATTEMPTS_MAX = 16;
/** Below the relay ports of a gateway on this machine, which would take them for its own. */
const OWN_PORT_MIN = 32_768;
const OWN_PORT_MAX = 49_151;

/** What became of a probe: a datagram that is sent again and again until it arrives or time is up. */
export class Probe {
  /** What is sent: random, so that it cannot be taken for anything else. */
  readonly payload: Buffer = randomBytes(PROBE_BYTES);
  #arrive: (() => void) | undefined;
  #hasArrived = false;

  /** Notes what has arrived somewhere; returns whether it is the probe itself, which alone counts. */
  see(data: Uint8Array): boolean {
    if (!this.payload.equals(data)) return false;
    this.#hasArrived = true;
    this.#arrive?.();
    return true;
  }

  /** Ends the wait, since nothing will arrive. */
  giveUp(): void {
    this.#arrive?.();
  }

  /** Sends until the probe was seen or `timeoutMs` have passed; returns whether it was. */
  async run(send: (payload: Buffer) => void, timeoutMs: number): Promise<boolean> {
    let interval: NodeJS.Timeout | undefined;
    let deadline: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#arrive = resolve;
      deadline = setTimeout(resolve, timeoutMs);
      interval = setInterval(() => send(this.payload), PROBE_INTERVAL_MS);
      send(this.payload);
    });
    clearInterval(interval);
    clearTimeout(deadline);
    return this.#hasArrived;
  }
}

/** A UDP socket of the doctor itself, which plays the backend. */
export class OwnPeer {
  /** Where the gateway is to send to. */
  readonly address: TransportAddress;
  /** Called for each datagram. */
  onDatagram: (data: Uint8Array, from: TransportAddress) => void = () => undefined;
  readonly #socket: Socket;

  private constructor(socket: Socket, ip: TransportAddress) {
    this.#socket = socket;
    this.address = ip.clone();
    this.address.port = socket.address().port;
    socket.on('message', (data, { address, port }) => {
      const from = TransportAddress.parse(withoutZone(address), port);
      if (from !== undefined) this.onDatagram(data, from);
    });
    // An ICMP error of an earlier datagram; that nothing arrives tells as much.
    socket.on('error', () => undefined);
  }

  /**
   * Opens it on a port of an address of this machine; the caller closes it.
   *
   * @throws Error when no port is free.
   */
  static async open(ip: TransportAddress): Promise<OwnPeer> {
    for (let attempt = 1; ; attempt++) {
      const socket = createSocket(ip.family === IPV6 ? 'udp6' : 'udp4');
      try {
        socket.bind(randomInt(OWN_PORT_MIN, OWN_PORT_MAX + 1), ip.ip());
        await once(socket, 'listening');
        return new OwnPeer(socket, ip);
      } catch (error) {
        socket.close();
        if (attempt === BIND_ATTEMPTS_MAX) throw error;
      }
    }
  }

  /** Sends one datagram; failures show in that nothing arrives. */
  send(data: Uint8Array, to: TransportAddress): void {
    this.#socket.send(data, to.port, to.ip(), () => undefined);
  }

  /** Closes the socket. */
  close(): void {
    this.#socket.close();
  }
}
