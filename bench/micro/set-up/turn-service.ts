import { createStatisticsMemory } from '../../../src/metrics/statistics-layout.ts';
import { createSharedMemory } from '../../../src/net/shared/shared-memory.ts';
import { TurnService, type PolicyData } from '../../../src/service/turn-service.ts';
import { CREDENTIAL } from '../../settings.ts';

/** Name of the only listener. */
export const LISTENER = 'listener';
/** What the peers of a service are reached by: a cluster for each. */
export const CLUSTER = 'peers';

/** Allocations are metered, as they are by default, and may have by far enough; users are not. */
const PLENTY = { bytesPerSecond: 1e9, packetsPerSecond: 0 };
const UNLIMITED = { bytesPerSecond: 0, packetsPerSecond: 0 };
const ALLOCATIONS_MAX = 100_000;
/** Beyond what is ever asked for in a second. */
const ANSWERS_MAX = 1e9;
const NONCE_KEY = new Uint8Array(32).fill(7);

/** What a service differs in from others. */
export interface ServiceOptions {
  /** Address ranges of the peers, all ports. */
  readonly peers: readonly { readonly address: string; readonly prefixLength: number }[];
  /** A shared secret for ephemeral credentials; without it there is the one static user of the bench. */
  readonly secret?: string;
}

/** The TURN core of a worker with the policies, quotas, meters, counters and reports that a gateway gives it. */
export function createTurnService(options: ServiceOptions): TurnService {
  const slots = { listeners: new Map([[LISTENER, 1]]), clusters: new Map([[CLUSTER, 1]]) };
  const setup = {
    worker: 0,
    memory: createSharedMemory(1, createStatisticsMemory(1)),
    nonceKey: NONCE_KEY,
    policies: { auth: auth(options), routes: routes(options), rules: RULES, slots },
  };
  return new TurnService(setup, true, () => undefined);
}

function auth({ secret }: ServiceOptions): PolicyData['auth'] {
  const { realm, username, password } = CREDENTIAL;
  return {
    type: secret === undefined ? 'static' : 'ephemeral',
    realm,
    users: [{ username, password }],
    secrets: secret === undefined ? [] : [secret],
    maxTtlSeconds: 86_400,
    algorithms: ['SHA-256', 'MD5'],
  };
}

function routes({ peers }: ServiceOptions): PolicyData['routes'] {
  const endpoints = peers.map((range) => ({ ...range, minPort: 1, maxPort: 65_535 }));
  return {
    listeners: [{ name: LISTENER, routes: [CLUSTER] }],
    clusters: [{ name: CLUSTER, protocol: 'udp', endpoints, dangerouslyAllow: peers }],
    own: [],
  };
}

const RULES: PolicyData['rules'] = {
  relayPorts: { minPort: 1024, maxPort: 65_535 },
  strictChannelNumbers: false,
  onCredentialExpiry: 'close',
  permissionsPerAllocationMax: 64,
  channelsPerAllocationMax: 256,
  allocationRate: PLENTY,
  degradedRate: undefined,
  isDraining: false,
  alternateServers: [],
  quota: {
    allocationsMax: ALLOCATIONS_MAX,
    allocationsPerAddressMax: ALLOCATIONS_MAX,
    allocationsPerUserMax: ALLOCATIONS_MAX,
  },
  userRate: UNLIMITED,
  answersPerSecondPerAddress: ANSWERS_MAX,
};
