import { isDeepStrictEqual } from 'node:util';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { planReload, type ConfigChange } from '../config/plan.ts';
import { GatewayError } from '../errors.ts';
import type { Log, LogRecord } from '../log.ts';
import type { DataPlane, ListenerPlan } from '../net/data-plane.ts';
import type { SerialQueue } from '../net/shared/serial-queue.ts';
import type { ClusterResolver } from '../route/cluster-resolver.ts';
import { hostNamesOf } from '../route/resolved-endpoints.ts';
import type { AddressDiscovery } from './address-discovery.ts';
import { certifiedParts, CertificateService, type ListenerCheck } from './certificate-service.ts';
import type { HttpEndpoints, PlannedEndpoint, PreparedEndpoints } from './http-endpoints.ts';
import type { PolicyStore } from './policy-store.ts';
import { checkRelayAddresses, hostAddresses, planListeners } from './relay-plan.ts';
import type { PolicyData } from './turn-service.ts';

/** What a configuration is put in force with. */
export interface ConfigInForceParts {
  readonly log: Log;
  readonly onRecord: (record: LogRecord) => void;
  readonly check: ListenerCheck | undefined;
  readonly plane: DataPlane<PolicyData>;
  readonly workers: number;
  readonly policies: PolicyStore;
  readonly discovery: AddressDiscovery;
  readonly resolver: ClusterResolver;
  readonly http: HttpEndpoints;
  /** Everything that changes the configuration waits here for its turn. */
  readonly queue: SerialQueue;
  readonly planEndpoints: (
    config: GatewayConfig,
    certificates: CertificateService,
  ) => PlannedEndpoint[];
}

/** What would change with a configuration. */
export interface PlannedReload {
  /** The configuration with what it stands for on this host. */
  readonly next: GatewayConfig;
  readonly changes: readonly ConfigChange[];
}

/** The configuration that a gateway runs with, and the way from one to the next. */
export class ConfigInForce {
  readonly #parts: ConfigInForceParts;
  /** As it is written, with nothing filled in that was found out. */
  #written: GatewayConfig;
  #current: GatewayConfig;
  #certificates: CertificateService;
  #isClosed = false;

  constructor(
    parts: ConfigInForceParts,
    written: GatewayConfig,
    current: GatewayConfig,
    certificates: CertificateService,
  ) {
    this.#parts = parts;
    this.#written = written;
    this.#current = current;
    this.#certificates = certificates;
  }

  get current(): GatewayConfig {
    return this.#current;
  }

  get certificates(): CertificateService {
    return this.#certificates;
  }

  /** Opens the HTTP endpoints, and follows certificates and public addresses from now on. */
  async open(): Promise<void> {
    const { discovery, http, planEndpoints, queue } = this.#parts;
    const endpoints = await http.prepare(planEndpoints(this.#current, this.#certificates));
    await endpoints.commit();
    this.#certificates.start(() => this.#replaceTls());
    // An address that cannot be used is tried again.
    discovery.onChange(() => queue.run(() => this.#apply(discovery.resolve(this.#written))));
  }

  /** Says what a configuration stands for and would change; throws GatewayError GW_ERR_RELAY_ADDRESS. */
  async plan(written: GatewayConfig): Promise<PlannedReload> {
    const { discovery, workers } = this.#parts;
    await discovery.learn(written);
    const next = discovery.resolve(written);
    return { next, changes: planReload(this.#current, next, workers) };
  }

  /** Puts a planned configuration in force; throws GatewayError, and everything is as before then. */
  apply(next: GatewayConfig): Promise<void> {
    return this.#apply(next);
  }

  /** A configuration was read, and what it stands for is in force: its public addresses are followed. */
  follow(written: GatewayConfig): void {
    this.#written = written;
    this.#parts.discovery.follow(written);
  }

  /** Changes nothing any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** What may fail comes first, so that nothing has to be taken back which clients have seen. */
  async #apply(asked: GatewayConfig): Promise<void> {
    const { log, plane, policies, resolver } = this.#parts;
    const before = this.#current;
    // The number of workers stays until the next start.
    const next = { ...asked, relay: { ...asked.relay, workers: before.relay.workers } };
    const listeners = planListeners(next, hostAddresses());
    if (!isDeepStrictEqual(next.relay, before.relay)) await checkRelayAddresses(listeners);
    const certificates = await this.#certificatesFor(next);
    const endpoints = await this.#openSockets(next, listeners, certificates);
    this.#current = next;
    policies.replaceConfig(next);
    plane.replaceLimits(next.limits);
    resolver.watch(hostNamesOf(next.clusters));
    // Levels that an operator has set meanwhile stay as long as the file says nothing new.
    if (!isDeepStrictEqual(next.admin.logLevels, before.admin.logLevels)) {
      log.setLevels(next.admin.logLevels);
    }
    log.setFormat(next.admin.logFormat);
    await endpoints.commit();
    await this.#replaceCertificates(certificates);
  }

  async #openSockets(
    next: GatewayConfig,
    listeners: readonly ListenerPlan[],
    certificates: CertificateService,
  ): Promise<PreparedEndpoints> {
    const { plane, policies, http, planEndpoints } = this.#parts;
    let endpoints: PreparedEndpoints | undefined;
    try {
      this.#assertOpen();
      endpoints = await http.prepare(planEndpoints(next, certificates));
      this.#assertOpen();
      policies.announce(next);
      await plane.replaceListeners(listeners, certificates.ofListeners);
      this.#assertOpen();
      return endpoints;
    } catch (error) {
      await endpoints?.rollBack();
      if (certificates !== this.#certificates) await certificates.stop();
      throw error;
    }
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new GatewayError('GW_ERR_USAGE', 'the gateway is stopping');
  }

  /** The certificates in use, when the configuration asks for the same. */
  async #certificatesFor(next: GatewayConfig): Promise<CertificateService> {
    if (isDeepStrictEqual(certifiedParts(next), certifiedParts(this.#current))) {
      return this.#certificates;
    }
    const { log, check, onRecord } = this.#parts;
    return CertificateService.load(next, log, check, onRecord);
  }

  async #replaceCertificates(certificates: CertificateService): Promise<void> {
    if (certificates === this.#certificates) return;
    const old = this.#certificates;
    this.#certificates = certificates;
    try {
      await old.stop();
    } finally {
      certificates.start(() => this.#replaceTls());
    }
  }

  #replaceTls(): void {
    const { plane, http, log } = this.#parts;
    try {
      plane.replaceTls(this.#certificates.ofListeners);
      http.replaceTls('ice', this.#certificates.ofIce);
      http.replaceTls('api', this.#certificates.ofApi);
    } catch (error) {
      log.scope('tls').error({ err: error }, 'new certificates cannot be used');
    }
  }
}
