import type { Static } from 'typebox';
import {
  API_ENDPOINT_DEFAULT,
  API_PORT_DEFAULT,
  DRAIN_TIMEOUT_DEFAULT,
  DRAIN_TIMEOUT_MAX,
  ECHO_PORT_DEFAULT,
  HEALTHCHECK_ENDPOINT_DEFAULT,
  HEALTHCHECK_PORT_DEFAULT,
  LOG_LEVEL_DEFAULT,
  METRICS_PORT_DEFAULT,
  NAME_DEFAULT,
  READY_FILL_MAX_DEFAULT,
} from './default-values.ts';
import {
  choice,
  duration,
  IGNORED,
  integer,
  optionalUrl,
  section,
  share,
  text,
  texts,
} from './schema-fields.ts';
import { Type } from './schema-types.ts';
import { ApiTlsSchema } from './tls-schema.ts';

const LicenseSchema = section(IGNORED, { key: text(IGNORED), hmac: text(IGNORED) });

/** The `admin` section. */
export const AdminSchema = section('How the gateway presents itself to operators.', {
  name: text('Name of this gateway in logs and status answers.', { default: NAME_DEFAULT }),
  loglevel: text(
    'Log levels: scope:LEVEL,scope:LEVEL with DISABLE, ERROR, WARN, INFO, DEBUG or TRACE.',
    { default: `all:${LOG_LEVEL_DEFAULT}`, examples: ['all:INFO', 'all:WARN,turn:DEBUG'] },
  ),
  log_format: choice(['json', 'text'], 'Form of log records.', 'json'),
  metrics_endpoint: text(
    `URL of the Prometheus metrics, port ${METRICS_PORT_DEFAULT} unless given; empty text is off.`,
    { default: '', examples: ['http://127.0.0.1:8080/metrics'] },
  ),
  healthcheck_endpoint: optionalUrl(
    `URL of the health checks, port ${HEALTHCHECK_PORT_DEFAULT} unless given; empty or null is off.`,
    HEALTHCHECK_ENDPOINT_DEFAULT,
  ),
  api_endpoint: optionalUrl(
    `URL of the admin API and console, port ${API_PORT_DEFAULT} unless given; empty or null is off.`,
    API_ENDPOINT_DEFAULT,
  ),
  api_token: text(
    'Token that callers of the admin API present; needed beyond loopback, unless client certificates are required.',
  ),
  api_token_file: text('File that holds the token.'),
  api_tls: Type.Optional(ApiTlsSchema),
  echo_endpoint: text(
    `URL of a WebRTC echo (turnpike echo) that the test page of the console relays to, port ${ECHO_PORT_DEFAULT} ` +
      'unless given; empty text is none.',
    { default: '', examples: ['http://10.0.0.7:8089/whip'] },
  ),
  user_quota: integer('Allocations that one user may hold at a time; 0 means no quota.', {
    minimum: 0,
    maximum: 1_000_000,
    default: 0,
  }),
  drain_timeout: duration(
    `Longest wait for live allocations before a gateway that drains stops, at most ${DRAIN_TIMEOUT_MAX}.`,
    DRAIN_TIMEOUT_DEFAULT,
    { minimum: 0 },
  ),
  alternate_servers: texts(
    'TURN servers that clients are sent to while the gateway drains: IP address and port.',
    { default: [], examples: [['192.0.2.7:3478', '[2001:db8::7]:3478']] },
  ),
  ready_fill_max: share(
    'Share of limits.allocations_max from which on the gateway is not ready for more.',
    { minimum: 0.01, maximum: 1, default: READY_FILL_MAX_DEFAULT },
  ),
  offload_engine: text(IGNORED),
  offload_interfaces: texts(IGNORED),
  license_config: Type.Optional(LicenseSchema),
});

/** The `admin` section as written. */
export type AdminSection = Static<typeof AdminSchema>;
