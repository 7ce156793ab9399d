import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { GatewayConfig, ListenerConfig } from '../config/gateway-config.ts';
import { WORKERS_MAX } from '../limits.ts';
import type { LogRecord } from '../log.ts';
import { createStatisticsMemory } from '../metrics/statistics-layout.ts';
import type { CoreSetup, DataPlane, ListenerPlan, SharedMemory } from '../net/data-plane.ts';
import type { PortablePlaneOptions } from '../net/portable/portable-plane.ts';
import { ReactorPlane } from '../net/reactor/reactor-plane.ts';
import { secureContextProblem } from '../net/reactor/secure/secure-context.ts';
import { createSharedMemory } from '../net/shared/shared-memory.ts';
import { checkSupport, type Support } from '../sys/libc.ts';
import { checkOpenSsl } from '../sys/openssl.ts';
import type { TlsSettings } from '../tls/tls-settings.ts';
import type { CertificateService, ListenerCheck } from './certificate-service.ts';
import type { PolicyData } from './turn-service.ts';

const NONCE_KEY_BYTES = 32;

/** What a data plane is made from. */
export interface DataPlaneInputs {
  readonly config: GatewayConfig;
  readonly listeners: readonly ListenerPlan[];
  readonly certificates: CertificateService;
  readonly policies: PolicyData;
  readonly support: Support;
  /** Script of a relay worker. */
  readonly workerUrl: URL;
  readonly onRecord: (record: LogRecord) => void;
}

/** A data plane that has not been started, with the memory that tells what it does. */
export interface CreatedDataPlane {
  readonly plane: DataPlane<PolicyData>;
  readonly memory: SharedMemory;
  readonly workers: number;
}

/** Makes the data plane that this host supports. */
export async function createDataPlane(inputs: DataPlaneInputs): Promise<CreatedDataPlane> {
  const { config, listeners, certificates, policies, support, workerUrl, onRecord } = inputs;
  const workers = support.supported ? workerCount(config) : 1;
  const memory = createSharedMemory(workers, createStatisticsMemory(workers));
  const setup = { memory, nonceKey: randomBytes(NONCE_KEY_BYTES), policies };
  const { limits } = config;
  const common = { listeners, tls: certificates.ofListeners, limits, setup, onRecord };
  const plane = support.supported
    ? new ReactorPlane({ ...common, workerUrl, workers })
    : await createPortablePlane(common);
  return { plane, memory, workers };
}

async function createPortablePlane(
  options: Omit<PortablePlaneOptions<PolicyData>, 'createCore'>,
): Promise<DataPlane<PolicyData>> {
  const { PortablePlane } = await import('../net/portable/portable-plane.ts');
  const { TurnService } = await import('./turn-service.ts');
  const createCore = (core: CoreSetup<PolicyData>, isDontFragmentSupported: boolean) =>
    new TurnService(core, isDontFragmentSupported, options.onRecord);
  return new PortablePlane({ ...options, createCore });
}

/** Whether the reactor can run here and serve everything that a configuration asks for. */
export function reactorSupport({ listeners }: GatewayConfig, isPortable: boolean): Support {
  if (isPortable) return { supported: false, reason: 'asked for' };
  const support = checkSupport();
  const needsOpenSsl = listeners.some(({ tls }) => tls !== undefined);
  return support.supported && needsOpenSsl ? checkOpenSsl() : support;
}

/** Looks at TLS settings as a relay worker would, so that no worker ever has to refuse them. */
export const checkForReactor: ListenerCheck = (listener: ListenerConfig, settings: TlsSettings) =>
  secureContextProblem(listener.name, settings, listener.protocol === 'dtls');

/** Relay workers that a configuration asks for. */
export function workerCount({ relay }: Pick<GatewayConfig, 'relay'>): number {
  const { workers } = relay;
  return workers === 'auto' ? Math.min(availableParallelism(), WORKERS_MAX) : workers;
}
