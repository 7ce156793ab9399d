import { certificateOf, type Placed } from './certificates.ts';
import type { TlsConfig } from './gateway-config.ts';
import { isHttps } from './http-endpoints.ts';
import type { FileFacts, NormaliseContext } from './normalise-context.ts';
import { formatPath, type Path } from './problems.ts';
import { normaliseTls } from './tls.ts';
import type { TlsSection } from './tls-schema.ts';

/**
 * Fills in how an HTTP endpoint speaks HTTPS.
 *
 * @param tls - its TLS section, which only an https URL may have.
 * @param endpoint - its URL as written.
 * @returns undefined for plain HTTP.
 */
export function normaliseEndpointTls(
  tls: Placed<TlsSection | undefined>,
  endpoint: { readonly text: string; readonly path: Path },
  facts: FileFacts,
  context: NormaliseContext,
): TlsConfig | undefined {
  const { path } = tls;
  if (!isHttps(endpoint.text)) {
    if (tls.section !== undefined) {
      const message = `needs ${formatPath(endpoint.path)} to be an https URL`;
      context.report.problem(path, message, 'key');
    }
    return undefined;
  }
  const section = tls.section ?? {};
  const protocolKey = String(endpoint.path.at(-1));
  const owner = { section: {}, path: endpoint.path.slice(0, -1), protocolKey };
  const certificate = certificateOf({ section, path }, owner, facts, context);
  return normaliseTls(section, certificate, path, context);
}
