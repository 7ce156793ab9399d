import type { CertificateSource } from '../config/gateway-config.ts';
import { SELF_SIGNED_DAYS } from '../limits.ts';
import { textContent, type Content } from './file-content.ts';
import type { ValueOrigin } from './kept-value.ts';
import {
  parseCertificate,
  parsePem,
  readCertificate,
  type LoadedCertificate,
} from './load-certificate.ts';
import type { CertificatePair, PemPair } from './tls-settings.ts';

/** A certificate as the store keeps it. */
export interface StoredCertificate extends LoadedCertificate {
  /** Unix milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** The file of the private key when users beside its owner and group may read it. */
  readonly exposedKeyFile: string | undefined;
}

/** The certificate of an ACME directory, and what answers its challenges. */
export interface IssuedCertificates {
  /** Undefined until the directory has issued the first one; a generated one stands in for it so long. */
  readonly certificate: PemPair | undefined;
  readonly challenges: readonly CertificatePair[];
}

const DAY_MS = 86_400_000;

/** Says where the certificate of a source is read from and how it is checked. */
export function certificateOrigin(
  source: CertificateSource,
  generated: GeneratedCertificate,
  issued: IssuedCertificates | undefined,
): ValueOrigin<StoredCertificate> {
  if (source.kind === 'acme' || source.kind === 'generated') {
    const pair = async () =>
      (source.kind === 'acme' ? issued?.certificate : undefined) ?? (await generated.current());
    return {
      read: async () => contentsOf(source.kind, await pair()),
      parse: (contents) => stored(parsePem(contents, undefined), contents),
    };
  }
  return {
    read: () => readCertificate(source),
    parse: async (contents) => stored(await parseCertificate(source, contents), contents),
  };
}

/** The certificate that is made at start, and again long before it expires. */
export class GeneratedCertificate {
  readonly #hosts: readonly string[];
  readonly #now: () => number;
  #pair: PemPair | undefined;
  #madeAt = 0;

  /**
   * @param hosts - DNS names and IP addresses that it is for.
   * @param now - Unix milliseconds.
   */
  constructor(hosts: readonly string[], now: () => number) {
    this.#hosts = hosts;
    this.#now = now;
  }

  /** The certificate of the moment. */
  async current(): Promise<PemPair> {
    const now = this.#now();
    if (this.#pair !== undefined && now - this.#madeAt < (SELF_SIGNED_DAYS / 2) * DAY_MS) {
      return this.#pair;
    }
    this.#madeAt = now;
    // Loads a library that few configurations need.
    const { createSelfSigned } = await import('./self-signed.ts');
    this.#pair = await createSelfSigned(this.#hosts, now);
    return this.#pair;
  }
}

function contentsOf(kind: string, pair: PemPair): Content[] {
  return [
    textContent(`the ${kind} certificate`, pair.certificatePem),
    textContent(`the key of the ${kind} certificate`, pair.keyPem),
  ];
}

function stored(loaded: LoadedCertificate, contents: readonly Content[]): StoredCertificate {
  const keyContent = contents.at(-1);
  return {
    ...loaded,
    notBefore: Date.parse(loaded.leaf.validFrom),
    notAfter: Date.parse(loaded.leaf.validTo),
    exposedKeyFile: keyContent?.isReadableByOthers === true ? keyContent.name : undefined,
  };
}
