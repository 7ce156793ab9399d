import { isHostName, normaliseHostName } from './addresses.ts';
import { sniCertificateOf } from './certificates.ts';
import { normaliseClientAuth } from './client-certificates.ts';
import type { CertificateSource, SniCertificate, TlsConfig } from './gateway-config.ts';
import type { NormaliseContext } from './normalise-context.ts';
import type { Path } from './problems.ts';
import { normaliseTlsPolicy } from './tls-policy.ts';
import type { TlsSection } from './tls-schema.ts';
import { usableEntries } from './validate.ts';

/**
 * Fills in a `tls` section.
 *
 * @param certificate - for clients that name no server.
 * @param path - path of the section.
 * @returns the settings without client identities, which only listeners have.
 */
export function normaliseTls(
  section: TlsSection,
  certificate: CertificateSource,
  path: Path,
  context: NormaliseContext,
): TlsConfig {
  return {
    certificate,
    sni: sniOf(section, path, context),
    ...normaliseTlsPolicy(section, path, context),
    ...normaliseClientAuth(section, path, context),
    clientIdentities: [],
  };
}

function sniOf(
  { sni }: TlsSection,
  path: Path,
  context: NormaliseContext,
): readonly SniCertificate[] {
  const seen = new Set<string>();
  return usableEntries(sni).flatMap(([index, entry]) => {
    const entryPath = [...path, 'sni', index];
    const source = sniCertificateOf({ section: entry, path: entryPath }, context);
    const names = namesOf(entry.names, [...entryPath, 'names'], seen, context);
    return source === undefined ? [] : [{ names, source }];
  });
}

function namesOf(
  texts: readonly string[] | undefined,
  path: Path,
  seen: Set<string>,
  { report }: NormaliseContext,
): readonly string[] {
  return usableEntries(texts).map(([index, text]) => {
    const name = normaliseHostName(text);
    if (!isServerName(name)) {
      const message = 'must be a DNS name such as turn.example.org or *.example.org';
      report.problem([...path, index], message);
    } else if (seen.has(name)) {
      report.problem([...path, index], 'has a certificate already');
    }
    seen.add(name);
    return name;
  });
}

/** RFC 6066 §3: no addresses; RFC 6125 §6.4.3: a wildcard is the whole first label. */
function isServerName(name: string): boolean {
  return isHostName(name.replace(/^\*\./, ''));
}
