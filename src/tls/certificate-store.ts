import type { CertificateSource, TlsConfig } from '../config/gateway-config.ts';
import { errorText, GatewayError } from '../errors.ts';
import { TLS_CHECK_SECONDS } from '../limits.ts';
import type { LogRecord } from '../log.ts';
import {
  certificateOrigin,
  GeneratedCertificate,
  type IssuedCertificates,
} from './certificate-origin.ts';
import {
  certificateStatus,
  filesStatus,
  type FollowedCertificate,
  type StoreStatus,
} from './certificate-status.ts';
import { CertificateWarnings } from './certificate-warnings.ts';
import { clientTrustOrigin, NO_TRUST, type ClientTrust } from './client-trust.ts';
import { FileWatch } from './file-watch.ts';
import { KeptValue, type Followed } from './kept-value.ts';
import { filesOfSource } from './load-certificate.ts';
import { settingsProblem } from './node-tls.ts';
import { groupsInForce } from './policy.ts';
import { TicketKeys } from './ticket-keys.ts';
import type { CertificatePair, TlsSettings } from './tls-settings.ts';

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
  /** Called with the settings of every use when those of some have changed. */
  readonly onChange: (settings: ReadonlyMap<string, TlsSettings>) => void;
  /** Says why settings cannot be used by whoever serves the use beside node:tls; undefined: they can. */
  readonly check?: ((use: string, settings: TlsSettings) => string | undefined) | undefined;
  /** For sources of the kind `acme`; call `reload` when it has changed. */
  readonly issued?: IssuedCertificates | undefined;
  /** Unix milliseconds. */
  readonly now?: () => number;
  /** Files are read when they have been quiet for so long, milliseconds. */
  readonly quietMs?: number;
}

const QUIET_MS_DEFAULT = 100;
const NO_CHALLENGES: readonly CertificatePair[] = [];

/**
 * Holds the certificates, client authorities and ticket keys of every endpoint and follows their files. What cannot be
 * used never replaces what can. For the main thread.
 */
export class CertificateStore {
  readonly #options: CertificateStoreOptions;
  readonly #now: () => number;
  readonly #warnings: CertificateWarnings;
  readonly #generated: GeneratedCertificate;
  readonly #certificates = new Map<string, FollowedCertificate>();
  readonly #trusts = new Map<string, Followed<ClientTrust>>();
  readonly #groups = new Map<string, string>();
  readonly #ticketKeys: TicketKeys;
  #challenges = NO_CHALLENGES;
  #settings: ReadonlyMap<string, TlsSettings> = new Map();
  /** Why the latest settings of a use are not in use. */
  readonly #refusals = new Map<string, string | undefined>();
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
    this.#ticketKeys = new TicketKeys(uses.map(({ name }) => name));
    for (const use of uses) this.#follow(use);
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
      for (const { kept, uses } of this.#followed()) {
        await kept.load().catch((error: unknown) => {
          throw named(uses, error);
        });
      }
      this.#ticketKeys.renew(this.#now());
      this.#takeChallenges();
      this.#settings = this.#build();
    } catch (error) {
      await this.close();
      throw error;
    }
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
      clientTrusts: [...this.#trusts.values()].map(filesStatus),
    };
  }

  /** Follows no file any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#watch?.close();
    await this.#lastLook;
  }

  #follow({ name, config }: CertificateUse): void {
    for (const source of sourcesOf(config)) {
      const key = JSON.stringify(source);
      const certificate = this.#certificates.get(key) ?? {
        kept: new KeptValue(certificateOrigin(source, this.#generated, this.#options.issued)),
        kind: source.kind,
        files: filesOfSource(source),
        uses: [],
      };
      this.#certificates.set(key, certificate);
      if (!certificate.uses.includes(name)) certificate.uses.push(name);
    }
    const key = trustKey(config);
    if (key === undefined) return;
    const trust = this.#trusts.get(key) ?? {
      kept: new KeptValue(clientTrustOrigin(config)),
      files: [...config.clientCaFiles, ...config.clientCrlFiles],
      uses: [],
    };
    this.#trusts.set(key, trust);
    trust.uses.push(name);
  }

  #followed(): readonly Followed<unknown>[] {
    return [...this.#certificates.values(), ...this.#trusts.values()];
  }

  async #startWatch(): Promise<void> {
    const files = new Set(this.#followed().flatMap((followed) => followed.files));
    if (files.size === 0) return;
    let hasFailed = false;
    this.#watch = new FileWatch([...files], {
      quietMs: this.#options.quietMs ?? QUIET_MS_DEFAULT,
      onChange: () => void this.reload(),
      onError: (error) => {
        if (hasFailed) return;
        hasFailed = true;
        const message = `certificate files cannot be watched and are read every ${TLS_CHECK_SECONDS} seconds`;
        this.#log('warn', message, { reason: errorText(error) });
      },
    });
    await this.#watch.ready();
  }

  async #look(): Promise<void> {
    if (this.#isClosed || this.#settings.size === 0) return;
    let isChanged = this.#ticketKeys.renew(this.#now());
    for (const followed of this.#followed()) {
      if (await this.#refresh(followed)) isChanged = true;
    }
    if (this.#takeChallenges()) isChanged = true;
    this.#warn();
    if (!isChanged) return;
    this.#settings = this.#build();
    this.#passOn();
  }

  /** Whether there is something new. */
  async #refresh({ kept, files, uses }: Followed<unknown>): Promise<boolean> {
    const result = await kept.refresh();
    const fields = { files, uses };
    const reason = kept.lastError;
    if (result === 'failed') {
      const message = 'new certificate files cannot be used, what was in use stays in use';
      this.#log('warn', message, { ...fields, reason }, 'certificate.refused');
    } else if (result === 'failed-otherwise') {
      this.#log('debug', 'certificate files still cannot be used', { ...fields, reason });
    } else if (result === 'recovered') {
      this.#log('info', 'certificate files hold again what is in use', fields);
    } else if (result === 'changed') {
      this.#log('info', 'new certificates are in use', fields, 'certificate.replaced');
    }
    return result === 'changed';
  }

  #passOn(): void {
    try {
      this.#options.onChange(this.#settings);
    } catch (error) {
      this.#log('error', 'new certificates could not be passed on', { reason: errorText(error) });
    }
  }

  /** Whether they are others than before. */
  #takeChallenges(): boolean {
    const before = this.#challenges;
    this.#challenges = this.#options.issued?.challenges ?? NO_CHALLENGES;
    return this.#challenges !== before;
  }

  #build(): ReadonlyMap<string, TlsSettings> {
    return new Map(this.#options.uses.map((use) => [use.name, this.#usableSettingsOf(use)]));
  }

  /** Certificate and policy may be fine each, and not go together: then everything stays as it was. */
  #usableSettingsOf(use: CertificateUse): TlsSettings {
    const { name } = use;
    const settings = this.#settingsOf(use);
    const reason = settingsProblem(settings) ?? this.#options.check?.(name, settings);
    const before = this.#settings.get(name);
    if (reason !== undefined && before === undefined) {
      throw named([name], new GatewayError('GW_ERR_TLS_POLICY', `OpenSSL refuses it: ${reason}`));
    }
    if (reason !== undefined && reason !== this.#refusals.get(name)) {
      const message = 'a new certificate does not go with ciphers and versions, the old one stays';
      this.#log('warn', message, { uses: [name], reason });
    }
    this.#refusals.set(name, reason);
    return reason === undefined ? settings : before!;
  }

  #settingsOf({ name, config }: CertificateUse): TlsSettings {
    const key = trustKey(config);
    const trust = key === undefined ? NO_TRUST : this.#trusts.get(key)!.kept.value;
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
      clientCaPem: trust.caPem,
      clientCrlPem: trust.crlPem,
      clientIdentities: config.clientIdentities,
      ticketKeys: this.#ticketKeys.of(name),
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

  #log(
    level: LogRecord['level'],
    message: string,
    fields: LogRecord['fields'],
    event?: string,
  ): void {
    this.#options.log({ level, scope: 'tls', event, message, fields });
  }
}

function sourcesOf({ certificate, sni }: TlsConfig): readonly CertificateSource[] {
  return [certificate, ...sni.map(({ source }) => source)];
}

/** Undefined when clients are asked for no certificate. */
function trustKey({ clientAuth, clientCaFiles, clientCrlFiles }: TlsConfig): string | undefined {
  return clientAuth === 'none' ? undefined : JSON.stringify([clientCaFiles, clientCrlFiles]);
}

/** The same pair for other names; when there are none, for those of the certificate. */
function renamed(pair: CertificatePair, names: readonly string[]): CertificatePair {
  return names.length === 0 ? pair : { ...pair, names };
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
