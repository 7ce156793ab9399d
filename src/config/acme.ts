import { isHostName, normaliseHostName, parseIp } from './addresses.ts';
import type { AcmeSection } from './acme-schema.ts';
import {
  ACME_DIRECTORY_DEFAULT,
  ACME_HTTP_ENDPOINT_DEFAULT,
  ACME_HTTP_PORT_DEFAULT,
  ACME_RENEW_BEFORE_DEFAULT,
  ACME_STORAGE_DEFAULT,
} from './default-values.ts';
import { DURATION_FORM, parseDuration } from './durations.ts';
import type {
  AcmeConfig,
  GatewayConfig,
  HttpEndpoint,
  ListenerConfig,
  TlsConfig,
} from './gateway-config.ts';
import { readHttpEndpoint } from './http-endpoints.ts';
import type { NormaliseContext } from './normalise-context.ts';
import { usableEntries } from './validate.ts';

/** Port that a directory connects to for TLS-ALPN-01 (RFC 8737 §3). */
const TLS_ALPN_PORT = 443;

/** What may get a certificate, and answer a challenge. */
type AcmeEndpoint = Pick<ListenerConfig, 'protocol' | 'port' | 'publicPort' | 'tls'>;

/** Fills in the `acme` section; undefined when there is a problem that leaves nothing to go on with. */
export function normaliseAcme(
  acme: AcmeSection,
  context: NormaliseContext,
): AcmeConfig | undefined {
  const { report, resolvePath } = context;
  const directory = acme.directory || ACME_DIRECTORY_DEFAULT;
  if (!isHttpsUrl(directory)) {
    report.problem(['acme', 'directory'], `must be an https URL such as ${ACME_DIRECTORY_DEFAULT}`);
  }
  if (acme.accept_terms !== true && !report.hasProblemAt(['acme', 'accept_terms'])) {
    const message = 'must be true: read the terms of service of the directory and agree to them';
    report.problem(['acme', 'accept_terms'], message);
  }
  if (acme.email && !/^[^\s@]+@[^\s@]+$/.test(acme.email)) {
    report.problem(['acme', 'email'], 'must be an e-mail address');
  }
  const httpEndpoint = readHttpEndpoint(
    acme.http_endpoint || ACME_HTTP_ENDPOINT_DEFAULT,
    ACME_HTTP_PORT_DEFAULT,
    ['acme', 'http_endpoint'],
    context,
  );
  const domains = domainsOf(acme, context);
  const renewBeforeSeconds = renewBeforeOf(acme, context);
  if (httpEndpoint === undefined) return undefined;
  return {
    directory,
    domains,
    email: acme.email || undefined,
    challenge: acme.challenge?.toLowerCase() === 'tls-alpn-01' ? 'tls-alpn-01' : 'http-01',
    httpEndpoint,
    storage: resolvePath(acme.storage || ACME_STORAGE_DEFAULT),
    caFile: acme.ca_file ? resolvePath(acme.ca_file) : undefined,
    renewBeforeSeconds,
  };
}

/** Checks that the rest of the configuration uses the `acme` section, and can answer its challenges. */
export function checkAcmeUse(config: GatewayConfig, { report }: NormaliseContext): void {
  const { acme, admin, ice, listeners } = config;
  if (acme === undefined) return;
  const endpoints: readonly AcmeEndpoint[] = [
    ...listeners,
    ...httpsEndpoint(ice?.endpoint, ice?.tls),
    ...httpsEndpoint(admin.apiEndpoint, admin.apiTls),
  ].filter(({ tls }) => tls !== undefined);
  if (!endpoints.some(({ tls }) => tls?.certificate.kind === 'acme')) {
    const message = 'has no effect; every endpoint has another certificate, or none';
    report.warning(['acme'], message, 'key');
  }
  if (acme.challenge !== 'tls-alpn-01') return;
  const streams = endpoints.filter(({ protocol }) => protocol === 'tls');
  const ports = streams.flatMap(({ port, publicPort }) => [port, publicPort]);
  if (streams.length === 0) {
    const message =
      'needs a TURN-TLS listener, an https ICE API or admin API, to answer tls-alpn-01';
    report.problem(['acme', 'challenge'], message);
  } else if (!ports.includes(TLS_ALPN_PORT)) {
    const message = `connects to port ${TLS_ALPN_PORT}, which no TURN-TLS listener has as port or public_port`;
    report.warning(['acme', 'challenge'], message);
  }
}

function httpsEndpoint(
  endpoint: HttpEndpoint | undefined,
  tls: TlsConfig | undefined,
): AcmeEndpoint[] {
  if (endpoint === undefined) return [];
  return [{ protocol: 'tls', port: endpoint.port, publicPort: undefined, tls }];
}

function domainsOf(acme: AcmeSection, { report }: NormaliseContext): readonly string[] {
  const path = ['acme', 'domains'];
  const domains = usableEntries(acme.domains).map(([index, text]) => {
    const name = normaliseHostName(text);
    if (name.startsWith('*.')) {
      const message = 'must not be a wildcard; neither http-01 nor tls-alpn-01 can prove one';
      report.problem([...path, index], message);
    } else if (!isHostName(name) || parseIp(name) !== undefined) {
      report.problem([...path, index], 'must be a DNS name such as turn.example.org');
    }
    return name;
  });
  if (domains.length === 0 && !report.hasProblemAt(path)) {
    report.problem(path, 'is missing; give the DNS names that clients connect to');
  }
  return [...new Set(domains)];
}

function renewBeforeOf(acme: AcmeSection, { report }: NormaliseContext): number {
  const seconds = parseDuration(acme.renew_before || ACME_RENEW_BEFORE_DEFAULT) ?? 0;
  if (seconds === 0)
    report.problem(['acme', 'renew_before'], `must be ${DURATION_FORM}, above zero`);
  return seconds;
}

function isHttpsUrl(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === 'https:';
}
