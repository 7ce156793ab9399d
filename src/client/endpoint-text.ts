/** `host:port` for people and URIs, with brackets around an IPv6 address. */
export function endpointText(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An IP address without the zone that a system adds to link-local ones (RFC 4007 §11). */
export function withoutZone(ip: string): string {
  return ip.replace(/%.*$/, '');
}
