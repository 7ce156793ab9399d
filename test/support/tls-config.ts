import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { CertificateSource, TlsConfig } from '../../src/config/gateway-config.ts';
import {
  CIPHERS_DEFAULT,
  CIPHER_SUITES_DEFAULT,
  CURVES_DEFAULT,
} from '../../src/config/default-values.ts';
import type { LogRecord } from '../../src/log.ts';
import type { TlsSettings } from '../../src/tls/tls-settings.ts';

/** How an endpoint speaks TLS by default, with a certificate. */
export function tlsConfig(
  certificate: CertificateSource,
  overrides: Partial<TlsConfig> = {},
): TlsConfig {
  return {
    certificate,
    sni: [],
    minVersion: 'TLSv1.2',
    ciphers: CIPHERS_DEFAULT,
    cipherSuites: CIPHER_SUITES_DEFAULT,
    curves: CURVES_DEFAULT,
    clientAuth: 'none',
    clientCaFiles: [],
    clientCrlFiles: [],
    clientIdentities: [],
    ...overrides,
  };
}

const PATIENCE_MS = 30_000;

/** Hears what a certificate store says and passes on, and lets a test wait for it. */
export class StoreObserver {
  readonly records: LogRecord[] = [];
  /** All that was passed on, in its order. */
  readonly passedOn: ReadonlyMap<string, TlsSettings>[] = [];
  /** How many settings had a certificate with the key of another. */
  brokenSettings = 0;
  #wake: () => void = () => undefined;

  /** For the `log` option. */
  readonly log = (record: LogRecord): void => {
    this.records.push(record);
    this.#wake();
  };

  /** For the `onChange` option. */
  readonly onChange = (settings: ReadonlyMap<string, TlsSettings>): void => {
    this.passedOn.push(settings);
    const pairs = [...settings.values()].flatMap(({ certificates }) => certificates);
    this.brokenSettings += pairs.filter((pair) => !isWhole(pair)).length;
    this.#wake();
  };

  /** Messages at a level so far. */
  messages(level: LogRecord['level']): string[] {
    return this.records.filter((record) => record.level === level).map(({ message }) => message);
  }

  /** Resolves once something holds, which is looked at whenever the store has said something. */
  async until(holds: () => boolean): Promise<void> {
    // Also keeps the process alive, which watches and timers of the store do not.
    const deadline = setTimeout(() => this.#wake(), PATIENCE_MS);
    const end = Date.now() + PATIENCE_MS;
    while (!holds()) {
      if (Date.now() >= end) throw new Error('the store has not done what the test waits for');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    clearTimeout(deadline);
  }
}

function isWhole({ certificatePem, keyPem }: { certificatePem: string; keyPem: string }): boolean {
  return new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem));
}
