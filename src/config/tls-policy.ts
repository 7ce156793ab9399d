import {
  CIPHERS_DEFAULT,
  CIPHER_SUITES_DEFAULT,
  CURVES_DEFAULT,
  TLS_VERSION_DEFAULT,
} from './default-values.ts';
import type { TlsConfig } from './gateway-config.ts';
import type { NormaliseContext } from './normalise-context.ts';
import type { Path } from './problems.ts';
import type { TlsSection } from './tls-schema.ts';

/** Which versions, ciphers and groups an endpoint speaks. */
type TlsPolicy = Pick<TlsConfig, 'minVersion' | 'ciphers' | 'cipherSuites' | 'curves'>;

const CIPHER_LIST = /^[\w+\-!@=.:, ]+$/;
const CURVE_LIST = /^[\w\-:, ]+$/;
/** What takes suites away, moves them or leaves nothing but forward secrecy with authenticated encryption. */
const STRICT_TOKEN =
  /^[!+-]|^@STRENGTH$|^@SECLEVEL=[2-5]$|^E(?:CDHE|ECDH)[+-].*(?:GCM|CCM|CHACHA20)/;

/** Fills in versions, ciphers and groups; which names exist is up to OpenSSL. */
export function normaliseTlsPolicy(
  section: TlsSection,
  path: Path,
  context: NormaliseContext,
): TlsPolicy {
  const { report } = context;
  const tokens = tokensOf(section.ciphers ?? '');
  if (section.ciphers && !CIPHER_LIST.test(section.ciphers)) {
    report.problem([...path, 'ciphers'], `must be a cipher list such as ${CIPHERS_DEFAULT}`);
  } else warnOfWeakCiphers(tokens, [...path, 'ciphers'], context);
  if (section.curves && !CURVE_LIST.test(section.curves)) {
    report.problem([...path, 'curves'], `must be names such as ${CURVES_DEFAULT}`);
  }
  return {
    minVersion: section.min_version?.endsWith('3') ? 'TLSv1.3' : TLS_VERSION_DEFAULT,
    ciphers: tokens.filter((token) => !isSuite(token)).join(':') || CIPHERS_DEFAULT,
    cipherSuites: tokens.filter(isSuite).join(':') || CIPHER_SUITES_DEFAULT,
    curves: tokensOf(section.curves ?? '').join(':') || CURVES_DEFAULT,
  };
}

function tokensOf(text: string): string[] {
  return text.split(/[:, ]+/).filter((token) => token !== '');
}

function isSuite(token: string): boolean {
  return token.startsWith('TLS_');
}

function warnOfWeakCiphers(
  tokens: readonly string[],
  path: Path,
  { report }: NormaliseContext,
): void {
  const weak = tokens.filter((token) => !isSuite(token) && !STRICT_TOKEN.test(token));
  if (weak.length === 0) return;
  const names = weak.slice(0, 5).join(', ');
  const message = `lets in suites without forward secrecy or authenticated encryption: ${names}`;
  report.warning(path, message);
}
