import { isDeepStrictEqual } from 'node:util';
import type { GatewayConfig } from './config/gateway-config.ts';
import { planReload } from './config/plan.ts';
import { EventHub } from './http/events/event-hub.ts';
import type { Log, LogRecord } from './log.ts';
import { Statistics } from './metrics/statistics.ts';
import type { DataPlane } from './net/data-plane.ts';
import type { ClusterResolver } from './route/cluster-resolver.ts';
import { hostNamesOf } from './route/resolved-endpoints.ts';
import { AddressDiscovery } from './service/address-discovery.ts';
import {
  certifiedParts,
  CertificateService,
  type ListenerCheck,
} from './service/certificate-service.ts';
import { watchClusterNames } from './service/cluster-names.ts';
import type { ConfigSource, SourcedConfig } from './service/config-source.ts';
import {
  checkForReactor,
  createDataPlane,
  reactorSupport,
  type CreatedDataPlane,
} from './service/create-data-plane.ts';
import { waitUntilEmpty } from './service/drain.ts';
import { HttpEndpoints, type PreparedEndpoints } from './service/http-endpoints.ts';
import { GatewayView, type GatewayState } from './service/gateway-view.ts';
import { OperatorControl } from './service/operator-control.ts';
import { planEndpoints } from './service/planned-endpoints.ts';
import { PolicyStore } from './service/policy-store.ts';
import { checkRelayAddresses, hostAddresses, planListeners } from './service/relay-plan.ts';
import { Reloader, type PlannedReload, type Reloadable } from './service/reloader.ts';
import { SerialQueue } from './service/serial-queue.ts';
import { reportUnreachable } from './service/unreachable-clusters.ts';
import type { PolicyData } from './service/turn-service.ts';
import type { Support } from './sys/libc.ts';

/** How a gateway runs, beyond its configuration. */
export interface GatewayOptions {
  readonly log: Log;
  /** Uses the portable data plane also where the reactor would work. */
  readonly isPortable: boolean;
  /** Of the package. */
  readonly version: string;
}

/** What a gateway is put together from. */
interface GatewayParts {
  readonly options: GatewayOptions;
  readonly onRecord: (record: LogRecord) => void;
  readonly events: EventHub;
  readonly check: ListenerCheck | undefined;
  readonly created: CreatedDataPlane;
  readonly policies: PolicyStore;
  readonly discovery: AddressDiscovery;
  readonly certificates: CertificateService;
  readonly source: ConfigSource;
  readonly loaded: SourcedConfig;
  readonly config: GatewayConfig;
}

/** A running gateway: data plane, certificates, name resolution and HTTP endpoints, owned by the main thread. */
export class Gateway implements Reloadable {
  readonly #view: GatewayView;
  readonly #control: OperatorControl;
  readonly #parts: GatewayParts;
  readonly #plane: DataPlane<PolicyData>;
  readonly #resolver: ClusterResolver;
  readonly #http: HttpEndpoints;
  readonly #reloader: Reloader;
  readonly #changes = new SerialQueue();
  readonly #abort = new AbortController();
  /** As it is written, with nothing filled in that was found out. */
  #written: GatewayConfig;
  #config: GatewayConfig;
  #certificates: CertificateService;
  #state: GatewayState = 'running';

  private constructor(parts: GatewayParts) {
    const { options, onRecord, created, policies, source, loaded } = parts;
    this.#parts = parts;
    this.#plane = created.plane;
    this.#written = loaded.config;
    this.#config = parts.config;
    this.#certificates = parts.certificates;
    this.#http = new HttpEndpoints(options.log);
    this.#reloader = new Reloader(source, loaded.files, this, onRecord);
    this.#resolver = watchClusterNames(parts.config, options.log, (addresses) =>
      policies.replaceAddresses(addresses),
    );
    this.#view = new GatewayView({
      version: options.version,
      created,
      policies,
      statistics: new Statistics(created.memory.statistics),
      reloader: this.#reloader,
      now: () => ({
        config: this.#config,
        state: this.#state,
        certificates: this.#certificates.status(),
      }),
    });
    this.#control = new OperatorControl({
      view: this.#view,
      log: options.log,
      events: parts.events,
      reloader: this.#reloader,
      drain: () => this.drain(),
      undrain: () => this.undrain(),
    });
  }

  /**
   * Starts everything that the configuration names.
   *
   * @throws GatewayError when something cannot be had; nothing is left running then.
   */
  static async start(source: ConfigSource, options: GatewayOptions): Promise<Gateway> {
    const { log } = options;
    const loaded = source.load();
    const discovery = await AddressDiscovery.start(loaded.config, log);
    let certificates: CertificateService | undefined;
    try {
      const config = discovery.resolve(loaded.config);
      reportUnreachable(config, log);
      const listeners = planListeners(config, hostAddresses());
      await checkRelayAddresses(listeners);
      const events = new EventHub();
      const onRecord = recorder(log, events);
      const support = reactorSupport(config, options.isPortable);
      const check = support.supported ? checkForReactor : undefined;
      certificates = await CertificateService.load(config, log, check, onRecord);
      const policies = new PolicyStore(config);
      const created = createDataPlane({
        config,
        listeners,
        certificates,
        policies: policies.current,
        support,
        workerUrl: new URL('./relay-worker.js', import.meta.url),
        onRecord,
      });
      reportMode(log, created, support);
      const parts = { options, onRecord, events, check, created, policies, discovery };
      const gateway = new Gateway({ ...parts, certificates, source, loaded, config });
      await gateway.#open();
      return gateway;
    } catch (error) {
      await certificates?.stop();
      discovery.stop();
      throw error;
    }
  }

  get config(): GatewayConfig {
    return this.#config;
  }

  /** Accepts no new allocations; live ones go on. */
  drain(): void {
    if (this.#state !== 'running') return;
    this.#setState('draining');
    this.#parts.policies.setDraining(true);
  }

  /** Accepts allocations again. */
  undrain(): void {
    if (this.#state !== 'draining') return;
    this.#setState('running');
    this.#parts.policies.setDraining(false);
  }

  /** Reads configuration and certificates again. */
  async reload(trigger: string): Promise<void> {
    await this.#reloader.reload({ isDryRun: false, trigger });
    await this.#certificates.reload();
  }

  /** Drains, waits for the live allocations as long as the configuration says, and stops. */
  async drainAndStop(): Promise<void> {
    this.drain();
    this.#setState('stopping');
    const count = (): number => this.#view.allocations;
    const { drainTimeoutSeconds } = this.#config.admin;
    if (count() > 0) {
      const fields = { allocations: count(), drainTimeoutSeconds };
      this.#report('waiting for live allocations; a second signal stops at once', fields);
    }
    await waitUntilEmpty(count, drainTimeoutSeconds, this.#abort.signal);
    await this.stop();
  }

  /** Ends all allocations and closes everything. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#reloader.stop();
    this.#resolver.close();
    this.#parts.discovery.stop();
    await this.#certificates.stop();
    await this.#plane.stop();
    await this.#http.stop();
  }

  async plan(written: GatewayConfig): Promise<PlannedReload> {
    const { discovery } = this.#parts;
    await discovery.learn(written);
    const next = discovery.resolve(written);
    return { next, plan: planReload(this.#config, next, this.#parts.created.workers) };
  }

  async apply(next: GatewayConfig, written: GatewayConfig): Promise<void> {
    await this.#changes.run(() => this.#apply(next));
    this.#written = written;
    this.#parts.discovery.follow(written);
  }

  /** Opens the sockets, and closes all of them again when one cannot be had. */
  async #open(): Promise<void> {
    const { policies, discovery } = this.#parts;
    try {
      policies.follow((changed) => this.#plane.replacePolicies(changed));
      await this.#plane.start();
      const endpoints = await this.#prepareEndpoints(this.#config, this.#certificates);
      await endpoints.commit();
      this.#certificates.start(() => this.#replaceTls());
      discovery.onChange(() => void this.#rediscover());
      await this.#reloader.follow();
    } catch (error) {
      this.#resolver.close();
      await this.#http.stop();
      await this.#plane.stop();
      throw error;
    }
    const listeners = this.#config.listeners.map(({ name }) => name);
    this.#report('gateway is ready', { mode: this.#plane.mode, listeners });
  }

  /** What may fail comes first, so that nothing has to be taken back which clients have seen. */
  async #apply(asked: GatewayConfig): Promise<void> {
    const { policies, options } = this.#parts;
    const { workers } = this.#config.relay;
    const next = { ...asked, relay: { ...asked.relay, workers } };
    const listeners = planListeners(next, hostAddresses());
    if (!isDeepStrictEqual(next.relay, this.#config.relay)) await checkRelayAddresses(listeners);
    const certificates = await this.#certificatesFor(next);
    try {
      const endpoints = await this.#prepareEndpoints(next, certificates);
      try {
        policies.announce(next);
        await this.#plane.replaceListeners(listeners, certificates.ofListeners);
      } catch (error) {
        await endpoints.rollBack();
        throw error;
      }
      await this.#replaceCertificates(certificates);
      this.#config = next;
      policies.replaceConfig(next);
      this.#plane.replaceLimits(next.limits);
      this.#resolver.watch(hostNamesOf(next.clusters));
      options.log.setLevels(next.admin.logLevels);
      await endpoints.commit();
    } catch (error) {
      if (certificates !== this.#certificates) await certificates.stop();
      throw error;
    }
    this.#replaceTls();
  }

  #prepareEndpoints(
    config: GatewayConfig,
    certificates: CertificateService,
  ): Promise<PreparedEndpoints> {
    const { log } = this.#parts.options;
    const subject = { config, certificates, view: this.#view, control: this.#control, log };
    return this.#http.prepare(planEndpoints(subject));
  }

  /** The certificates in use, when the configuration asks for the same. */
  async #certificatesFor(next: GatewayConfig): Promise<CertificateService> {
    if (isDeepStrictEqual(certifiedParts(next), certifiedParts(this.#config))) {
      return this.#certificates;
    }
    const { options, check, onRecord } = this.#parts;
    return CertificateService.load(next, options.log, check, onRecord);
  }

  async #replaceCertificates(certificates: CertificateService): Promise<void> {
    if (certificates === this.#certificates) return;
    const old = this.#certificates;
    this.#certificates = certificates;
    await old.stop();
    certificates.start(() => this.#replaceTls());
  }

  #replaceTls(): void {
    this.#plane.replaceTls(this.#certificates.ofListeners);
    this.#http.replaceTls('ice', this.#certificates.ofIce);
    this.#http.replaceTls('api', this.#certificates.ofApi);
  }

  /** The public address has changed. */
  async #rediscover(): Promise<void> {
    const { discovery } = this.#parts;
    await this.#changes
      .run(() => this.#apply(discovery.resolve(this.#written)))
      .catch((error) => {
        this.#parts.options.log
          .scope('gateway')
          .error({ err: error }, 'the public address is kept');
      });
  }

  #setState(state: GatewayState): void {
    this.#state = state;
    const event = `gateway.${state}`;
    this.#parts.onRecord({ level: 'info', scope: 'gateway', event, message: state, fields: {} });
  }

  #report(message: string, fields: LogRecord['fields']): void {
    this.#parts.onRecord({ level: 'info', scope: 'gateway', message, fields });
  }
}

/** Writes records to the log, and tells those that are events to whoever follows. */
function recorder(log: Log, events: EventHub): (record: LogRecord) => void {
  return (record) => {
    log.write(record);
    if (record.event !== undefined) events.publish({ type: record.event, data: record.fields });
  };
}

function reportMode(log: Log, { workers }: CreatedDataPlane, support: Support): void {
  const logger = log.scope('gateway');
  if (support.supported) logger.info({ workers }, 'running in reactor mode');
  else logger.info({ reason: support.reason }, 'running in portable mode');
}
