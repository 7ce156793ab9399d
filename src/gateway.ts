import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { GatewayConfig, ListenerConfig } from './config/gateway-config.ts';
import { WORKERS_MAX } from './limits.ts';
import { IceService } from './service/ice-service.ts';
import type { Log } from './log.ts';
import type { CoreSetup, DataPlane, ListenerPlan } from './net/data-plane.ts';
import { PortablePlane } from './net/portable/portable-plane.ts';
import { ReactorPlane } from './net/reactor/reactor-plane.ts';
import { secureContextProblem } from './net/reactor/secure/secure-context.ts';
import { createSharedMemory } from './net/shared/shared-memory.ts';
import { CertificateService } from './service/certificate-service.ts';
import { policyData } from './service/policy-data.ts';
import {
  checkRelayAddresses,
  hostAddresses,
  ownAddresses,
  planListeners,
} from './service/relay-plan.ts';
import { watchClusterNames } from './service/cluster-names.ts';
import { checkSupport, type Support } from './sys/libc.ts';
import { checkOpenSsl } from './sys/openssl.ts';
import { TurnService, type PolicyData } from './service/turn-service.ts';
import type { TlsSettings } from './tls/tls-settings.ts';

const NONCE_KEY_BYTES = 32;

/** How a gateway runs, beyond its configuration. */
export interface GatewayOptions {
  readonly log: Log;
  /** Uses the portable data plane also where the reactor would work. */
  readonly isPortable: boolean;
}

/** A running gateway: data plane, certificates, name resolution and ICE API, owned by the main thread. */
export class Gateway {
  readonly #certificates: CertificateService;
  /** In the order of their start. */
  readonly #parts: readonly GatewayPart[];

  private constructor(certificates: CertificateService, parts: readonly GatewayPart[]) {
    this.#certificates = certificates;
    this.#parts = parts;
  }

  /**
   * Starts everything that the configuration names.
   *
   * @throws GatewayError when something cannot be had; nothing is left running then.
   */
  static async start(config: GatewayConfig, options: GatewayOptions): Promise<Gateway> {
    const host = hostAddresses();
    const listeners = planListeners(config, host);
    await checkRelayAddresses(listeners);
    const log = options.log.scope('gateway');
    reportWhatIsMissing(config, options.log);

    const parts: GatewayPart[] = [];
    try {
      const support = options.isPortable ? ASKED_FOR : checkReactorSupport(config);
      const check = support.supported ? reactorProblem : undefined;
      const certificates = await CertificateService.load(config, options.log, check);
      parts.push(certificates);
      const own = ownAddresses(config, host);
      const policies = policyData(config, own, new Map());
      const plane = createPlane(config, listeners, certificates, policies, support, options.log);
      parts.push(plane);
      await plane.start();
      const ice = config.ice && new IceService(config, config.ice, options.log, certificates.ofIce);
      if (ice !== undefined) parts.push(ice);
      await ice?.start();
      certificates.start(() => {
        plane.replaceTls(certificates.ofListeners);
        ice?.replaceTls(certificates.ofIce);
      });
      const resolver = watchClusterNames(config, options.log, (addresses) => {
        plane.replacePolicies(policyData(config, own, addresses));
      });
      parts.push({ stop: async () => resolver.close() });
      const names = listeners.map(({ name }) => name);
      log.info({ mode: plane.mode, listeners: names }, 'gateway is ready');
      return new Gateway(certificates, parts);
    } catch (error) {
      await stopAll(parts);
      throw error;
    }
  }

  /** Reads all certificate files again; live connections stay. */
  async reloadCertificates(): Promise<void> {
    await this.#certificates.reload();
  }

  /** Ends all allocations and closes everything. */
  async stop(): Promise<void> {
    await stopAll(this.#parts);
  }
}

interface GatewayPart {
  stop(): Promise<void>;
}

async function stopAll(parts: readonly GatewayPart[]): Promise<void> {
  for (const part of parts.toReversed()) await part.stop();
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
  listeners: readonly ListenerPlan[],
  certificates: CertificateService,
  policies: PolicyData,
  support: Support,
  log: Log,
): DataPlane<PolicyData> {
  const tls = certificates.ofListeners;
  const workers = support.supported ? workerCount(config) : 1;
  const setup = coreSetup(config, policies, workers);
  const onRecord = log.write.bind(log);
  const { limits } = config;
  if (support.supported) {
    log.scope('gateway').info({ workers }, 'running in reactor mode');
    const workerUrl = new URL('./relay-worker.js', import.meta.url);
    return new ReactorPlane({ workerUrl, workers, listeners, tls, limits, setup, onRecord });
  }
  log.scope('gateway').info({ reason: support.reason }, 'running in portable mode');
  const createCore = (core: CoreSetup<PolicyData>, isDontFragmentSupported: boolean): TurnService =>
    new TurnService(core, isDontFragmentSupported, onRecord);
  return new PortablePlane({ listeners, tls, limits, setup, createCore, onRecord });
}

const ASKED_FOR: Support = { supported: false, reason: 'asked for' };

function checkReactorSupport({ listeners }: GatewayConfig): Support {
  const support = checkSupport();
  const needsOpenSsl = listeners.some(({ tls }) => tls !== undefined);
  return support.supported && needsOpenSsl ? checkOpenSsl() : support;
}

/** What a worker would say of the settings, so that it never has to. */
function reactorProblem(listener: ListenerConfig, settings: TlsSettings): string | undefined {
  return secureContextProblem(listener.name, settings, listener.protocol === 'dtls');
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
