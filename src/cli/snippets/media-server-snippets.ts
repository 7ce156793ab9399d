import { stringify } from 'yaml';
import { GatewayError } from '../../errors.ts';
import { quotedText } from './quoting.ts';
import type { SnippetContext, TurnAddress } from './snippet-context.ts';
import type { Snippet } from './snippet.ts';

/** LiveKit hands the servers to its clients. */
export const LIVEKIT: Snippet = {
  title: 'LiveKit',
  place: 'config.yaml of livekit-server; the shared secret needs a release of 2026 or newer',
  comment: '#',
  render: ({ addresses, auth, ttlSeconds }) => {
    const credential =
      auth.kind === 'secret'
        ? { secret: auth.secret, ttl: ttlSeconds }
        : { username: auth.username, credential: auth.password };
    return stringify({
      rtc: {
        turn_servers: addresses.map(({ host, port, scheme, transport }) => ({
          host,
          port,
          protocol: scheme === 'turns' ? 'tls' : transport,
          ...credential,
        })),
      },
    });
  },
};

/** Galene hands the servers to its clients. */
export const GALENE: Snippet = {
  title: 'Galene',
  place: 'data/ice-servers.json',
  comment: undefined,
  render: ({ addresses, auth }) => {
    const credential =
      auth.kind === 'secret'
        ? { username: 'galene', credential: auth.secret, credentialType: 'hmac-sha1' }
        : { username: auth.username, credential: auth.password };
    return json([{ urls: addresses.map(({ uri }) => uri), ...credential }]);
  },
};

/** Janus asks the ICE API for credentials, or has a fixed one. */
export const JANUS: Snippet = {
  title: 'Janus',
  place: 'janus.jcfg; it relays the media of Janus itself, browsers get a server of their own',
  comment: '#',
  render: (context) => {
    const { ice, auth, addresses } = context;
    const lines = ice === undefined ? undefined : restLines(ice);
    if (lines === undefined && auth.kind === 'secret') {
      const detail = 'Janus asks for its credentials; add an ice section, or use a static user';
      throw new GatewayError('GW_ERR_UNSUPPORTED', detail);
    }
    const stun = addresses.find(({ transport }) => transport === 'udp');
    const settings = [...stunLines(stun), ...(lines ?? userLines(context))];
    return `nat: {\n${settings.map((line) => `  ${line}\n`).join('')}}\n`;
  },
};

/** MediaMTX makes credentials with the secret when the user name is AUTH_SECRET. */
export const MEDIAMTX: Snippet = {
  title: 'MediaMTX',
  place: 'mediamtx.yml',
  comment: '#',
  render: ({ addresses, auth }) =>
    stringify({
      webrtcICEServers2: addresses.map(({ uri }) => ({
        url: uri,
        username: auth.kind === 'secret' ? 'AUTH_SECRET' : auth.username,
        password: auth.kind === 'secret' ? auth.secret : auth.password,
      })),
    }),
};

function stunLines(address: TurnAddress | undefined): string[] {
  if (address === undefined) return [];
  return [`stun_server = ${quotedText(address.host)}`, `stun_port = ${address.port}`];
}

function restLines({ url, apiKey }: NonNullable<SnippetContext['ice']>): string[] {
  return [
    `turn_rest_api = ${quotedText(`${url}/`)}`,
    ...(apiKey === undefined ? [] : [`turn_rest_api_key = ${quotedText(apiKey)}`]),
    'turn_rest_api_method = "GET"',
  ];
}

function userLines({ addresses, auth }: SnippetContext): string[] {
  const [address] = addresses;
  if (address === undefined || auth.kind !== 'user') return [];
  return [
    `turn_server = ${quotedText(address.host)}`,
    `turn_port = ${address.port}`,
    `turn_type = ${quotedText(address.scheme === 'turns' ? 'tls' : address.transport)}`,
    `turn_user = ${quotedText(auth.username)}`,
    `turn_pwd = ${quotedText(auth.password)}`,
  ];
}

function json(data: unknown): string {
  return `${JSON.stringify(data, undefined, 2)}\n`;
}
