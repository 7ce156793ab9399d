import { parseArgs } from 'node:util';
import { isIP } from 'node:net';

const MEDIA = ['werift', 'janus'] as const;
const TLS = ['off', 'process', 'nginx', 'haproxy'] as const;
const LOOPBACK = '127.0.0.1';

/** Ports that the example listens on. */
export interface Ports {
  /** The page and its WebSocket. */
  readonly page: number;
  /** TURN over UDP and TCP. */
  readonly turn: number;
  /** TURN over TLS. */
  readonly turns: number;
  /** Application server behind a balancer. */
  readonly application: number;
  /** TURN listener behind a balancer that has ended TLS. */
  readonly upstream: number;
  readonly ice: number;
  readonly health: number;
  readonly admin: number;
  /** API of Janus. */
  readonly janus: number;
}

/** What is to be run. */
export interface CallOptions {
  /** The media server. */
  readonly media: (typeof MEDIA)[number];
  /** Where TLS of the page and of TURN ends. */
  readonly tls: (typeof TLS)[number];
  /** Host name or address that browsers use; undefined: this machine alone. */
  readonly host: string | undefined;
  /** Address at which the media server and the relay sockets of the gateway meet. */
  readonly mediaAddress: string | undefined;
  /** PEM files of a certificate and its key; undefined: a certificate is made. */
  readonly certificateFiles: { readonly cert: string; readonly key: string } | undefined;
  /** Pages of other origins that may use the application server. */
  readonly origins: readonly string[];
  readonly ports: Ports;
}

/** What `--help` prints. */
export const HELP = `npm run call -- [OPTION…]

  --media werift|janus      media server: werift in Node.js, or Janus (Debian package janus)   [werift]
  --tls off|process|nginx|haproxy
                            where TLS of the page and of TURN ends   [off; process with --host]
  --host NAME               host name or address by which browsers reach this machine   [this machine alone]
  --media-address ADDRESS   where the media server listens   [127.0.0.1; for Janus the first other address]
  --cert FILE --key FILE    a certificate that browsers trust   [one is made at start]
  --origin ORIGIN           a page from elsewhere may use the application server, such as the tutorial's
  --first-port PORT         take nine ports in a row from here on   [8443, 3478, 5349, …]
`;

const DEFAULT_PORTS: Ports = {
  page: 8443,
  turn: 3478,
  turns: 5349,
  application: 8444,
  upstream: 3480,
  ice: 8088,
  health: 8086,
  admin: 8087,
  janus: 8188,
};

/** Reads the command line; undefined when help is asked for; throws Error that says what is wrong. */
export function readOptions(args: readonly string[]): CallOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h' },
      media: { type: 'string', default: 'werift' },
      tls: { type: 'string' },
      host: { type: 'string' },
      'media-address': { type: 'string' },
      cert: { type: 'string' },
      key: { type: 'string' },
      origin: { type: 'string', multiple: true, default: [] },
      'first-port': { type: 'string' },
    },
  });
  if (values.help) return undefined;
  const { cert, key, host, 'media-address': mediaAddress, 'first-port': firstPort } = values;
  if ((cert === undefined) !== (key === undefined)) throw new Error('--cert and --key go together');
  if (mediaAddress !== undefined && isIP(mediaAddress) === 0) {
    throw new Error('--media-address takes an address');
  }
  return {
    media: oneOf('--media', MEDIA, values.media),
    tls: oneOf('--tls', TLS, values.tls ?? (host === undefined ? 'off' : 'process')),
    host,
    mediaAddress,
    certificateFiles: cert === undefined ? undefined : { cert, key: key! },
    origins: values.origin,
    ports: firstPort === undefined ? DEFAULT_PORTS : portsFrom(Number(firstPort)),
  };
}

/** Host by which browsers on this machine, or elsewhere, reach a listener for UDP and TCP. */
export function turnHost({ host }: CallOptions): string {
  return host ?? LOOPBACK;
}

/** Host of the page and of TURN over TLS, for which there can be a certificate. */
export function pageHost({ host }: CallOptions): string {
  return host ?? 'localhost';
}

/** Address to listen on; undefined: every one. */
export function bindAddress({ host }: CallOptions): string | undefined {
  return host === undefined ? LOOPBACK : undefined;
}

function portsFrom(first: number): Ports {
  const last = 65_535 - Object.keys(DEFAULT_PORTS).length;
  if (!Number.isInteger(first) || first < 1 || first > last) {
    throw new Error(`--first-port takes a number up to ${last}`);
  }
  const names = Object.keys(DEFAULT_PORTS);
  return Object.fromEntries(names.map((name, index) => [name, first + index])) as unknown as Ports;
}

function oneOf<Value extends string>(name: string, values: readonly Value[], text: string): Value {
  const found = values.find((value) => value === text);
  if (found !== undefined) return found;
  throw new Error(`${name} takes ${values.join(', ')}; not ${text}`);
}
