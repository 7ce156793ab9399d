import { GatewayError } from '../errors.ts';
import { TransportAddress } from '../stun/transport-address.ts';

/** Where the data of `cat` comes from and goes to. */
export type CatLocal =
  | { readonly kind: 'stdin' }
  | { readonly kind: 'udp' | 'tcp'; readonly address: TransportAddress }
  | { readonly kind: 'unix'; readonly path: string };

/** Reads the first argument of `cat`; throws GatewayError GW_ERR_USAGE. */
export function parseLocal(text: string): CatLocal {
  if (text === '-') return { kind: 'stdin' };
  const [, path] = /^unix:\/\/(.+)$/.exec(text) ?? [];
  if (path !== undefined) return { kind: 'unix', path };
  const [, kind, rest = ''] = /^(udp|tcp):\/\/(.*)$/.exec(text) ?? [];
  const address = parseAddress(rest, 0);
  if (kind !== undefined && address !== undefined) return { kind: kind as 'udp' | 'tcp', address };
  throw new GatewayError(
    'GW_ERR_USAGE',
    `"${text}" is no local end; write -, udp://127.0.0.1:5000, tcp://127.0.0.1:5000 or unix:///run/cat.sock`,
  );
}

/** Reads a peer, `udp://ip:port` or `ip:port`; throws GatewayError GW_ERR_USAGE. */
export function parseUdpPeer(text: string): TransportAddress {
  const address = parseAddress(text.replace(/^udp:\/\//, ''), 1);
  if (address !== undefined) return address;
  throw new GatewayError(
    'GW_ERR_USAGE',
    `"${text}" is not a peer; write udp://10.0.0.7:5004 or udp://[fd00::7]:5004`,
  );
}

function parseAddress(text: string, portMin: number): TransportAddress | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = TransportAddress.parse(bracketed ?? plain ?? '', Number(port));
  const isUsable = address !== undefined && address.port >= portMin && address.port <= 65_535;
  return isUsable ? address : undefined;
}
