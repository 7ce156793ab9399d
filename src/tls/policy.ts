import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsConfig } from '../config/gateway-config.ts';
import { GatewayError } from '../errors.ts';

/** Post-quantum groups that an older OpenSSL may lack; any other unknown name is a mistake. */
const RECENT_GROUPS =
  /^(?:X25519MLKEM768|X448MLKEM1024|SecP256r1MLKEM768|SecP384r1MLKEM1024|MLKEM\d+)$/i;

/**
 * Checks the versions, ciphers and groups of an endpoint against the OpenSSL of this Node.js.
 *
 * @returns the key exchange groups without those that it is too old for.
 * @throws GatewayError GW_ERR_TLS_POLICY naming the item that it does not know.
 */
export function groupsInForce({
  ciphers,
  cipherSuites,
  curves,
}: Pick<TlsConfig, 'ciphers' | 'cipherSuites' | 'curves'>): string {
  for (const suite of itemsOf(cipherSuites)) {
    const isSuite = suite.startsWith('TLS_') && isKnown({ ciphers: suite });
    if (!isSuite) throw unknownItem('cipher suite', suite);
  }
  for (const cipher of itemsOf(ciphers)) {
    // What is only taken out or moved to the end may be unknown.
    if (/^[!+-]/.test(cipher)) continue;
    const list = cipher.startsWith('@') ? `ECDHE+AESGCM:${cipher}` : cipher;
    if (!isKnown({ ciphers: list })) throw unknownItem('cipher', cipher);
  }
  if (!isKnown({ ciphers: nodeCiphers({ ciphers, cipherSuites }) })) {
    throw unknownItem('cipher list', ciphers);
  }
  const groups = itemsOf(curves).filter((group) => {
    const isUsable = isKnown({ ecdhCurve: group });
    if (!isUsable && !RECENT_GROUPS.test(group)) throw unknownItem('group', group);
    return isUsable;
  });
  if (groups.length === 0) throw unknownItem('group', curves);
  return groups.join(':');
}

/** The list that Node.js takes in place of suites and ciphers. */
export function nodeCiphers({
  ciphers,
  cipherSuites,
}: Pick<TlsConfig, 'ciphers' | 'cipherSuites'>): string {
  return [cipherSuites, ciphers].filter((list) => list !== '').join(':');
}

function itemsOf(list: string): string[] {
  return list.split(/[:, ]+/).filter((item) => item !== '');
}

function isKnown(options: SecureContextOptions): boolean {
  try {
    createSecureContext(options);
    return true;
  } catch {
    return false;
  }
}

function unknownItem(what: string, item: string): GatewayError {
  const openssl = `OpenSSL ${process.versions.openssl}`;
  return new GatewayError('GW_ERR_TLS_POLICY', `${what} "${item}" is not known to ${openssl}`);
}
