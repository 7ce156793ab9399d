import ipaddr from 'ipaddr.js';

/** A block of IP addresses with its host bits cleared. */
export interface AddressBlock {
  /** Canonical text (RFC 5952 for IPv6). */
  readonly address: string;
  /** Bits. */
  readonly prefixLength: number;
}

/** The canonical text of one IP address without zone or brackets, or undefined. */
export function parseIp(text: string): string | undefined {
  return parseAddress(text)?.toString();
}

/** True for an IPv6 address in text form. */
export function isIpv6(text: string): boolean {
  return parseAddress(text)?.kind() === 'ipv6';
}

/** True for `0.0.0.0` and `::`, in any spelling. */
export function isUnspecified(ip: string): boolean {
  return parseAddress(ip)?.range() === 'unspecified';
}

/** True for `localhost` and addresses that never leave the machine. */
export function isLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || parseAddress(host)?.range() === 'loopback';
}

/** Reads `10.0.0.0/8`, `fd00::/8` or a single address; host bits are cleared. */
export function parseBlock(text: string): AddressBlock | undefined {
  const [, host = '', prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = parseAddress(host);
  if (address === undefined) return undefined;
  const bits = address.kind() === 'ipv4' ? 32 : 128;
  const prefixLength = prefix === undefined ? bits : Number(prefix);
  if (prefixLength > bits) return undefined;
  const masked =
    address.kind() === 'ipv4'
      ? ipaddr.IPv4.networkAddressFromCIDR(`${address.toString()}/${prefixLength}`)
      : ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/${prefixLength}`);
  return { address: masked.toString(), prefixLength };
}

/** True for a DNS name; text of digits and dots is a broken IP address instead. */
export function isHostName(text: string): boolean {
  const labels = text.replace(/\.$/, '').split('.');
  if (text.length > 253 || /^\d+$/.test(labels.at(-1) ?? '')) return false;
  return labels.every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label));
}

/** The form in which DNS names are compared: lower case, without the dot of the root. */
export function normaliseHostName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (!text.includes('%') && ipaddr.IPv6.isValid(text)) return ipaddr.IPv6.parse(text);
  return undefined;
}
