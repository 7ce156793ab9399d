import type { Allocation } from '../../../src/turn/allocation.ts';
import { broken, miscounted } from '../core/server-invariants.ts';
import { MIN_PORT, type TurnDriver } from '../core/turn-driver.ts';
import type { ReferenceAllocation } from './reference-allocation.ts';
import type { ReferenceServer } from './reference-server.ts';
import { keyOf } from './request.ts';

/** Names everything in which a server differs from its reference; `ends` is what it said of allocations that ended. */
export function differences(
  driver: TurnDriver,
  reference: ReferenceServer,
  ends: ReadonlyMap<string, number>,
): string[] {
  return [
    ...broken(driver),
    ...miscounted(driver),
    ...differentAllocations(driver, reference),
    ...differentPorts(driver, reference),
    ...differentCounts('drops', new Map(Object.entries(driver.drops)), reference.drops),
    ...differentCounts('errors', driver.counters.errors, reference.errors),
    ...differentCounts('ends', ends, reference.ends),
    ...differentQuotas(driver, reference),
  ];
}

function differentAllocations(driver: TurnDriver, reference: ReferenceServer): string[] {
  const found = new Map([...driver.server.allocations()].map((each) => [keyOf(each.client), each]));
  const missing = [...reference.allocations.keys()].filter((key) => !found.has(key));
  const differing = [...found].filter(([key, allocation]) => {
    const expected = reference.allocations.get(key);
    return expected === undefined || summary(allocation) !== expectedSummary(expected);
  });
  return [
    ...missing.map((key) => `no allocation of ${key}`),
    ...differing.map(([key, allocation]) => {
      const expected = reference.allocations.get(key);
      const text = expected === undefined ? 'none' : expectedSummary(expected);
      return `${key} has ${summary(allocation)} instead of ${text}`;
    }),
  ];
}

function summary({ userId, relays, permissionByPeer, channelByNumber }: Allocation): string {
  return JSON.stringify([
    userId,
    relays.map(({ family, port }) => `${family} ${port}`).toSorted(),
    [...permissionByPeer.values()]
      .map((each) => `${each.peer.ip()} ${each.expiresAtMs}`)
      .toSorted(),
    [...channelByNumber]
      .map(
        ([number, { peer, expiresAtMs }]) => `${number} ${peer.ip()} ${peer.port} ${expiresAtMs}`,
      )
      .toSorted(),
  ]);
}

function expectedSummary(expected: ReferenceAllocation): string {
  const { userId, relays, permissions, channels } = expected;
  return JSON.stringify([
    userId,
    [...relays].map(([family, port]) => `${family === 'IPv4' ? 1 : 2} ${port}`).toSorted(),
    [...permissions].map(([ip, endsAt]) => `${ip} ${endsAt}`).toSorted(),
    [...channels]
      .map(([number, { ip, port, endsAt }]) => `${number} ${ip} ${port} ${endsAt}`)
      .toSorted(),
  ]);
}

function differentPorts({ owners }: TurnDriver, { ports }: ReferenceServer): string[] {
  const heldOf = (bytes: Uint8Array): string =>
    [...bytes.keys()]
      .filter((index) => bytes[index] !== 0)
      .map((index) => MIN_PORT + index)
      .join();
  const expectedOf = (held: ReadonlySet<number>): string =>
    [...held].toSorted((a, b) => a - b).join();
  const pairs = [
    ['IPv4', heldOf(owners.v4), expectedOf(ports.IPv4)],
    ['IPv6', heldOf(owners.v6), expectedOf(ports.IPv6)],
  ] as const;
  return pairs
    .filter(([, found, expected]) => found !== expected)
    .map(([family, found, expected]) => `${family} ports ${found} instead of ${expected}`);
}

function differentCounts(
  what: string,
  found: ReadonlyMap<string, number>,
  expected: ReadonlyMap<string, number>,
): string[] {
  const names = new Set([...found.keys(), ...expected.keys()]);
  return [...names]
    .filter((name) => (found.get(name) ?? 0) !== (expected.get(name) ?? 0))
    .map((name) => `${what} ${name}: ${found.get(name)} instead of ${expected.get(name)}`);
}

function differentQuotas({ quota }: TurnDriver, reference: ReferenceServer): string[] {
  const expected = new Map<string, number>();
  for (const { userId } of reference.allocations.values()) {
    expected.set(userId, (expected.get(userId) ?? 0) + 1);
  }
  return differentCounts('places of', quota.takenByUser, expected);
}
