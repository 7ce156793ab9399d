import { TransportAddress } from '../../stun/transport-address.ts';
import type { RelayedData } from '../../turn/relayed-data.ts';
import { UPSTREAM_SLOTS, type PacketMemory } from './packet-memory.ts';
import type { RelaySocket } from './relay-socket.ts';

const NONE = -1;

/**
 * Datagrams to peers of one batch from a listener, grouped by the relay socket they leave from: each socket sends all
 * of its own with one system call, in the order of arrival.
 */
export class UpstreamQueue {
  readonly #memory: PacketMemory;
  readonly #offsets = new Int32Array(UPSTREAM_SLOTS);
  readonly #lengths = new Int32Array(UPSTREAM_SLOTS);
  readonly #next = new Int32Array(UPSTREAM_SLOTS);
  readonly #peers = Array.from({ length: UPSTREAM_SLOTS }, () => new TransportAddress());
  readonly #sockets: RelaySocket[] = [];
  #count = 0;
  #socketCount = 0;

  constructor(memory: PacketMemory) {
    this.#memory = memory;
  }

  /** Queues relayed client data whose payload lies at `offset` of the arena. */
  add(socket: RelaySocket, data: RelayedData, offset: number): void {
    if (data.dontFragment) {
      this.flush();
      this.#sendUnfragmented(socket, data, offset);
      return;
    }
    if (this.#count === UPSTREAM_SLOTS) this.flush();
    const index = this.#count++;
    this.#offsets[index] = offset;
    this.#lengths[index] = data.payloadLength;
    this.#next[index] = NONE;
    this.#peers[index]!.copyFrom(data.peer);
    if (!socket.countTo(data.peer)) socket.isQueueForConnected = false;
    if (socket.queueHead === NONE) {
      this.#sockets[this.#socketCount++] = socket;
      socket.queueHead = index;
    } else {
      this.#next[socket.queueTail] = index;
    }
    socket.queueTail = index;
  }

  /** Sends everything; the payloads may be overwritten afterwards. */
  flush(): void {
    const { upstreamSend } = this.#memory;
    for (let position = 0; position < this.#socketCount; position++) {
      const socket = this.#sockets[position]!;
      const { queueFd, isQueueForConnected } = socket;
      for (let index = socket.queueHead; index !== NONE; index = this.#next[index]!) {
        const peer = isQueueForConnected ? undefined : this.#peers[index]!;
        upstreamSend.add(this.#offsets[index]!, this.#lengths[index]!, peer);
      }
      socket.queueHead = NONE;
      socket.isQueueForConnected = true;
      upstreamSend.flush(queueFd);
    }
    this.#socketCount = 0;
    this.#count = 0;
  }

  /** The bit belongs to the socket, not to the datagram, so such a datagram travels alone (RFC 8656 §14). */
  #sendUnfragmented(socket: RelaySocket, data: RelayedData, offset: number): void {
    const { upstreamSend } = this.#memory;
    socket.setDontFragment(true);
    upstreamSend.add(offset, data.payloadLength, data.peer);
    upstreamSend.flush(socket.fd);
    socket.setDontFragment(false);
  }
}
