import {
  CHANNELS_PER_ALLOCATION_MAX_DEFAULT as CHANNELS_PER_ALLOCATION_MAX,
  PERMISSIONS_PER_ALLOCATION_MAX_DEFAULT as PERMISSIONS_PER_ALLOCATION_MAX,
} from '../../../src/limits.ts';
import type { Allocation } from '../../../src/turn/allocation.ts';
import { trafficValues } from './memory-policies.ts';
import { LISTENER, type TurnDriver } from './turn-driver.ts';

/** Names what is inconsistent in a server. */
export function broken(driver: TurnDriver): string[] {
  const problems: string[] = [];
  const live = [...driver.server.allocations()];
  const check = (isRight: boolean, problem: string): void =>
    void (isRight || problems.push(problem));
  check(live.length === driver.server.allocationCount, 'the count of allocations');
  check(driver.quota.total === live.length, 'the quota');
  const datagrams = live.filter(({ client }) => client.handle < 0);
  check(driver.udp.allocationByClient.size === datagrams.length, 'the index by client');
  check(driver.tcp.allocationByClient.size === 0, 'streams are not in it');
  const ports = live.flatMap(({ relays }) => relays).length + driver.reservations.byToken.size;
  const pairs = driver.waiting.filter(
    ({ relay, reservesNext }) => reservesNext && !relay.allocation.isGone,
  );
  const orphans = driver.waiting.filter(({ relay }) => relay.allocation.isGone);
  const orphanPorts = orphans.reduce((sum, { reservesNext }) => sum + (reservesNext ? 2 : 1), 0);
  check(
    driver.portsTaken === ports + pairs.length + orphanPorts,
    `${driver.portsTaken} ports taken`,
  );
  let channels = 0;
  for (const allocation of live) {
    channels += allocation.channelByNumber.size;
    problems.push(...brokenAllocation(driver, allocation));
  }
  check(driver.channels.size === channels, 'the channels announced');
  return problems;
}

/** Names counters that differ from what went over the wire. */
export function miscounted({ wire, counters }: TurnDriver): string[] {
  const listener = trafficValues(counters.ofListener(LISTENER));
  const clusters = ['media', 'narrow', 'other'].map((name) =>
    trafficValues(counters.ofCluster(name)),
  );
  const sum = [0, 1, 2, 3].map((index) =>
    clusters.reduce((total, values) => total + values[index]!, 0),
  );
  const { fromClients, toClients, fromPeers, toPeers } = wire;
  const rows = [
    ['listener', listener, fromClients, toClients],
    ['clusters', sum, fromPeers, toPeers],
  ] as const;
  return rows.flatMap(([name, values, received, sent]) => {
    const expected = [received.packets, received.bytes, sent.packets, sent.bytes];
    return values.join() === expected.join() ? [] : [`${name}: ${values.join()} counted`];
  });
}

function brokenAllocation(driver: TurnDriver, allocation: Allocation): string[] {
  const { client, relays, channelByNumber, channelByPeer, permissionByPeer, state } = allocation;
  const found =
    client.handle < 0 ? driver.udp.allocationByClient.get(client.address) : client.allocation;
  const isActive = state === 'active';
  const rules: [isRight: boolean, problem: string][] = [
    [!allocation.isGone, 'a live allocation is gone'],
    [found === allocation, 'an allocation is not found'],
    [isActive !== (allocation.pending !== undefined), 'pending'],
    [
      isActive ? relays.length > 0 : channelByNumber.size + permissionByPeer.size === 0,
      `${state} with too much`,
    ],
    [
      !isActive || relays.every(({ handle }) => driver.sockets.has(handle)),
      'a relay without a socket',
    ],
    [new Set(relays.map(({ family }) => family)).size === relays.length, 'two relays of a family'],
    [
      !isActive || Math.max(allocation.expiresAtMs, driver.rulesChangedAtMs) > driver.nowMs - 1000,
      'an allocation outlived itself',
    ],
    [channelByNumber.size === channelByPeer.size, 'indexes of channels differ'],
    [channelByNumber.size <= CHANNELS_PER_ALLOCATION_MAX, 'too many channels'],
    [permissionByPeer.size <= PERMISSIONS_PER_ALLOCATION_MAX, 'too many permissions'],
  ];
  for (const [number, binding] of channelByNumber) {
    rules.push(
      [
        binding.allocation === allocation && relays.includes(binding.relay),
        'a channel of another allocation',
      ],
      [
        binding.channelNumber === number && channelByPeer.get(binding.peer) === binding,
        'a channel misplaced',
      ],
      [binding.relay.family === binding.peer.family, 'a channel on the wrong relay'],
      [!binding.isGone && driver.channels.has(binding), 'a channel that is gone'],
      [binding.expiresAtMs > driver.nowMs - 1000, 'a channel outlived itself'],
    );
  }
  for (const permission of permissionByPeer.values()) {
    rules.push(
      [permission.allocation === allocation && !permission.isGone, 'a permission that is gone'],
      [permissionByPeer.get(permission.peer) === permission, 'a permission misplaced'],
      [permission.expiresAtMs > driver.nowMs - 1000, 'a permission outlived itself'],
    );
  }
  return rules.filter(([isRight]) => !isRight).map(([, problem]) => problem);
}
