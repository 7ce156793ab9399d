import type { GatewayConfig } from './config/gateway-config.ts';
import type { Log, LogRecord } from './log.ts';
import { Statistics } from './metrics/statistics.ts';
import { SerialQueue } from './net/shared/serial-queue.ts';
import { relayWorkerUrl } from './own-files.ts';
import type { ClusterResolver } from './route/cluster-resolver.ts';
import { AddressDiscovery } from './service/address-discovery.ts';
import { CertificateService, type ListenerCheck } from './service/certificate-service.ts';
import { watchClusterNames } from './service/cluster-names.ts';
import { ConfigInForce } from './service/config-in-force.ts';
import {
  checkForReactor,
  createDataPlane,
  reactorSupport,
  type CreatedDataPlane,
} from './service/create-data-plane.ts';
import { waitUntilEmpty } from './service/drain.ts';
import { EventHub } from './service/event-hub.ts';
import { GatewayView, type GatewayState } from './service/gateway-view.ts';
import { HttpEndpoints } from './service/http-endpoints.ts';
import { OperatorControl } from './service/operator-control.ts';
import { planEndpoints } from './service/plan-endpoints.ts';
import { PolicyStore } from './service/policy-store.ts';
import { checkRelayAddresses, hostAddresses, planListeners } from './service/relay-plan.ts';
import { Reloader, type ConfigSource, type SourcedConfig } from './service/reloader.ts';
import { SharedRuns } from './service/shared-runs.ts';
import { reportUnreachable } from './service/unreachable-clusters.ts';
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
export class Gateway {
  readonly #parts: GatewayParts;
  readonly #inForce: ConfigInForce;
  readonly #reloader: Reloader;
  readonly #reloads = new SharedRuns();
  readonly #resolver: ClusterResolver;
  readonly #http: HttpEndpoints;
  readonly #view: GatewayView;
  readonly #abort = new AbortController();
  #state: GatewayState = 'running';

  private constructor(parts: GatewayParts) {
    const { options, onRecord, check, created, policies, discovery, source, loaded } = parts;
    const { log, version } = options;
    const queue = new SerialQueue();
    this.#parts = parts;
    this.#http = new HttpEndpoints(log);
    this.#resolver = watchClusterNames(parts.config, log, (addresses) =>
      policies.replaceAddresses(addresses),
    );
    this.#inForce = new ConfigInForce(
      {
        log,
        onRecord,
        check,
        plane: created.plane,
        workers: created.workers,
        policies,
        discovery,
        resolver: this.#resolver,
        http: this.#http,
        queue,
        planEndpoints: (config, certificates) =>
          planEndpoints({ config, certificates, view: this.#view, control, log }),
      },
      loaded.config,
      parts.config,
      parts.certificates,
    );
    this.#reloader = new Reloader(source, loaded.files, this.#inForce, queue, onRecord);
    this.#view = new GatewayView({
      version,
      created,
      policies,
      statistics: new Statistics(created.memory.statistics),
      reloader: this.#reloader,
      resolver: this.#resolver,
      log,
      now: () => ({
        config: this.#inForce.current,
        state: this.#state,
        certificates: this.#inForce.certificates.status(),
      }),
    });
    const control = new OperatorControl({
      view: this.#view,
      log,
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
      const created = await createDataPlane({
        config,
        listeners,
        certificates,
        policies: policies.current,
        support,
        workerUrl: relayWorkerUrl(),
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

  /** False when the loop of a worker has stood still for too long. */
  get isAlive(): boolean {
    return this.#view.isAlive;
  }

  /** Accepts no new allocations; live ones go on. */
  drain(): void {
    if (this.#state !== 'running') return;
    this.#setState('draining');
    this.#parts.policies.setDraining(true);
  }

  /** Accepts allocations again; false when it is too late, since the gateway stops. */
  undrain(): boolean {
    if (this.#state === 'stopping') return false;
    if (this.#state === 'draining') this.#setState('running');
    this.#parts.policies.setDraining(false);
    return true;
  }

  /** Reads configuration and certificates again; signals may come faster than that can be done. */
  reload(trigger: string): Promise<void> {
    return this.#reloads.run(async () => {
      await this.#reloader.reload(trigger);
      await this.#inForce.certificates.reload();
    });
  }

  /** Drains, waits for the live allocations as long as the configuration says, and stops. */
  async drainAndStop(): Promise<void> {
    this.drain();
    this.#setState('stopping');
    const count = (): number => this.#view.allocations;
    const { drainTimeoutSeconds } = this.#inForce.current.admin;
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
    this.#inForce.close();
    this.#parts.discovery.stop();
    // First of all, so that a reload that waits for a worker ends as well.
    await this.#parts.created.plane.stop();
    await this.#reloader.stop();
    this.#resolver.close();
    await this.#inForce.certificates.stop();
    await this.#http.stop();
  }

  /** Opens the sockets, and closes all of them again when one cannot be had. */
  async #open(): Promise<void> {
    const { policies, created } = this.#parts;
    const { plane } = created;
    try {
      policies.follow((changed) => plane.replacePolicies(changed));
      await plane.start();
      await this.#inForce.open();
      await this.#reloader.follow();
    } catch (error) {
      await this.#reloader.stop();
      this.#resolver.close();
      await this.#http.stop();
      await plane.stop();
      throw error;
    }
    const listeners = this.#inForce.current.listeners.map(({ name }) => name);
    this.#report('gateway is ready', { mode: plane.mode, listeners });
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
