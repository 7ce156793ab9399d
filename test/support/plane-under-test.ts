import { randomBytes } from 'node:crypto';
import type { Test } from 'tap';
import {
  CONNECTIONS_PER_ADDRESS_MAX_DEFAULT,
  HANDSHAKES_PER_SECOND_DEFAULT,
  HANDSHAKES_PER_SECOND_PER_ADDRESS_DEFAULT,
} from '../../src/limits.ts';
import type { LogRecord } from '../../src/log.ts';
import { OTHER_SLOT } from '../../src/metrics/name-slots.ts';
import { Statistics, type ListenerTotals } from '../../src/metrics/statistics.ts';
import { createStatisticsMemory } from '../../src/metrics/statistics-layout.ts';
import type { ConnectionLimits, DataPlane, ListenerPlan } from '../../src/net/data-plane.ts';
import { PortablePlane } from '../../src/net/portable/portable-plane.ts';
import { ReactorPlane } from '../../src/net/reactor/reactor-plane.ts';
import { createSharedMemory } from '../../src/net/shared/shared-memory.ts';
import { TurnService, type PolicyData } from '../../src/service/turn-service.ts';
import type { TurnCredential } from './credentials.ts';
import { policiesFor, PORTABLE_USER } from './portable-gateway.ts';

/** As it is built: a worker starts many times faster from it. */
const WORKER_URL = new URL('../../dist/relay-worker.js', import.meta.url);
const WORKERS = 2;

/** The users of a plane under test. */
export const USERS = [PORTABLE_USER, { username: 'bob', password: 'another password' }] as const;

/** Limits that are in nobody's way. */
export const CONNECTION_LIMITS: ConnectionLimits = {
  connectionsPerAddressMax: CONNECTIONS_PER_ADDRESS_MAX_DEFAULT,
  handshakesPerSecond: HANDSHAKES_PER_SECOND_DEFAULT,
  handshakesPerSecondPerAddress: HANDSHAKES_PER_SECOND_PER_ADDRESS_DEFAULT,
};

/** A data plane of either mode, with what it has reported so far. */
export interface PlaneUnderTest {
  readonly plane: DataPlane<PolicyData>;
  readonly policies: PolicyData;
  /** Of all listeners together. */
  readonly connections: () => Pick<ListenerTotals, 'connectionsOpened' | 'connectionsOpen'>;
  readonly records: (message: string) => LogRecord[];
}

/** Starts a data plane in this process, the reactor with two workers; it ends with the test. */
export async function startPlane(
  t: Test,
  mode: DataPlane<PolicyData>['mode'],
  listeners: readonly ListenerPlan[],
  names: readonly string[],
): Promise<PlaneUnderTest> {
  const records: LogRecord[] = [];
  const onRecord = (record: LogRecord): void => void records.push(record);
  const base = policiesFor(['loopback'], undefined, names);
  const policies = { ...base, auth: { ...base.auth, users: USERS as readonly TurnCredential[] } };
  const workers = mode === 'reactor' ? WORKERS : 1;
  const memory = createSharedMemory(workers, createStatisticsMemory(workers));
  const setup = { memory, nonceKey: randomBytes(32), policies };
  const common = { listeners, tls: new Map(), limits: CONNECTION_LIMITS, setup, onRecord };
  const plane =
    mode === 'reactor'
      ? new ReactorPlane<PolicyData>({ ...common, workerUrl: WORKER_URL, workers })
      : new PortablePlane<PolicyData>({
          ...common,
          createCore: (core, isDontFragmentSupported) =>
            new TurnService(core, isDontFragmentSupported, onRecord),
        });
  t.teardown(() => plane.stop());
  await plane.start();
  return {
    plane,
    policies,
    connections: () => new Statistics(memory.statistics).listener(OTHER_SLOT),
    records: (message) => records.filter((record) => record.message === message),
  };
}

/** A listener on IPv4 loopback. */
export function planOf(
  name: string,
  protocol: ListenerPlan['protocol'],
  port: number,
  changes: Partial<ListenerPlan> = {},
): ListenerPlan {
  return {
    name,
    protocol,
    alsoPlain: false,
    proxy: { mode: 'off', trusted: [] },
    bind: '127.0.0.1',
    port,
    relayAddresses: { configured: [], host: ['127.0.0.1'] },
    ...changes,
  };
}
