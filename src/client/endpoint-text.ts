/** `host:port` for people and URIs, with brackets around an IPv6 address. */
export function endpointText(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
