import ipaddr from 'ipaddr.js';

/** STUN address family numbers (RFC 8489 §14.1). */
export const IPV4 = 0x01;
/** STUN address family numbers (RFC 8489 §14.1). */
export const IPV6 = 0x02;
/** Address family as STUN writes it: 0x01 is IPv4, 0x02 is IPv6 (RFC 8489 §14.1). */
export type AddressFamily = typeof IPV4 | typeof IPV6;

/**
 * An IP address and port held as numbers, so that the packet path compares and hashes it without allocating.
 *
 * `word0` to `word3` are the address in network order as signed 32-bit integers; IPv4 uses `word0` alone and the
 * others are 0. Instances are mutable so that one can serve as scratch; whoever keeps one keeps a `clone()`.
 *
 * @see RFC 8489 §14.1
 */
export class TransportAddress {
  family: AddressFamily = IPV4;
  word0 = 0;
  word1 = 0;
  word2 = 0;
  word3 = 0;
  /** 0 to 65535. */
  port = 0;

  /** Makes this an IPv4 address; `word` in network order. */
  setIpv4(word: number, port: number): this {
    this.family = IPV4;
    this.word0 = word | 0;
    this.word1 = 0;
    this.word2 = 0;
    this.word3 = 0;
    this.port = port;
    return this;
  }

  /** Makes this an IPv6 address; words in network order. */
  setIpv6(word0: number, word1: number, word2: number, word3: number, port: number): this {
    this.family = IPV6;
    this.word0 = word0 | 0;
    this.word1 = word1 | 0;
    this.word2 = word2 | 0;
    this.word3 = word3 | 0;
    this.port = port;
    return this;
  }

  /** Copies family, address and port from `other`. */
  copyFrom(other: TransportAddress): this {
    this.family = other.family;
    this.word0 = other.word0;
    this.word1 = other.word1;
    this.word2 = other.word2;
    this.word3 = other.word3;
    this.port = other.port;
    return this;
  }

  /** An independent copy. */
  clone(): TransportAddress {
    return new TransportAddress().copyFrom(this);
  }

  /** True when family, address and port are the same. */
  equals(other: TransportAddress): boolean {
    return this.port === other.port && this.equalsIp(other);
  }

  /** True when family and address are the same, whatever the port. */
  equalsIp(other: TransportAddress): boolean {
    return (
      this.word0 === other.word0 &&
      this.word3 === other.word3 &&
      this.word2 === other.word2 &&
      this.word1 === other.word1 &&
      this.family === other.family
    );
  }

  /** A well-mixed 32-bit hash of the address without the port. */
  hashIp(): number {
    let hash = Math.imul(this.word0 ^ this.family, 0x9e3779b1);
    if (this.family === IPV6) {
      hash = Math.imul(hash ^ this.word1, 0x85ebca6b);
      hash = Math.imul(hash ^ this.word2, 0xc2b2ae35);
      hash = Math.imul(hash ^ this.word3, 0x27d4eb2f);
    }
    return hash ^ (hash >>> 15);
  }

  /** A well-mixed 32-bit hash of address and port. */
  hash(): number {
    const hash = Math.imul(this.hashIp() ^ this.port, 0x85ebca6b);
    return hash ^ (hash >>> 13);
  }

  /** The IP address in its usual text form (RFC 5952 for IPv6). */
  ip(): string {
    return ipaddr.fromByteArray(this.ipBytes()).toString();
  }

  /** `ip:port`, with brackets around an IPv6 address. */
  toString(): string {
    return this.family === IPV6 ? `[${this.ip()}]:${this.port}` : `${this.ip()}:${this.port}`;
  }

  /** The address as 4 or 16 bytes in network order; the caller owns the array. */
  ipBytes(): number[] {
    const words =
      this.family === IPV6 ? [this.word0, this.word1, this.word2, this.word3] : [this.word0];
    return words.flatMap((word) => [
      word >>> 24,
      (word >>> 16) & 0xff,
      (word >>> 8) & 0xff,
      word & 0xff,
    ]);
  }

  /**
   * Parses the text form of an IP address.
   *
   * @param ip - dotted IPv4 or RFC 4291 IPv6 without zone and without brackets.
   * @returns the address, or undefined when the text is not exactly one address.
   */
  static parse(ip: string, port = 0): TransportAddress | undefined {
    const isIpv4 = ipaddr.IPv4.isValidFourPartDecimal(ip);
    if (!isIpv4 && !isPlainIpv6(ip)) return undefined;
    const bytes = ipaddr.parse(ip).toByteArray();
    const word = (index: number): number => {
      const at = index * 4;
      return (
        ((bytes[at] ?? 0) << 24) |
        ((bytes[at + 1] ?? 0) << 16) |
        ((bytes[at + 2] ?? 0) << 8) |
        (bytes[at + 3] ?? 0)
      );
    };
    const address = new TransportAddress();
    return isIpv4
      ? address.setIpv4(word(0), port)
      : address.setIpv6(word(0), word(1), word(2), word(3), port);
  }
}

/** True for IPv6 without zone; an embedded IPv4 address has to be as strict as one that stands alone. */
function isPlainIpv6(ip: string): boolean {
  if (!ipaddr.IPv6.isValid(ip) || ip.includes('%')) return false;
  const last = ip.slice(ip.lastIndexOf(':') + 1);
  return !last.includes('.') || ipaddr.IPv4.isValidFourPartDecimal(last);
}
