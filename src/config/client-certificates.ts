import { ICE_USER_ID_BYTES_MAX } from '../limits.ts';
import { parseSubject } from './certificate-subjects.ts';
import type { ClientAuth, ClientIdentity, TlsConfig } from './gateway-config.ts';
import type { NormaliseContext } from './normalise-context.ts';
import type { Path } from './problems.ts';
import { checkRoutes } from './routes.ts';
import type { IdentityEntry, TlsSection } from './tls-schema.ts';
import { usableEntries } from './validate.ts';

const CLIENT_AUTHS: readonly ClientAuth[] = ['none', 'request', 'require'];
const SUBJECT_FORM =
  'CN=alice, O=Example,OU=edge, DNS:edge.example.org, URI:spiffe://example.org/edge or *';

/** Fills in whether clients need a certificate and who vouches for it. */
export function normaliseClientAuth(
  section: TlsSection,
  path: Path,
  context: NormaliseContext,
): Pick<TlsConfig, 'clientAuth' | 'clientCaFiles' | 'clientCrlFiles'> {
  const { report } = context;
  const clientCaFiles = filesOf(section, 'client_ca_file', path, context);
  const clientCrlFiles = filesOf(section, 'client_crl_file', path, context);
  const word = section.client_auth?.toLowerCase();
  const inferred = clientCaFiles.length > 0 ? 'require' : 'none';
  const clientAuth = CLIENT_AUTHS.find((known) => known === word) ?? inferred;
  if (clientAuth !== 'none' && clientCaFiles.length === 0) {
    const message = 'needs client_ca_file, the authorities that client certificates come from';
    report.problem([...path, 'client_auth'], message);
  }
  if (clientAuth === 'none') {
    const unused = { client_ca_file: clientCaFiles, client_crl_file: clientCrlFiles };
    for (const [key, files] of Object.entries(unused)) {
      if (files.length === 0) continue;
      report.warning([...path, key], 'has no effect; no client is asked for a certificate', 'key');
    }
  }
  return { clientAuth, clientCaFiles, clientCrlFiles };
}

/**
 * Fills in what client certificates stand for.
 *
 * @param path - path of the list.
 */
export function normaliseIdentities(
  entries: readonly IdentityEntry[] | undefined,
  clientAuth: ClientAuth,
  path: Path,
  clusterNames: ReadonlySet<string>,
  context: NormaliseContext,
): readonly ClientIdentity[] {
  const usable = usableEntries(entries);
  if (usable.length > 0 && clientAuth === 'none') {
    context.report.problem(path, 'needs client_auth, request or require', 'key');
  }
  return usable.map(([index, entry]) => {
    const { routes } = entry;
    const subject = subjectOf(entry.subject, [...path, index, 'subject'], context);
    const userId = userIdOf(entry.user, [...path, index, 'user'], context);
    const routesPath = [...path, index, 'routes'];
    return {
      subject,
      userId,
      routes: routes && checkRoutes(routes, clusterNames, routesPath, context),
    };
  });
}

function filesOf(
  section: TlsSection,
  key: 'client_ca_file' | 'client_crl_file',
  path: Path,
  { report, resolvePath }: NormaliseContext,
): readonly string[] {
  const value = section[key];
  if (!Array.isArray(value)) return value ? [resolvePath(value)] : [];
  for (const [index, file] of value.entries()) {
    if (file === '') report.problem([...path, key, index], 'must be the path of a file');
  }
  return [...new Set(value.map((file) => resolvePath(file)))];
}

function subjectOf(text: string, path: Path, { report }: NormaliseContext): string {
  if (parseSubject(text) === undefined) report.problem(path, `must be such as ${SUBJECT_FORM}`);
  return text;
}

function userIdOf(
  text: string | undefined,
  path: Path,
  { report }: NormaliseContext,
): string | undefined {
  if (!text) return undefined;
  if (/[{}]/.test(text.replaceAll('{CN}', ''))) {
    report.problem(path, 'may have {CN} in it, the common name, and no other braces');
  } else if (Buffer.byteLength(text) > ICE_USER_ID_BYTES_MAX) {
    report.problem(path, `must be at most ${ICE_USER_ID_BYTES_MAX} bytes`);
  }
  return text;
}
