import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AcmeConfig } from '../config/gateway-config.ts';
import { Deadline } from '../deadline.ts';
import { errorText, GatewayError } from '../errors.ts';
import { ACME_ORDER_SECONDS_MAX } from '../limits.ts';
import type { Log } from '../log.ts';
import type { IssuedCertificates } from '../tls/certificate-origin.ts';
import type { CertificatePair } from '../tls/tls-settings.ts';
import { loadAcmeLibrary, setTransport, type AcmeLibrary } from './acme-library.ts';
import { AcmeStorage } from './acme-storage.ts';
import type { ServeAnswers } from './challenge-answer.ts';
import { serveHttpAnswers } from './http-challenge.ts';
import {
  formatIssuedCertificate,
  isFor,
  readIssuedCertificate,
  type IssuedCertificate,
} from './issued-certificate.ts';
import { orderCertificate } from './order.ts';
import { checkDelay, renewalTime, retryDelay } from './renewal-times.ts';
import { serveTlsAnswers } from './tls-challenge.ts';

/** The time as ACME sees it; a test has its own. */
export interface AcmeClock {
  /** Unix milliseconds. */
  now(): number;
  /** Waits; rejects when the signal is aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** What ACME is run with. */
export interface AcmeOptions {
  readonly log: Log;
  readonly clock?: AcmeClock | undefined;
  /** Stands in for the import of acme-client in tests. */
  readonly load?: (() => Promise<AcmeLibrary>) | undefined;
}

/** The certificate of an ACME directory (RFC 8555): kept, ordered and renewed. */
export class AcmeService implements IssuedCertificates {
  readonly #config: AcmeConfig;
  readonly #log: ReturnType<Log['scope']>;
  readonly #clock: AcmeClock;
  readonly #library: AcmeLibrary;
  readonly #storage: AcmeStorage;
  readonly #accountKey: string;
  readonly #caPem: string | undefined;
  readonly #stopped = new AbortController();
  #onChange: () => void | Promise<void> = () => undefined;
  #certificate: IssuedCertificate | undefined;
  #challenges: readonly CertificatePair[] = [];
  #failures = 0;
  #lastReason: string | undefined;
  #running: Promise<void> | undefined;

  private constructor(config: AcmeConfig, { log, clock }: AcmeOptions, parts: Parts) {
    this.#config = config;
    this.#log = log.scope('acme');
    this.#clock = clock ?? SYSTEM_CLOCK;
    this.#library = parts.library;
    this.#storage = parts.storage;
    this.#accountKey = parts.accountKey;
    this.#caPem = parts.caPem;
    this.#certificate = this.#usable(parts.kept);
  }

  /**
   * Reads what is kept; asks the directory for nothing yet.
   *
   * @throws GatewayError GW_ERR_ACME when the package is missing, or when a file or folder cannot be used.
   */
  static async open(config: AcmeConfig, options: AcmeOptions): Promise<AcmeService> {
    const library = await loadAcmeLibrary(options.load);
    const storage = await AcmeStorage.open(config.storage, config.directory);
    const accountKey = await storage.accountKey();
    const caPem = await readAuthorities(config.caFile);
    const kept = await storage.readCertificate();
    return new AcmeService(config, options, { library, storage, accountKey, caPem, kept });
  }

  /** The certificate to serve; undefined until the directory has issued the first one. */
  get certificate(): CertificatePair | undefined {
    return this.#certificate;
  }

  /** Certificates that answer TLS-ALPN-01 challenges while an order runs. */
  get challenges(): readonly CertificatePair[] {
    return this.#challenges;
  }

  /**
   * Begins to order and renew.
   *
   * @param onChange - called after `certificate` or `challenges` has changed; the directory is told to look at the
   *   challenges once what it returns has resolved.
   */
  start(onChange: () => void | Promise<void>): void {
    this.#onChange = onChange;
    this.#reportStart();
    this.#running ??= this.#run(this.#stopped.signal);
  }

  /** Ends an order under way and the server of its answers. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const delay = this.#isDue() ? await this.#order(signal) : this.#checkDelay();
      if (signal.aborted) return;
      await this.#clock.sleep(delay, signal).catch(() => undefined);
    }
  }

  #isDue(): boolean {
    const certificate = this.#certificate;
    if (certificate === undefined || !isFor(certificate, this.#config.domains)) return true;
    return this.#clock.now() >= renewalTime(certificate, this.#config.renewBeforeSeconds);
  }

  #checkDelay(): number {
    const renewal =
      this.#certificate && renewalTime(this.#certificate, this.#config.renewBeforeSeconds);
    return checkDelay(renewal ?? 0, this.#clock.now(), randomFraction());
  }

  /** Orders a certificate; returns milliseconds until the next look. */
  async #order(stopped: AbortSignal): Promise<number> {
    const deadline = new Deadline(stopped, ACME_ORDER_SECONDS_MAX * 1000);
    const { domains, directory } = this.#config;
    if (this.#failures === 0) this.#log.info({ domains, directory }, 'ordering a certificate');
    try {
      await this.#take(await this.#place(deadline.signal));
      return this.#checkDelay();
    } catch (error) {
      const late = `not finished within ${ACME_ORDER_SECONDS_MAX} seconds`;
      return stopped.aborted ? 0 : this.#failed(deadline.isOver ? late : reasonOf(error));
    } finally {
      deadline.end();
    }
  }

  async #place(signal: AbortSignal): Promise<IssuedCertificate> {
    setTransport(this.#library, this.#caPem, signal);
    const pair = await orderCertificate({
      library: this.#library,
      accountKey: this.#accountKey,
      config: this.#config,
      serveAnswers: this.#answerServer(),
      signal,
    });
    const issued = readIssuedCertificate(formatIssuedCertificate(pair));
    if (isFor(issued, this.#config.domains)) return issued;
    throw new Error(`the directory issued a certificate for ${issued.names.join(', ')}`);
  }

  #answerServer(): ServeAnswers {
    if (this.#config.challenge === 'http-01') return serveHttpAnswers(this.#config.httpEndpoint);
    return serveTlsAnswers(async (challenges) => {
      this.#challenges = challenges;
      await this.#onChange();
    });
  }

  async #take(issued: IssuedCertificate): Promise<void> {
    this.#certificate = issued;
    this.#failures = 0;
    this.#lastReason = undefined;
    this.#log.info(describe(issued), 'the directory has issued a certificate');
    // One that cannot be kept is served all the same: to order another would not make room on the disk.
    await this.#storage.writeCertificate(formatIssuedCertificate(issued)).catch((error) => {
      this.#log.error({ reason: reasonOf(error) }, 'the new certificate is not kept');
    });
    await this.#onChange();
  }

  #failed(reason: string): number {
    this.#failures += 1;
    const delay = retryDelay(this.#failures, randomFraction());
    const level = this.#levelOf(reason);
    this.#lastReason = reason;
    const fields = { reason, failures: this.#failures, retryInSeconds: Math.round(delay / 1000) };
    this.#log[level](fields, 'no certificate from the directory, trying again later');
    return delay;
  }

  /** Loud when something is new, and louder when what is served does not hold any more. */
  #levelOf(reason: string): 'debug' | 'warn' | 'error' {
    if (reason === this.#lastReason) return 'debug';
    return (this.#certificate?.validTo ?? 0) > this.#clock.now() ? 'warn' : 'error';
  }

  #usable(kept: string | undefined): IssuedCertificate | undefined {
    if (kept === undefined) return undefined;
    try {
      const certificate = readIssuedCertificate(kept);
      return certificate.validTo > this.#clock.now() ? certificate : undefined;
    } catch (error) {
      const fields = { reason: reasonOf(error) };
      this.#log.warn(fields, 'the certificate that was kept is damaged, a new one is ordered');
      return undefined;
    }
  }

  #reportStart(): void {
    if (this.#certificate !== undefined) {
      this.#log.info(describe(this.#certificate), 'serving the certificate that was kept');
      return;
    }
    this.#log.warn(
      'no certificate yet: until the directory issues one, clients get a generated one that they cannot trust',
    );
  }
}

interface Parts {
  readonly library: AcmeLibrary;
  readonly storage: AcmeStorage;
  readonly accountKey: string;
  readonly caPem: string | undefined;
  readonly kept: string | undefined;
}

const SYSTEM_CLOCK: AcmeClock = {
  now: () => Date.now(),
  sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }),
};

async function readAuthorities(caFile: string | undefined): Promise<string | undefined> {
  if (caFile === undefined) return undefined;
  try {
    return await readFile(caFile, 'utf8');
  } catch (error) {
    const detail = `acme.ca_file cannot be read: ${reasonOf(error)}`;
    throw new GatewayError('GW_ERR_ACME', detail, { cause: error });
  }
}

function describe({ names, validTo }: IssuedCertificate): object {
  return { domains: names, expires: new Date(validTo).toISOString() };
}

/** Characters of a reason that the log takes; the directory wrote some of them. */
const REASON_LENGTH_MAX = 500;

function reasonOf(error: unknown): string {
  return errorText(error).slice(0, REASON_LENGTH_MAX);
}

/** From 0 to 1. */
function randomFraction(): number {
  return randomInt(1001) / 1000;
}
