import { isHostName, isIpv6, isUnspecified, normaliseHostName, parseIp } from './addresses.ts';

/** A server as a host and a port. */
export interface HostPort {
  /** IP address, or host name in lower case. */
  readonly host: string;
  readonly port: number;
}

const BRACKETED = /^\[([^\]]*)\](?::(\d{1,5}))?$/;
const PLAIN = /^([^:]*)(?::(\d{1,5}))?$/;

/**
 * Reads `192.0.2.1:3478`, `[2001:db8::1]:3478` or `stun.example.org:3478`, the port being optional.
 *
 * @returns undefined when the text is none of these, or names no single host.
 */
export function parseHostPort(text: string, defaultPort: number): HostPort | undefined {
  const single = parseIp(text);
  const [, written = '', portText] = BRACKETED.exec(text) ?? PLAIN.exec(text) ?? [];
  const host = single ?? hostOf(written, text.startsWith('['));
  const port = single !== undefined || portText === undefined ? defaultPort : Number(portText);
  if (host === undefined || isUnspecified(host) || port < 1 || port > 65_535) return undefined;
  return { host, port };
}

/** Writes a server as the text that `parseHostPort` reads. */
export function formatHostPort({ host, port }: HostPort): string {
  return isIpv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

function hostOf(text: string, isBracketed: boolean): string | undefined {
  const ip = parseIp(text);
  if (isBracketed) return ip !== undefined && isIpv6(ip) ? ip : undefined;
  return ip ?? (isHostName(text) ? normaliseHostName(text) : undefined);
}
