import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { normaliseHostName } from '../config/addresses.ts';
import type { CertificateSource } from '../config/gateway-config.ts';
import { GatewayError } from '../errors.ts';
import { certificateSubject } from './certificate-subject.ts';
import { contentError, readContent, textContent, type Content } from './file-content.ts';
import { pemBlocks, pemOf, type PemBlock } from './pem.ts';
import type { Pkcs12Content } from './pkcs12.ts';
import type { CertificatePair } from './tls-settings.ts';

/** A source that the configuration itself says all about. */
export type StaticSource = Extract<CertificateSource, { kind: 'inline' | 'files' | 'pkcs12' }>;

/** A certificate that has been read and found to fit its key. */
export interface LoadedCertificate {
  readonly pair: CertificatePair;
  /** The certificate itself, without its chain. */
  readonly leaf: X509Certificate;
}

const CERTIFICATE_LABELS = ['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE'];

/** Paths of the files of a source. */
export function filesOfSource(source: CertificateSource): readonly string[] {
  if (source.kind === 'files') return [source.certFile, source.keyFile];
  return source.kind === 'pkcs12' ? [source.file] : [];
}

/** Reads the files of a source; throws GatewayError GW_ERR_CERTIFICATE when one cannot be read. */
export async function readCertificate(source: StaticSource): Promise<readonly Content[]> {
  if (source.kind !== 'inline') return Promise.all(filesOfSource(source).map(readContent));
  return [
    textContent('the certificate in the configuration', source.certificatePem),
    textContent('the key in the configuration', source.keyPem),
  ];
}

/**
 * Checks what was read of a source; an expired certificate is let pass.
 *
 * @param contents - the chain, then the key; or a PKCS #12 file.
 * @throws GatewayError GW_ERR_CERTIFICATE with the file and the reason.
 */
export async function parseCertificate(
  { kind, passphrase }: Pick<StaticSource, 'kind' | 'passphrase'>,
  contents: readonly Content[],
): Promise<LoadedCertificate> {
  return kind === 'pkcs12' ? parsePkcs12(contents, passphrase) : parsePem(contents, passphrase);
}

/** The same for PEM alone: the chain, then the key unless it stands with the chain. */
export function parsePem(
  [first, second]: readonly Content[],
  passphrase: string | undefined,
): LoadedCertificate {
  if (first === undefined) throw new RangeError('there is nothing to parse');
  const chain = certificatesIn(first);
  return fitTogether(chain, first, privateKeyIn(second ?? first, passphrase), second ?? first);
}

/** All certificates of a PEM text; throws GatewayError GW_ERR_CERTIFICATE when there is none or one is damaged. */
export function certificatesIn(content: Content): readonly X509Certificate[] {
  const blocks = blocksIn(content).filter(({ label }) => CERTIFICATE_LABELS.includes(label));
  if (blocks.length === 0) throw contentError(content, 'holds no certificate');
  return blocks.map(({ text }, index) => {
    try {
      return new X509Certificate(text);
    } catch (error) {
      throw contentError(content, `certificate ${index + 1} of the file is damaged`, error);
    }
  });
}

/** The blocks of a PEM text; throws GatewayError GW_ERR_CERTIFICATE when there is none. */
export function blocksIn(content: Content): readonly PemBlock[] {
  const blocks = wholeBlocksIn(content);
  if (blocks.length > 0) return blocks;
  const isEmpty = content.bytes.length === 0;
  throw contentError(content, isEmpty ? 'is empty' : 'holds neither PEM nor base64 of PEM');
}

function wholeBlocksIn(content: Content): readonly PemBlock[] {
  try {
    return pemBlocks(content.bytes);
  } catch (error) {
    throw contentError(content, 'is cut off', error);
  }
}

function privateKeyIn(content: Content, passphrase: string | undefined): KeyObject {
  const block = blocksIn(content).find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (block === undefined) throw contentError(content, 'holds no private key');
  const isEncrypted =
    block.label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: 4,ENCRYPTED/m.test(block.text);
  if (isEncrypted && !passphrase)
    throw contentError(content, 'the key is encrypted, give its passphrase');
  try {
    return createPrivateKey(isEncrypted ? { key: block.text, passphrase } : block.text);
  } catch (error) {
    const reason = isEncrypted ? 'the passphrase does not open the key' : 'the key is damaged';
    throw contentError(content, reason, error);
  }
}

async function parsePkcs12(
  [content]: readonly Content[],
  passphrase: string | undefined,
): Promise<LoadedCertificate> {
  if (content === undefined) throw new RangeError('there is nothing to parse');
  if (content.bytes.length === 0) throw contentError(content, 'is empty');
  const { certificates, keys } = await pkcs12In(content, passphrase);
  const [keyDer] = keys;
  if (keyDer === undefined) throw contentError(content, 'holds no private key');
  if (certificates.length === 0) throw contentError(content, 'holds no certificate');
  try {
    const key = createPrivateKey({ key: keyDer, format: 'der', type: 'pkcs8' });
    const all = certificates.map((der) => new X509Certificate(der));
    const leaf = all.find((certificate) => certificate.checkPrivateKey(key));
    return fitTogether(leaf ? chainFrom(leaf, all) : all, content, key, content);
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw contentError(content, 'its certificate or key is damaged', error);
  }
}

async function pkcs12In(content: Content, passphrase: string | undefined): Promise<Pkcs12Content> {
  // Loads a library that few configurations need.
  const { openPkcs12 } = await import('./pkcs12.ts');
  try {
    return openPkcs12(content.bytes, passphrase);
  } catch (error) {
    const isPassphrase = error instanceof Error && /password/i.test(error.message);
    const reason = isPassphrase ? 'the passphrase does not open it' : 'is no PKCS #12 file';
    throw contentError(content, reason, error);
  }
}

function chainFrom(leaf: X509Certificate, all: readonly X509Certificate[]): X509Certificate[] {
  const chain = [leaf];
  for (let last: X509Certificate | undefined = leaf; last !== undefined;) {
    const issued: X509Certificate = last;
    last = all.find((other) => !chain.includes(other) && issued.checkIssued(other));
    if (last !== undefined) chain.push(last);
  }
  return chain;
}

function fitTogether(
  chain: readonly X509Certificate[],
  chainContent: Content,
  key: KeyObject,
  keyContent: Content,
): LoadedCertificate {
  const [leaf] = chain;
  if (leaf === undefined) throw contentError(chainContent, 'holds no certificate');
  if (!leaf.checkPrivateKey(key)) {
    throw contentError(
      keyContent,
      `the key does not belong to the certificate in ${chainContent.name}`,
    );
  }
  const certificatePem = chain.map(pemOf).join('');
  const keyPem = String(key.export({ type: 'pkcs8', format: 'pem' }));
  try {
    createSecureContext({ cert: certificatePem, key: keyPem });
  } catch (error) {
    throw contentError(chainContent, 'OpenSSL refuses the certificate', error);
  }
  return { pair: { certificatePem, keyPem, names: namesOf(leaf) }, leaf };
}

function namesOf(leaf: X509Certificate): readonly string[] {
  const subject = certificateSubject(leaf.raw);
  const alternative = subject.alternativeNames('dns');
  const names = alternative.length > 0 ? alternative : subject.attribute('CN');
  return [...new Set(names.map(normaliseHostName))];
}
