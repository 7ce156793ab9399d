import type { Static } from 'typebox';
import {
  ALLOCATIONS_MAX_DEFAULT,
  ALLOCATIONS_PER_ADDRESS_MAX_DEFAULT,
  BYTES_PER_SECOND_PER_ALLOCATION_DEFAULT,
  CHANNELS_PER_ALLOCATION_MAX_DEFAULT,
  CONNECTIONS_PER_ADDRESS_MAX_DEFAULT,
  CREDENTIAL_CLOCK_SKEW_MAX_SECONDS,
  DEGRADED_BYTES_PER_SECOND_DEFAULT,
  HANDSHAKES_PER_SECOND_DEFAULT,
  HANDSHAKES_PER_SECOND_PER_ADDRESS_DEFAULT,
  PERMISSIONS_PER_ALLOCATION_MAX_DEFAULT,
  UNAUTHENTICATED_PER_SECOND_PER_ADDRESS_DEFAULT,
  WORKERS_MAX,
} from '../limits.ts';
import { AcmeSchema } from './acme-schema.ts';
import { AdminSchema } from './admin-schema.ts';
import { COMPATIBLE_SERVICES } from './compatible-services.ts';
import {
  ALGORITHMS_DEFAULT,
  ICE_ENDPOINT_DEFAULT,
  LISTENER_PORT_DEFAULT,
  MAX_TTL_DEFAULT,
  ON_EXPIRY_DEFAULT,
  REALM_DEFAULT,
  RELAY_MAX_PORT_DEFAULT,
  RELAY_MIN_PORT_DEFAULT,
  STUN_SERVERS_DEFAULT,
} from './default-values.ts';
import { formatDuration } from './durations.ts';
import { DNS_ENDPOINT_FORM, STATIC_ENDPOINT_FORM } from './endpoints.ts';
import {
  anyCasePattern,
  choice,
  choices,
  duration,
  flag,
  IGNORED,
  integer,
  list,
  name,
  port,
  rate,
  section,
  text,
  texts,
} from './schema-fields.ts';
import { Type } from './schema-types.ts';
import { IceTlsSchema, ListenerTlsSchema } from './tls-schema.ts';

/** Any letter case, as everywhere. */
const PROXY_PROTOCOL_PATTERN = anyCasePattern(['off', 'optional', 'required']);

const CredentialsSchema = section(
  'Credentials of auth.type: username and password for static, secret for ephemeral.',
  {
    username: text('Name of the static user.'),
    password: text('Password of the static user.'),
    password_file: text('File that holds the password of the static user.'),
    secret: text('Shared secret that signs ephemeral credentials; 16 bytes or more.'),
    secret_file: text('File that holds the shared secret.'),
    secrets: texts('Shared secrets during rotation, the one that signs first.'),
    secrets_file: text(
      'File that holds the shared secrets, one per line, the one that signs first.',
    ),
  },
);

const UserSchema = section('A static user.', {
  username: name('Name of the user.'),
  password: text('Password of the user.'),
  password_file: text('File that holds the password of the user.'),
  routes: texts(
    'Clusters that this user is confined to; all clusters of the listener unless given.',
  ),
});

const CLOCK_SKEW = formatDuration(CREDENTIAL_CLOCK_SKEW_MAX_SECONDS);

const AuthSchema = section('Who may allocate.', {
  type: choice(
    ['static', 'ephemeral', 'none', 'plaintext', 'longterm', 'timewindowed'],
    'static or plaintext: fixed users; ephemeral, longterm or timewindowed: a shared secret; none: STUN.',
    'static',
  ),
  realm: text('Realm sent in challenges.', { default: REALM_DEFAULT }),
  credentials: Type.Optional(CredentialsSchema),
  users: list(UserSchema, 'Static users next to the credentials.', { default: [] }),
  max_ttl: duration(
    `Longest lifetime of a credential; one that expires later than now + max_ttl + ${CLOCK_SKEW} is refused.`,
    MAX_TTL_DEFAULT,
  ),
  on_expiry: choice(
    ['keep', 'refuse', 'close'],
    'When the credential of a live allocation expires: keep it, refuse to refresh it, or close it.',
    ON_EXPIRY_DEFAULT,
  ),
  algorithms: choices(
    ['SHA-256', 'MD5'],
    'Password algorithms offered to clients, preferred first (RFC 8489).',
    [...ALGORITHMS_DEFAULT],
  ),
});

const IceSchema = section('HTTP API that hands ICE configurations to app servers.', {
  endpoint: text(
    'URL where the ICE API is served; beyond loopback it needs api_keys or required client certificates.',
    { default: ICE_ENDPOINT_DEFAULT },
  ),
  tls: Type.Optional(IceTlsSchema),
  api_keys: texts('Keys that callers present, as bearer token or key parameter.', { default: [] }),
  api_keys_file: text('File that holds the keys, one per line.'),
  cors: texts('Exact origins that browsers may call from.', {
    default: [],
    examples: [['https://app.example.org']],
  }),
  compat: choices(
    COMPATIBLE_SERVICES,
    `Services whose credential APIs are answered as well, each in its own form: ${COMPATIBLE_SERVICES.join(', ')}.`,
    [],
  ),
});

const ListenerSchema = section('A socket that clients connect to.', {
  name: name('Unique name, such as namespace/gateway/listener.'),
  protocol: choice(
    ['TURN-UDP', 'TURN-TCP', 'TURN-TLS', 'TURN-DTLS', 'UDP', 'TCP', 'TLS', 'DTLS'],
    'Transport from client to gateway; the prefix TURN- makes no difference.',
    'TURN-UDP',
  ),
  bind: text('IP address to listen on; all addresses of both families unless given.', {
    examples: ['0.0.0.0', '::', '10.0.0.5'],
  }),
  port: port('Port to listen on.', { default: LISTENER_PORT_DEFAULT }),
  address: text(
    'IP address of the relayed transport addresses told to clients; 0.0.0.0 or absent lets the gateway choose.',
  ),
  public_address: text(
    'IP address or host name in ICE configurations; discover is the discovered address of the relay.',
  ),
  public_port: port('Port in ICE configurations; the port to listen on unless given.'),
  cert: text('Certificate chain for TLS and DTLS: PEM text, or base64 of it.'),
  cert_file: text('File that holds what cert would; the same as tls.cert_file.'),
  key: text('Private key for TLS and DTLS: PEM text, or base64 of it.'),
  key_file: text('File that holds what key would; the same as tls.key_file.'),
  tls: Type.Optional(ListenerTlsSchema),
  also_plain: flag(
    'True serves plain TCP next to TLS, or plain UDP next to DTLS, on the same port.',
    false,
  ),
  proxy_protocol: Type.Optional(
    Type.Union([Type.Literal(false), Type.String({ pattern: PROXY_PROTOCOL_PATTERN })], {
      description:
        'Whether a load balancer sends the address of each client first (PROXY protocol): off, optional or required.',
      default: 'off',
      examples: ['off', 'optional', 'required'],
      errorMessage: 'must be one of off, optional, required',
    }),
  ),
  proxy_trusted: texts('Addresses or blocks of the load balancers that may say so.', {
    default: [],
    examples: [['10.0.0.0/8']],
  }),
  min_relay_port: port(`${IGNORED} See relay.min_port.`),
  max_relay_port: port(`${IGNORED} See relay.max_port.`),
  routes: texts('Names of the clusters that clients of this listener may reach.', { default: [] }),
});

const RelayAddressSchema = section('One relay address.', {
  bind: Type.String({ description: 'Local IP address that relay sockets are bound to.' }),
  advertise: text(
    'IP address told to clients, of the same family; discover asks the STUN servers; bind unless given.',
    { examples: ['203.0.113.7', 'discover'] },
  ),
});

const RelaySchema = section('Where relayed transport addresses come from.', {
  min_port: integer('Lowest relay port.', {
    minimum: 1024,
    maximum: 65_535,
    default: RELAY_MIN_PORT_DEFAULT,
  }),
  max_port: integer('Highest relay port.', {
    minimum: 1024,
    maximum: 65_535,
    default: RELAY_MAX_PORT_DEFAULT,
  }),
  addresses: list(
    RelayAddressSchema,
    'Addresses to relay from, one per family; the gateway chooses when empty.',
    {
      default: [],
    },
  ),
  stun_servers: texts(
    'STUN servers that tell the address to advertise, asked one after the other, when one is to be discovered.',
    { default: [...STUN_SERVERS_DEFAULT], examples: [['stun.example.org:3478', '[2001:db8::1]']] },
  ),
  nat64_prefixes: texts(
    'IPv6 prefixes under which this network translates to IPv4, beside those that all know; peers are judged by both.',
    { default: [], examples: [['2001:db8:64::/96']] },
  ),
  workers: Type.Optional(
    Type.Union(
      [
        Type.Integer({ minimum: 1, maximum: WORKERS_MAX }),
        Type.String({ pattern: '^([Aa][Uu][Tt][Oo])?$' }),
      ],
      {
        description: 'Number of relay workers; auto means one per available core.',
        default: 'auto',
        errorMessage: `must be auto or a whole number from 1 to ${WORKERS_MAX}`,
      },
    ),
  ),
});

const ClusterSchema = section('A named set of backends.', {
  name: name('Unique name that routes refer to.'),
  type: choice(
    ['STATIC', 'STRICT_DNS'],
    'STATIC: endpoints are addresses; STRICT_DNS: endpoints are host names, resolved again and again.',
    'STATIC',
  ),
  protocol: choice(['UDP', 'TCP'], 'Transport from gateway to backend; TCP is RFC 6062.', 'UDP'),
  endpoints: texts(
    `Who may be reached. STATIC: ${STATIC_ENDPOINT_FORM}. STRICT_DNS: ${DNS_ENDPOINT_FORM}.`,
    { default: [], examples: [['10.0.0.0/24:<10000-20000>', '10.1.2.3']] },
  ),
  dangerously_allow: texts(
    'Addresses or blocks that may be reached although loopback, link-local and the like never are.',
    { default: [], examples: [['127.0.0.1/32']] },
  ),
});

const LimitsSchema = section('Bounds of the gateway.', {
  allocations_max: integer('Allocations over all workers.', {
    minimum: 1,
    maximum: 10_000_000,
    default: ALLOCATIONS_MAX_DEFAULT,
  }),
  allocations_per_address_max: integer('Allocations of one client IP address.', {
    minimum: 1,
    maximum: 10_000_000,
    default: ALLOCATIONS_PER_ADDRESS_MAX_DEFAULT,
  }),
  connections_per_address_max: integer(
    'TCP connections of one client IP address and, counted apart, its DTLS associations: so many of each, per worker.',
    { minimum: 1, maximum: 10_000_000, default: CONNECTIONS_PER_ADDRESS_MAX_DEFAULT },
  ),
  handshakes_per_second: integer('TLS and DTLS handshakes begun, over all workers.', {
    minimum: 1,
    maximum: 10_000_000,
    default: HANDSHAKES_PER_SECOND_DEFAULT,
  }),
  handshakes_per_second_per_address: integer(
    'TLS and DTLS handshakes begun by one client IP address, per worker.',
    { minimum: 1, maximum: 10_000_000, default: HANDSHAKES_PER_SECOND_PER_ADDRESS_DEFAULT },
  ),
  permissions_per_allocation_max: integer('Peer addresses that one allocation may talk to.', {
    minimum: 1,
    maximum: 65_536,
    default: PERMISSIONS_PER_ALLOCATION_MAX_DEFAULT,
  }),
  channels_per_allocation_max: integer('Channels of one allocation.', {
    minimum: 1,
    maximum: 16_383,
    default: CHANNELS_PER_ALLOCATION_MAX_DEFAULT,
  }),
  bytes_per_second_per_allocation: rate(
    'Bytes that one allocation may relay per second, each way; 0 is no limit.',
    BYTES_PER_SECOND_PER_ALLOCATION_DEFAULT,
  ),
  packets_per_second_per_allocation: rate(
    'Packets that one allocation may relay per second, each way; 0 is no limit.',
  ),
  bytes_per_second_per_user: rate(
    'Bytes that all allocations of one user may relay per second, each way; 0 is no limit.',
  ),
  packets_per_second_per_user: rate(
    'Packets that all allocations of one user may relay per second, each way; 0 is no limit.',
  ),
  over_user_quota: choice(
    ['refuse', 'degrade'],
    'What an allocation beyond admin.user_quota meets: refusal, or a low rate.',
    'refuse',
  ),
  degraded_bytes_per_second: integer('Bytes per second of such an allocation, each way.', {
    minimum: 1000,
    maximum: 2_000_000_000,
    default: DEGRADED_BYTES_PER_SECOND_DEFAULT,
  }),
  unauthenticated_per_second_per_address: rate(
    'Error answers per second to one IP address that has proven nothing, over UDP; 0 is no limit.',
    UNAUTHENTICATED_PER_SECOND_PER_ADDRESS_DEFAULT,
  ),
});

/** The configuration file, STUNner's keys and ours: the one source for types, validation and editors. */
export const FileSchema = section('Configuration of a Turnpike gateway.', {
  version: Type.String({
    description: 'Version of the file format: v1, or v1alpha1 for old STUNner files.',
    pattern: '^v1(alpha1)?$',
    examples: ['v1', 'v1alpha1'],
    errorMessage: 'must be v1 or v1alpha1',
  }),
  admin: Type.Optional(AdminSchema),
  auth: Type.Optional(AuthSchema),
  ice: Type.Optional(IceSchema),
  acme: Type.Optional(AcmeSchema),
  listeners: list(ListenerSchema, 'Sockets that clients connect to.', { default: [] }),
  relay: Type.Optional(RelaySchema),
  clusters: list(ClusterSchema, 'Backends that clients may be relayed to.', { default: [] }),
  strict_channel_numbers: flag(
    'True accepts channel numbers 0x4000-0x4FFF only (RFC 8656); false also those of older clients, up to 0x7FFE.',
    false,
  ),
  limits: Type.Optional(LimitsSchema),
});

/** The file as written, after validation; absent keys are not filled in. */
export type FileConfig = Static<typeof FileSchema>;
/** The `auth` section as written. */
export type AuthSection = Static<typeof AuthSchema>;
/** The `ice` section as written. */
export type IceSection = Static<typeof IceSchema>;
/** An entry of `listeners` as written. */
export type ListenerEntry = Static<typeof ListenerSchema>;
/** The `relay` section as written. */
export type RelaySection = Static<typeof RelaySchema>;
/** An entry of `clusters` as written. */
export type ClusterEntry = Static<typeof ClusterSchema>;
/** The `limits` section as written. */
export type LimitsSection = Static<typeof LimitsSchema>;

/** The JSON Schema (draft-07) of the configuration file for editors; a fresh copy. */
export function jsonSchema(): Record<string, unknown> {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Turnpike configuration',
    ...structuredClone(FileSchema),
  };
}
