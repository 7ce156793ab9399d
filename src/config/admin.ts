import { isLoopback, parseIp } from './addresses.ts';
import type { AdminSection } from './admin-schema.ts';
import {
  API_ENDPOINT_DEFAULT,
  API_PORT_DEFAULT,
  DRAIN_TIMEOUT_DEFAULT,
  DRAIN_TIMEOUT_MAX,
  ECHO_ENDPOINT_DEFAULT,
  ECHO_PORT_DEFAULT,
  HEALTHCHECK_ENDPOINT_DEFAULT,
  HEALTHCHECK_PORT_DEFAULT,
  LOG_LEVEL_DEFAULT,
  METRICS_PORT_DEFAULT,
  NAME_DEFAULT,
  READY_FILL_MAX_DEFAULT,
  STUN_PORT_DEFAULT,
} from './default-values.ts';
import { DURATION_FORM, parseDuration } from './durations.ts';
import { normaliseEndpointTls } from './endpoint-tls.ts';
import type { AlternateServer, GatewayConfig, HttpEndpoint, TlsConfig } from './gateway-config.ts';
import { formatHostPort, parseHostPort } from './host-ports.ts';
import { readHttpEndpoint } from './http-endpoints.ts';
import { parseLogLevels } from './log-levels.ts';
import type { FileFacts, NormaliseContext } from './normalise-context.ts';
import { readSecret } from './secrets.ts';
import { usableEntries } from './validate.ts';

type AdminConfig = GatewayConfig['admin'];
type ApiConfig = Pick<AdminConfig, 'apiEndpoint' | 'apiToken' | 'apiTls'>;

const IGNORED_KEYS = ['offload_engine', 'offload_interfaces', 'license_config'] as const;
const TOKEN_ADVISED_CHARACTERS = 16;
const UNPROTECTED =
  'would let everybody manage the gateway; set admin.api_token, require client certificates in ' +
  `admin.api_tls, or listen on loopback such as ${API_ENDPOINT_DEFAULT}`;

/** Fills in the `admin` section and checks that the admin API does not serve everybody. */
export function normaliseAdmin(
  admin: AdminSection,
  facts: FileFacts,
  context: NormaliseContext,
): AdminConfig {
  for (const key of IGNORED_KEYS) {
    if (Object.hasOwn(admin, key)) context.report.warning(['admin', key], 'is ignored', 'key');
  }
  const { metrics_endpoint: metrics = '' } = admin;
  const metricsPath = ['admin', 'metrics_endpoint'];
  return {
    name: admin.name || NAME_DEFAULT,
    logLevels: logLevelsOf(admin, context),
    logFormat: admin.log_format?.toLowerCase() === 'text' ? 'text' : 'json',
    metricsEndpoint: readHttpEndpoint(metrics, METRICS_PORT_DEFAULT, metricsPath, context),
    healthcheckEndpoint: healthcheckEndpointOf(admin, context),
    ...apiOf(admin, facts, context),
    echoEndpoint: echoEndpointOf(admin, context),
    userQuota: admin.user_quota ?? 0,
    drainTimeoutSeconds: drainTimeoutOf(admin, context),
    alternateServers: alternateServersOf(admin, context),
    readyFillMax: admin.ready_fill_max ?? READY_FILL_MAX_DEFAULT,
  };
}

function logLevelsOf(
  admin: AdminSection,
  { report }: NormaliseContext,
): Readonly<AdminConfig['logLevels']> {
  const levels = parseLogLevels(admin.loglevel ?? '');
  if (typeof levels !== 'string') return levels;
  report.problem(['admin', 'loglevel'], levels);
  return { all: LOG_LEVEL_DEFAULT };
}

function healthcheckEndpointOf(
  { healthcheck_endpoint: written }: AdminSection,
  context: NormaliseContext,
): HttpEndpoint | undefined {
  const text = written === undefined ? HEALTHCHECK_ENDPOINT_DEFAULT : (written ?? '');
  const path = ['admin', 'healthcheck_endpoint'];
  const endpoint = readHttpEndpoint(text, HEALTHCHECK_PORT_DEFAULT, path, context);
  return asDefault(endpoint, written === undefined);
}

function apiOf(admin: AdminSection, facts: FileFacts, context: NormaliseContext): ApiConfig {
  const { report } = context;
  const { api_endpoint: written } = admin;
  const text = written === undefined ? API_ENDPOINT_DEFAULT : (written ?? '');
  const apiToken = apiTokenOf(admin, context);
  if (text === '') {
    warnOfApiWithoutEndpoint(admin, context);
    return { apiEndpoint: undefined, apiToken, apiTls: undefined };
  }
  const path = ['admin', 'api_endpoint'];
  const endpoint = readHttpEndpoint(text, API_PORT_DEFAULT, path, context, 'http or https');
  if (endpoint === undefined) return { apiEndpoint: undefined, apiToken, apiTls: undefined };
  if (endpoint.path !== '/') {
    report.problem(path, 'must end after the port; the console is at / and the API at /api/v1');
  }
  const tls = { section: admin.api_tls, path: ['admin', 'api_tls'] };
  const apiTls = normaliseEndpointTls(tls, { text, path }, facts, context);
  checkProtection(endpoint, apiToken, apiTls, context);
  return { apiEndpoint: asDefault(endpoint, written === undefined), apiToken, apiTls };
}

function asDefault(
  endpoint: HttpEndpoint | undefined,
  isDefault: boolean,
): HttpEndpoint | undefined {
  return isDefault && endpoint !== undefined ? { ...endpoint, isDefault } : endpoint;
}

function apiTokenOf(admin: AdminSection, context: NormaliseContext): string | undefined {
  const { report } = context;
  const token = readSecret(admin, 'api_token', ['admin'], context);
  if (token === undefined || token.text === '') return undefined;
  if (!/^[\u0021-\u007e]+$/.test(token.text)) {
    const message = 'must be ASCII without spaces; it travels in an HTTP header (RFC 6750)';
    report.problem(token.path, message);
  } else if (token.text.length < TOKEN_ADVISED_CHARACTERS) {
    const message = `is shorter than ${TOKEN_ADVISED_CHARACTERS} characters and can be guessed`;
    report.warning(token.path, message);
  }
  return token.text;
}

function warnOfApiWithoutEndpoint(admin: AdminSection, { report }: NormaliseContext): void {
  for (const key of ['api_token', 'api_token_file', 'api_tls'] as const) {
    if (!admin[key]) continue;
    report.warning(['admin', key], 'has no effect; admin.api_endpoint is off', 'key');
  }
}

function checkProtection(
  endpoint: HttpEndpoint,
  token: string | undefined,
  tls: TlsConfig | undefined,
  { report }: NormaliseContext,
): void {
  if (token !== undefined || tls?.clientAuth === 'require' || isLoopback(endpoint.host)) return;
  const keys = ['api_token', 'api_token_file', 'api_tls'];
  if (keys.some((key) => report.hasProblemAt(['admin', key]))) return;
  report.problem(['admin', 'api_endpoint'], UNPROTECTED);
}

function echoEndpointOf(
  { echo_endpoint: text = '' }: AdminSection,
  context: NormaliseContext,
): HttpEndpoint | undefined {
  const path = ['admin', 'echo_endpoint'];
  const endpoint = readHttpEndpoint(text, ECHO_PORT_DEFAULT, path, context);
  if (endpoint?.host === '') {
    context.report.problem(path, `must name the host to ask, such as ${ECHO_ENDPOINT_DEFAULT}`);
  }
  return endpoint;
}

function drainTimeoutOf(admin: AdminSection, { report }: NormaliseContext): number {
  const longest = parseDuration(DRAIN_TIMEOUT_MAX) ?? 0;
  const written = admin.drain_timeout ?? '';
  const seconds = parseDuration(written === '' ? DRAIN_TIMEOUT_DEFAULT : written);
  if (seconds !== undefined && seconds <= longest) return seconds;
  const message = `must be ${DURATION_FORM}, at most ${DRAIN_TIMEOUT_MAX}`;
  report.problem(['admin', 'drain_timeout'], message);
  return longest;
}

function alternateServersOf(
  admin: AdminSection,
  { report }: NormaliseContext,
): readonly AlternateServer[] {
  const servers = usableEntries(admin.alternate_servers).flatMap(([index, text]) => {
    const server = parseHostPort(text, STUN_PORT_DEFAULT);
    const address = server && parseIp(server.host);
    if (server !== undefined && address !== undefined) return [{ address, port: server.port }];
    const form = '192.0.2.7:3478 or [2001:db8::7]:3478';
    const message = `must be an IP address and port such as ${form}; clients are told no names`;
    report.problem(['admin', 'alternate_servers', index], message);
    return [];
  });
  const byText = new Map(servers.map((server) => [formatAlternateServer(server), server]));
  return [...byText.values()];
}

/** Writes a server as an entry of `alternate_servers`. */
export function formatAlternateServer({ address, port }: AlternateServer): string {
  return formatHostPort({ host: address, port });
}
