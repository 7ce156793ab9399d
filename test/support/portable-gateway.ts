import { randomBytes } from 'node:crypto';
import {
  CHANNELS_PER_ALLOCATION_MAX_DEFAULT,
  CONNECTIONS_PER_ADDRESS_MAX_DEFAULT,
  HANDSHAKES_PER_SECOND_DEFAULT,
  HANDSHAKES_PER_SECOND_PER_ADDRESS_DEFAULT,
  PERMISSIONS_PER_ALLOCATION_MAX_DEFAULT,
} from '../../src/limits.ts';
import type { LogRecord } from '../../src/log.ts';
import type { ConnectionLimits, ProxyPlan } from '../../src/net/data-plane.ts';
import { createStatisticsMemory } from '../../src/metrics/statistics-layout.ts';
import { PortablePlane } from '../../src/net/portable/portable-plane.ts';
import { createSharedMemory } from '../../src/net/shared/shared-memory.ts';
import { TurnService, type PolicyData } from '../../src/service/turn-service.ts';
import type { PortRange } from '../../src/turn/relay-ports.ts';
import type { TlsSettings } from '../../src/tls/tls-settings.ts';
import { RELAY_PORTS } from './free-ports.ts';

/** The only user of a portable gateway. */
export const PORTABLE_USER = { username: 'alice', password: 'a password' } as const;

/** Name of the listener with TLS of a portable gateway. */
export const PORTABLE_TLS_LISTENER = 'tls-listener';

const NO_RATE = { bytesPerSecond: 0, packetsPerSecond: 0 };

/** What a test changes about a portable gateway. */
export interface PortableGatewayOptions {
  readonly port: number;
  /** Undefined is all addresses; 127.0.0.1 unless given. */
  readonly bind?: string | undefined;
  readonly protocols?: readonly ('udp' | 'tcp' | 'tls' | 'dtls')[];
  /** For the listener with TLS. */
  readonly tls?: TlsSettings;
  readonly alsoPlain?: boolean;
  readonly proxy?: ProxyPlan;
  readonly limits?: Partial<ConnectionLimits>;
  readonly relayPorts?: { readonly min: number; readonly max: number };
  readonly relayAddresses?: readonly { readonly bind: string; readonly advertise: string }[];
}

/** A data plane in this process with what it reported so far. */
export interface PortableGateway {
  readonly plane: PortablePlane<PolicyData>;
  readonly records: readonly LogRecord[];
}

/** Makes a portable data plane that may relay to loopback; the caller starts and stops it. */
export function createPortableGateway(options: PortableGatewayOptions): PortableGateway {
  const { port, protocols = ['udp', 'tcp'], relayPorts: range = RELAY_PORTS } = options;
  const bind = 'bind' in options ? options.bind : '127.0.0.1';
  const relayAddresses = {
    configured: options.relayAddresses ?? [],
    host: ['127.0.0.1', '::1'],
  };
  const records: LogRecord[] = [];
  const onRecord = (record: LogRecord): void => void records.push(record);
  const relayPorts = { minPort: range.min, maxPort: range.max };
  const plane = new PortablePlane<PolicyData>({
    listeners: protocols.map((protocol) => ({
      name: `${protocol}-listener`,
      protocol,
      alsoPlain: options.alsoPlain ?? false,
      proxy: options.proxy ?? { mode: 'off', trusted: [] },
      bind,
      port,
      relayAddresses,
    })),
    tls: new Map(options.tls && [[PORTABLE_TLS_LISTENER, options.tls]]),
    limits: {
      connectionsPerAddressMax: CONNECTIONS_PER_ADDRESS_MAX_DEFAULT,
      handshakesPerSecond: HANDSHAKES_PER_SECOND_DEFAULT,
      handshakesPerSecondPerAddress: HANDSHAKES_PER_SECOND_PER_ADDRESS_DEFAULT,
      ...options.limits,
    },
    setup: {
      memory: createSharedMemory(1, createStatisticsMemory(1)),
      nonceKey: randomBytes(32),
      policies: policiesFor(['loopback'], relayPorts),
    },
    createCore: (setup, isDontFragmentSupported) =>
      new TurnService(setup, isDontFragmentSupported, onRecord),
    onRecord,
  });
  return { plane, records };
}

/** Policies that route all listeners to the named clusters; the only one there is, is `loopback`. */
export function policiesFor(
  routes: readonly string[],
  relayPorts: PortRange = { minPort: RELAY_PORTS.min, maxPort: RELAY_PORTS.max },
  listeners: readonly string[] = ['udp-listener', 'tcp-listener', PORTABLE_TLS_LISTENER],
): PolicyData {
  const endpoints = [
    { address: '127.0.0.0', prefixLength: 8, minPort: 1, maxPort: 65_535 },
    { address: '::1', prefixLength: 128, minPort: 1, maxPort: 65_535 },
  ];
  return {
    auth: {
      type: 'static',
      realm: 'example.org',
      users: [PORTABLE_USER],
      secrets: [],
      maxTtlSeconds: 86_400,
      algorithms: ['SHA-256', 'MD5'],
    },
    routes: {
      listeners: listeners.map((name) => ({ name, routes })),
      clusters: [{ name: 'loopback', protocol: 'udp', endpoints, dangerouslyAllow: endpoints }],
      own: [],
    },
    rules: {
      relayPorts,
      strictChannelNumbers: false,
      onCredentialExpiry: 'keep',
      permissionsPerAllocationMax: PERMISSIONS_PER_ALLOCATION_MAX_DEFAULT,
      channelsPerAllocationMax: CHANNELS_PER_ALLOCATION_MAX_DEFAULT,
      allocationRate: NO_RATE,
      degradedRate: undefined,
      isDraining: false,
      alternateServers: [],
      quota: { allocationsMax: 100, allocationsPerAddressMax: 100, allocationsPerUserMax: 0 },
      userRate: NO_RATE,
      answersPerSecondPerAddress: 0,
    },
    slots: { listeners: new Map(), clusters: new Map() },
  };
}
