import { PROXY_HEADER_BYTES_MAX } from '../../limits.ts';
import { int32At, uint16At } from '../../stun/big-endian.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import { becomePlainIpv4 } from './mapped-address.ts';
import { readProxyLine } from './proxy-line.ts';

/**
 * What the bytes read so far are:
 * `more`: the beginning of a header;
 * `proxied`: a header with addresses;
 * `local`: a header without any, so the connection itself counts (health checks, unknown protocols);
 * `absent`: no PROXY header at all;
 * `malformed`: a header that is to be answered by closing the connection.
 */
export type ProxyHeaderOutcome = 'more' | 'proxied' | 'local' | 'absent' | 'malformed';

/**
 * Reads the PROXY protocol header, version 1 or 2, at the beginning of one connection, however the stream is cut.
 *
 * @see https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
 */
export class ProxyHeaderReader {
  /** The client as the load balancer saw it, once the outcome is `proxied`; never IPv4-mapped. */
  readonly source = new TransportAddress();
  /** Where the client connected to, likewise. */
  readonly destination = new TransportAddress();
  /** Bytes of the last chunk that belong to the header; what follows them is the stream. */
  consumed = 0;

  /** All of a version 1 header, or as much of a version 2 header as is looked at. */
  readonly #head = new Uint8Array(V1_BYTES_MAX);
  /** Bytes of the header that have been read. */
  #length = 0;
  /** Bytes of a version 2 header in all, once they are known. */
  #total = 0;
  #heldLength = 0;

  /** Bytes of earlier chunks; when the outcome is `absent` they are the beginning of the stream. Borrowed. */
  get held(): Uint8Array {
    return this.#head.subarray(0, this.#heldLength);
  }

  /** Reads a chunk (borrowed); to be called until the outcome is not `more`, and never again. */
  push(bytes: Uint8Array, offset: number, length: number): ProxyHeaderOutcome {
    this.#heldLength = this.#length;
    let outcome: ProxyHeaderOutcome = 'more';
    for (let at = offset; at < offset + length && outcome === 'more'; at++) {
      outcome = this.#take(bytes[at]!);
    }
    this.consumed = outcome === 'absent' ? 0 : this.#length - this.#heldLength;
    return outcome;
  }

  #take(byte: number): ProxyHeaderOutcome {
    if (this.#length < V1_BYTES_MAX) this.#head[this.#length] = byte;
    const at = this.#length++;
    const signature = this.#head[0] === V2_SIGNATURE[0] ? V2_SIGNATURE : V1_SIGNATURE;
    if (at < signature.length) return byte === signature[at] ? 'more' : 'absent';
    return signature === V1_SIGNATURE ? this.#takeV1(byte) : this.#takeV2();
  }

  #takeV1(byte: number): ProxyHeaderOutcome {
    if (byte !== LINE_FEED) return this.#length < V1_BYTES_MAX ? 'more' : 'malformed';
    const line = String.fromCharCode(...this.#head.subarray(0, this.#length));
    return readProxyLine(line, this.source, this.destination);
  }

  #takeV2(): ProxyHeaderOutcome {
    if (this.#length < V2_BYTES_MIN) return 'more';
    if (this.#length === V2_BYTES_MIN) {
      this.#total = V2_BYTES_MIN + uint16At(this.#head, V2_LENGTH_OFFSET);
      if (!this.#isValidV2()) return 'malformed';
    }
    return this.#length < this.#total ? 'more' : this.#readV2();
  }

  #isValidV2(): boolean {
    const command = this.#head[V2_COMMAND_OFFSET]!;
    if (this.#total > PROXY_HEADER_BYTES_MAX) return false;
    if (command === V2_LOCAL) return true;
    const protocol = this.#head[V2_PROTOCOL_OFFSET]!;
    const addressBytes = V2_ADDRESS_BYTES[protocol >> 4];
    const isKnown = addressBytes !== undefined && (protocol & 0x0f) <= V2_DATAGRAM;
    return command === V2_PROXY && isKnown && this.#total >= V2_BYTES_MIN + addressBytes;
  }

  #readV2(): ProxyHeaderOutcome {
    if (this.#head[V2_COMMAND_OFFSET] === V2_LOCAL) return 'local';
    const protocol = this.#head[V2_PROTOCOL_OFFSET]!;
    const family = protocol >> 4;
    if ((protocol & 0x0f) === 0 || (family !== V2_INET && family !== V2_INET6)) return 'local';
    if (family === V2_INET) this.#readV2Ipv4();
    else this.#readV2Ipv6();
    return 'proxied';
  }

  #readV2Ipv4(): void {
    const head = this.#head;
    this.source.setIpv4(int32At(head, 16), uint16At(head, 24));
    this.destination.setIpv4(int32At(head, 20), uint16At(head, 26));
  }

  #readV2Ipv6(): void {
    this.#readIpv6(this.source, 16, 48);
    this.#readIpv6(this.destination, 32, 50);
  }

  #readIpv6(into: TransportAddress, at: number, portAt: number): void {
    const head = this.#head;
    const port = uint16At(head, portAt);
    const [word0, word1] = [int32At(head, at), int32At(head, at + 4)];
    into.setIpv6(word0, word1, int32At(head, at + 8), int32At(head, at + 12), port);
    becomePlainIpv4(into);
  }
}

/** Longest header of version 1, the end of the line included. */
const V1_BYTES_MAX = 107;
const V1_SIGNATURE = bytesOf('PROXY ');
const LINE_FEED = 0x0a;

const V2_SIGNATURE = bytesOf('\r\n\r\n\0\r\nQUIT\n');
const V2_COMMAND_OFFSET = 12;
const V2_PROTOCOL_OFFSET = 13;
const V2_LENGTH_OFFSET = 14;
/** Before the addresses. */
const V2_BYTES_MIN = 16;
/** Version and command in one byte. */
const V2_LOCAL = 0x20;
const V2_PROXY = 0x21;
const V2_INET = 1;
const V2_INET6 = 2;
const V2_DATAGRAM = 2;
/** Bytes of both addresses and ports by family: unspecified, IPv4, IPv6, UNIX. */
const V2_ADDRESS_BYTES = [0, 12, 36, 216];

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
