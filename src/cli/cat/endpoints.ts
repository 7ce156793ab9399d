import { GatewayError } from '../../errors.ts';
import type { TransportAddress } from '../../stun/transport-address.ts';
import { parseIpPort } from '../ip-port.ts';

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
  const address = parseIpPort(rest, 0);
  if (kind !== undefined && address !== undefined) return { kind: kind as 'udp' | 'tcp', address };
  throw new GatewayError(
    'GW_ERR_USAGE',
    `"${text}" is no local end; write -, udp://127.0.0.1:5000, tcp://127.0.0.1:5000 or unix:///run/cat.sock`,
  );
}
