import 'reflect-metadata';
import { createSecureContext } from 'node:tls';
import { PemConverter, X509Certificate as CertificateFields, X509Crl } from '@peculiar/x509';
import { errorText, GatewayError } from '../errors.ts';
import type { ClientTrust } from './client-trust.ts';
import { contentError, type Content } from './file-content.ts';
import { blocksIn, certificatesIn } from './load-certificate.ts';
import { pemOf } from './pem.ts';

/**
 * Checks what was read of client authorities and revocation lists.
 *
 * @throws GatewayError GW_ERR_CERTIFICATE with the file and the reason.
 */
export function parseClientTrust(
  caContents: readonly Content[],
  crlContents: readonly Content[],
): ClientTrust {
  const authorities = caContents.flatMap(certificatesIn);
  const lists = crlContents.flatMap(revocationListsIn);
  const caPem = authorities.map(pemOf).join('');
  const crlPems = lists.map(({ text }) => text);
  refuseUnlessUsable(caPem, crlPems);
  const issuers = new Set(lists.map(({ list }) => list.issuer));
  const subjects = authorities.map(
    ({ raw }) => new CertificateFields(Uint8Array.from(raw)).subject,
  );
  return {
    caPem,
    crlPem: crlPems.join(''),
    listsValidUntil: Math.min(...lists.map(({ list }) => Number(list.nextUpdate ?? Infinity))),
    authoritiesWithoutList:
      lists.length === 0 ? [] : subjects.filter((subject) => !issuers.has(subject)),
  };
}

function revocationListsIn(content: Content): { list: X509Crl; text: string }[] {
  const blocks = blocksIn(content).filter(({ label }) => label === 'X509 CRL');
  if (blocks.length === 0) throw contentError(content, 'holds no revocation list');
  return blocks.map(({ text }, index) => {
    try {
      return { list: new X509Crl(PemConverter.decodeFirst(text)), text };
    } catch (error) {
      throw contentError(content, `revocation list ${index + 1} of the file is damaged`, error);
    }
  });
}

function refuseUnlessUsable(ca: string, crl: readonly string[]): void {
  try {
    createSecureContext(crl.length === 0 ? { ca } : { ca, crl: [...crl] });
  } catch (error) {
    const detail = `OpenSSL refuses the client authorities or their revocation lists (${errorText(error)})`;
    throw new GatewayError('GW_ERR_CERTIFICATE', detail, { cause: error });
  }
}
