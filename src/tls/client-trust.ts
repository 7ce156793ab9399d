import 'reflect-metadata';
import { createSecureContext } from 'node:tls';
import { PemConverter, X509Certificate as CertificateFields, X509Crl } from '@peculiar/x509';
import type { TlsConfig } from '../config/gateway-config.ts';
import { errorText, GatewayError } from '../errors.ts';
import { contentError, readContent, type Content } from './file-content.ts';
import type { ValueOrigin } from './kept-value.ts';
import { blocksIn, certificatesIn } from './load-certificate.ts';
import { pemOf } from './pem.ts';

/** What client certificates are verified with. */
export interface ClientTrust {
  /** PEM of the authorities. */
  readonly caPem: string;
  /** PEM of the revocation lists; empty without any. */
  readonly crlPem: string;
  /** When the first of the lists is out of date, Unix milliseconds; infinite without any. */
  readonly listsValidUntil: number;
  /** Subjects of authorities that have no list although others have one: all their clients are refused. */
  readonly authoritiesWithoutList: readonly string[];
}

type TrustFiles = Pick<TlsConfig, 'clientCaFiles' | 'clientCrlFiles'>;

/** What client certificates are verified with when none is asked for. */
export const NO_TRUST: ClientTrust = {
  caPem: '',
  crlPem: '',
  listsValidUntil: Infinity,
  authoritiesWithoutList: [],
};

/** Reads the authorities and revocation lists; throws GatewayError GW_ERR_CERTIFICATE with the file and the reason. */
export function clientTrustOrigin({
  clientCaFiles,
  clientCrlFiles,
}: TrustFiles): ValueOrigin<ClientTrust> {
  const paths = [...clientCaFiles, ...clientCrlFiles];
  return {
    read: () => Promise.all(paths.map(readContent)),
    parse: (contents) =>
      parseTrust(contents.slice(0, clientCaFiles.length), contents.slice(clientCaFiles.length)),
  };
}

function parseTrust(caContents: readonly Content[], crlContents: readonly Content[]): ClientTrust {
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
