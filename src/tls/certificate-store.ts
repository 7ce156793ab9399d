import { randomBytes } from 'node:crypto';
import type { CertificateSource, TlsConfig } from '../config/gateway-config.ts';
import { GatewayError } from '../errors.ts';
import { TLS_CHECK_SECONDS, TLS_TICKET_KEYS_SECONDS } from '../limits.ts';
import type { LogRecord } from '../log.ts';
import {
  certificateOrigin,
  GeneratedCertificate,
  type IssuedCertificates,
  type StoredCertificate,
} from './certificate-origin.ts';
import { certificateStatus, trustStatus, type StoreStatus } from './certificate-status.ts';
import { CertificateWarnings } from './certificate-warnings.ts';
import { clientTrustOrigin, NO_TRUST, type ClientTrust } from './client-trust.ts';
import { FileWatch } from './file-watch.ts';
import { KeptValue } from './kept-value.ts';
import { filesOfSource } from './load-certificate.ts';
import { groupsInForce } from './policy.ts';
import { normaliseServerName } from './server-name.ts';
import { TICKET_KEYS_BYTES, type CertificatePair, type TlsSettings } from './tls-settings.ts';

/** An endpoint that speaks TLS or DTLS. */
export interface CertificateUse {
  /** Name of the listener, or `ice`. */
  readonly name: string;
  readonly config: TlsConfig;
  /** DNS names and IP addresses that clients reach it by, for a certificate that is made here. */
  readonly hosts?: readonly string[];
}

/** What a store is made from. */
export interface CertificateStoreOptions {
  /** Names are unique. */
  readonly uses: readonly CertificateUse[];
  readonly log: (record: LogRecord) => void;
  /** Called with the settings of every use when those of some have changed; the others are the same objects. */
  readonly onChange: (settings: ReadonlyMap<string, TlsSettings>) => void;
  /** For sources of the kind `acme`; call `reload` when it has changed. */
  readonly issued?: IssuedCertificates | undefined;
  /** Unix milliseconds. */
  readonly now?: () => number;
  /** Files are read when they have been quiet for so long, milliseconds. */
  readonly quietMs?: number;
}

const QUIET_MS_DEFAULT = 100;
const NO_CHALLENGES: readonly CertificatePair[] = [];

/** Files and what is made from them, with the endpoints that use it. */
interface Slot<T> {
  readonly kept: KeptValue<T>;
  readonly files: readonly string[];
  readonly uses: string[];
}

/** A certificate in the store. */
interface CertificateSlot extends Slot<StoredCertificate> {
  readonly kind: CertificateSource['kind'];
}

/**
 * Holds the certificates, client authorities and ticket keys of every endpoint and follows their files. What cannot be
 * used never replaces what can. For the main thread.
 */
export class CertificateStore {
  readonly #options: CertificateStoreOptions;
  readonly #now: () => number;
  readonly #warnings: CertificateWarnings;
  readonly #generated: GeneratedCertificate;
  readonly #certificates = new Map<string, CertificateSlot>();
  readonly #trusts = new Map<string, Slot<ClientTrust>>();
  readonly #groups = new Map<string, string>();
  readonly #ticketKeys = new Map<string, Uint8Array>();
  #ticketKeysMadeAt = 0;
  #challenges = NO_CHALLENGES;
  #settings: ReadonlyMap<string, TlsSettings> = new Map();
  #watch: FileWatch | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Looks at the files happen one after the other. */
  #lastLook: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** Reads nothing yet. */
  constructor(options: CertificateStoreOptions) {
    const { uses, log, now = Date.now } = options;
    this.#options = options;
    this.#now = now;
    this.#warnings = new CertificateWarnings(log);
    this.#generated = new GeneratedCertificate(
      [...new Set(uses.flatMap(({ hosts }) => hosts ?? []))],
      now,
    );
    for (const use of uses) this.#addSlots(use);
  }

  /**
   * Reads everything and begins to follow the files.
   *
   * @throws GatewayError GW_ERR_CERTIFICATE or GW_ERR_TLS_POLICY, naming the endpoint; nothing is followed then.
   */
  async load(): Promise<ReadonlyMap<string, TlsSettings>> {
    try {
      for (const { name, config } of this.#options.uses)
        this.#groups.set(name, groupsOf(name, config));
      await this.#startWatch();
      for (const { kept, uses } of this.#slots()) {
        await kept.load().catch((error: unknown) => {
          throw named(uses, error);
        });
      }
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#renewTicketKeys();
    this.#challenges = this.#options.issued?.challenges ?? NO_CHALLENGES;
    this.#settings = this.#build(() => true);
    this.#warn();
    this.#timer = setInterval(() => void this.reload(), TLS_CHECK_SECONDS * 1000).unref();
    return this.#settings;
  }

  /** Settings by name of use; empty before `load`. */
  get settings(): ReadonlyMap<string, TlsSettings> {
    return this.#settings;
  }

  /** Reads all files again, as after a signal; resolves once changes have been passed on. Never rejects. */
  async reload(): Promise<void> {
    this.#lastLook = this.#lastLook.then(() => this.#look());
    return this.#lastLook;
  }

  /** What is in use, for metrics and status pages; only after `load`. */
  status(): StoreStatus {
    return {
      certificates: [...this.#certificates.values()].map(certificateStatus),
      clientTrusts: [...this.#trusts.values()].map(trustStatus),
    };
  }

  /** Follows no file any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#watch?.close();
    await this.#lastLook;
  }

  #addSlots({ name, config }: CertificateUse): void {
    for (const source of sourcesOf(config)) {
      const key = JSON.stringify(source);
      const slot = this.#certificates.get(key) ?? {
        kept: new KeptValue(certificateOrigin(source, this.#generated, this.#options.issued)),
        kind: source.kind,
        files: filesOfSource(source),
        uses: [],
      };
      this.#certificates.set(key, slot);
      if (!slot.uses.includes(name)) slot.uses.push(name);
    }
    if (config.clientAuth === 'none') return;
    const key = trustKey(config);
    const slot = this.#trusts.get(key) ?? {
      kept: new KeptValue(clientTrustOrigin(config)),
      files: [...config.clientCaFiles, ...config.clientCrlFiles],
      uses: [],
    };
    this.#trusts.set(key, slot);
    slot.uses.push(name);
  }

  #slots(): readonly Slot<StoredCertificate | ClientTrust>[] {
    return [...this.#certificates.values(), ...this.#trusts.values()];
  }

  async #startWatch(): Promise<void> {
    const files = new Set(this.#slots().flatMap((slot) => slot.files));
    if (files.size === 0) return;
    let hasFailed = false;
    this.#watch = new FileWatch([...files], {
      quietMs: this.#options.quietMs ?? QUIET_MS_DEFAULT,
      onChange: () => void this.reload(),
      onError: (error) => {
        if (hasFailed) return;
        hasFailed = true;
        const message = `certificate files cannot be watched and are read every ${TLS_CHECK_SECONDS} seconds`;
        this.#log('warn', message, { reason: reasonOf(error) });
      },
    });
    await this.#watch.ready();
  }

  async #look(): Promise<void> {
    if (this.#isClosed || this.#settings.size === 0) return;
    const changed = new Set<string>();
    for (const slot of this.#slots()) {
      if (await this.#refresh(slot)) for (const use of slot.uses) changed.add(use);
    }
    const challenges = this.#options.issued?.challenges ?? NO_CHALLENGES;
    const isForAll = challenges !== this.#challenges || this.#areTicketKeysOld();
    this.#challenges = challenges;
    if (this.#areTicketKeysOld()) this.#renewTicketKeys();
    this.#warn();
    if (!isForAll && changed.size === 0) return;
    this.#settings = this.#build((name) => isForAll || changed.has(name));
    this.#passOn();
  }

  /** Whether there is something new. */
  async #refresh(slot: Slot<StoredCertificate | ClientTrust>): Promise<boolean> {
    const { kept, files, uses } = slot;
    const result = await kept.refresh();
    const fields = { files, uses };
    const reason = kept.lastError;
    if (result === 'failed') {
      this.#log('warn', 'new certificate files cannot be used, what was in use stays in use', {
        ...fields,
        reason,
      });
    } else if (result === 'failed-otherwise') {
      this.#log('debug', 'certificate files still cannot be used', { ...fields, reason });
    } else if (result === 'recovered') {
      this.#log('info', 'certificate files hold again what is in use', fields);
    } else if (result === 'changed') {
      this.#log('info', 'new certificates are in use', fields);
    }
    return result === 'changed';
  }

  #passOn(): void {
    try {
      this.#options.onChange(this.#settings);
    } catch (error) {
      this.#log('error', 'new certificates could not be passed on', { reason: reasonOf(error) });
    }
  }

  #areTicketKeysOld(): boolean {
    return this.#now() - this.#ticketKeysMadeAt >= TLS_TICKET_KEYS_SECONDS * 1000;
  }

  /** Every use has its own: a session of one listener must not get past the client authentication of another. */
  #renewTicketKeys(): void {
    this.#ticketKeysMadeAt = this.#now();
    for (const { name } of this.#options.uses) {
      this.#ticketKeys.set(name, Uint8Array.from(randomBytes(TICKET_KEYS_BYTES)));
    }
  }

  #build(isNew: (name: string) => boolean): ReadonlyMap<string, TlsSettings> {
    return new Map(
      this.#options.uses.map((use) => [
        use.name,
        (isNew(use.name) ? undefined : this.#settings.get(use.name)) ?? this.#settingsOf(use),
      ]),
    );
  }

  #settingsOf({ name, config }: CertificateUse): TlsSettings {
    const trust = this.#trusts.get(trustKey(config))?.kept.value ?? NO_TRUST;
    const pairOf = (source: CertificateSource): CertificatePair =>
      this.#certificates.get(JSON.stringify(source))!.kept.value.pair;
    return {
      certificates: [
        pairOf(config.certificate),
        ...config.sni.map(({ names, source }) => renamed(pairOf(source), names)),
      ],
      minVersion: config.minVersion,
      ciphers: config.ciphers,
      cipherSuites: config.cipherSuites,
      curves: this.#groups.get(name)!,
      clientAuth: config.clientAuth,
      clientCaPem: config.clientAuth === 'none' ? '' : trust.caPem,
      clientCrlPem: config.clientAuth === 'none' ? '' : trust.crlPem,
      clientIdentities: config.clientIdentities,
      ticketKeys: this.#ticketKeys.get(name)!,
      challenges: this.#challenges,
    };
  }

  #warn(): void {
    const now = this.#now();
    for (const { kept, uses, kind } of this.#certificates.values()) {
      this.#warnings.lookAtCertificate(kept.value, uses, now);
      if (kind === 'generated') this.#warnings.tellOfGenerated(uses);
    }
    for (const { kept, files } of this.#trusts.values()) {
      this.#warnings.lookAtTrust(kept.value, files, now);
    }
  }

  #log(level: LogRecord['level'], message: string, fields: LogRecord['fields']): void {
    this.#options.log({ level, scope: 'tls', message, fields });
  }
}

function sourcesOf({ certificate, sni }: TlsConfig): readonly CertificateSource[] {
  return [certificate, ...sni.map(({ source }) => source)];
}

function trustKey({ clientCaFiles, clientCrlFiles }: TlsConfig): string {
  return JSON.stringify([clientCaFiles, clientCrlFiles]);
}

function renamed(pair: CertificatePair, names: readonly string[]): CertificatePair {
  return names.length === 0 ? pair : { ...pair, names: names.map(normaliseServerName) };
}

function groupsOf(name: string, config: TlsConfig): string {
  try {
    return groupsInForce(config);
  } catch (error) {
    throw named([name], error);
  }
}

/** Puts the names of the endpoints before an error of theirs. */
function named(uses: readonly string[], error: unknown): unknown {
  if (!(error instanceof GatewayError)) return error;
  const names = uses.map((name) => `"${name}"`).join(', ');
  return new GatewayError(error.code, `TLS of ${names}: ${error.message}`, { cause: error });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
