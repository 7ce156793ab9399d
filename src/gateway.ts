import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { GatewayConfig } from './config/gateway-config.ts';
import { WORKERS_MAX } from './limits.ts';
import { IceService } from './service/ice-service.ts';
import type { Log } from './log.ts';
import type { CoreSetup, DataPlane } from './net/data-plane.ts';
import { PortablePlane } from './net/portable/portable-plane.ts';
import { ReactorPlane } from './net/reactor/reactor-plane.ts';
import { createSharedMemory } from './net/shared/shared-memory.ts';
import { policyData } from './service/policy-data.ts';
import {
  checkRelayAddresses,
  hostAddresses,
  ownAddresses,
  planListeners,
} from './service/relay-plan.ts';
import type { ClusterResolver } from './route/cluster-resolver.ts';
import { watchClusterNames } from './service/cluster-names.ts';
import { checkSupport } from './sys/libc.ts';
import { TurnService, type PolicyData } from './service/turn-service.ts';

const NONCE_KEY_BYTES = 32;

/** How a gateway runs, beyond its configuration. */
export interface GatewayOptions {
  readonly log: Log;
  /** Uses the portable data plane also where the reactor would work. */
  readonly isPortable: boolean;
}

/** A running gateway: data plane, name resolution and ICE API, owned by the main thread. */
export class Gateway {
  readonly #plane: DataPlane<PolicyData>;
  readonly #resolver: ClusterResolver;
  readonly #ice: IceService | undefined;

  private constructor(
    plane: DataPlane<PolicyData>,
    resolver: ClusterResolver,
    ice: IceService | undefined,
  ) {
    this.#plane = plane;
    this.#resolver = resolver;
    this.#ice = ice;
  }

  /**
   * Starts everything that the configuration names.
   *
   * @throws GatewayError when something cannot be had; nothing is left running then.
   */
  static async start(config: GatewayConfig, options: GatewayOptions): Promise<Gateway> {
    const host = hostAddresses();
    const own = ownAddresses(config, host);
    const listeners = planListeners(config, host);
    await checkRelayAddresses(listeners);
    const log = options.log.scope('gateway');
    reportWhatIsMissing(config, options.log);

    const plane = createPlane(config, listeners, policyData(config, own, new Map()), options);
    const ice = config.ice && new IceService(config, config.ice, options.log);
    try {
      await plane.start();
      await ice?.start();
    } catch (error) {
      await plane.stop();
      throw error;
    }
    const resolver = watchClusterNames(config, options.log, (addresses) => {
      plane.replacePolicies(policyData(config, own, addresses));
    });
    log.info(
      { mode: plane.mode, listeners: listeners.map(({ name }) => name) },
      'gateway is ready',
    );
    return new Gateway(plane, resolver, ice);
  }

  /** Ends all allocations and closes everything. */
  async stop(): Promise<void> {
    this.#resolver.close();
    await Promise.all([this.#ice?.stop(), this.#plane.stop()]);
  }
}

function reportWhatIsMissing({ admin, listeners, clusters }: GatewayConfig, log: Log): void {
  const logger = log.scope('gateway');
  if (admin.metricsEndpoint !== undefined)
    logger.info('metrics_endpoint is accepted, but this version does not serve it yet');
  if (admin.healthcheckEndpoint !== undefined) {
    logger.info('healthcheck_endpoint is accepted, but this version does not serve it yet');
  }
  const tcpClusters = new Set(
    clusters.filter(({ protocol }) => protocol === 'tcp').map(({ name }) => name),
  );
  for (const { name, routes } of listeners) {
    const unreachable = routes.filter((route) => tcpClusters.has(route));
    if (unreachable.length === 0) continue;
    logger.warn(
      { listener: name, clusters: unreachable },
      'TCP relays (RFC 6062) are not available yet: these TCP clusters cannot be reached',
    );
  }
}

function createPlane(
  config: GatewayConfig,
  listeners: ReturnType<typeof planListeners>,
  policies: PolicyData,
  { log, isPortable }: GatewayOptions,
): DataPlane<PolicyData> {
  const support = isPortable ? { supported: false as const, reason: 'asked for' } : checkSupport();
  const workers = support.supported ? workerCount(config) : 1;
  const setup = coreSetup(config, policies, workers);
  const onRecord = log.write.bind(log);
  if (support.supported) {
    log.scope('gateway').info({ workers }, 'running in reactor mode');
    const workerUrl = new URL('./relay-worker.js', import.meta.url);
    return new ReactorPlane({ workerUrl, workers, listeners, setup, onRecord });
  }
  log.scope('gateway').info({ reason: support.reason }, 'running in portable mode');
  const createCore = (core: CoreSetup<PolicyData>, isDontFragmentSupported: boolean): TurnService =>
    new TurnService(core, isDontFragmentSupported, onRecord);
  return new PortablePlane({ listeners, setup, createCore, onRecord });
}

function coreSetup(
  config: GatewayConfig,
  policies: PolicyData,
  workers: number,
): Omit<CoreSetup<PolicyData>, 'worker'> {
  const { minPort, maxPort } = config.relay;
  const { allocationsMax, allocationsPerAddressMax } = config.limits;
  const quota = {
    allocationsMax,
    allocationsPerAddressMax,
    allocationsPerUserMax: config.admin.userQuota,
  };
  return {
    memory: createSharedMemory(workers, { minPort, maxPort }, quota),
    nonceKey: randomBytes(NONCE_KEY_BYTES),
    relayPorts: { minPort, maxPort },
    quota,
    strictChannelNumbers: config.strictChannelNumbers,
    policies,
  };
}

function workerCount(config: GatewayConfig): number {
  const { workers } = config.relay;
  return workers === 'auto' ? Math.min(availableParallelism(), WORKERS_MAX) : workers;
}
