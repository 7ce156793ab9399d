import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createStatisticsMemory } from '../../../src/metrics/statistics-layout.ts';
import { WorkerStatistics } from '../../../src/metrics/worker-statistics.ts';
import { createUserRateMemory, UserRates } from '../../../src/net/shared/user-rates.ts';
import { ATTRIBUTE } from '../../../src/stun/registry.ts';
import type { TransportAddress } from '../../../src/stun/transport-address.ts';
import type { Relay } from '../../../src/turn/allocation.ts';
import { DATA_INDICATION_HEADROOM_BYTES } from '../../../src/turn/data-indication.ts';
import type { MonotonicMs, RatePolicy } from '../../../src/turn/policy.ts';
import { channelData, sendIndication, TestClient } from './test-client.ts';
import { LISTENER, parseAddress, TurnDriver } from './turn-driver.ts';

/** What one kind of packet cost. */
export interface DataPathCost {
  readonly name: string;
  readonly packets: number;
  /** How many of them were relayed. */
  readonly relayed: number;
  readonly collections: number;
  readonly heapGrowthBytes: number;
}

const WARM_UP = 100_000;
const packets = Number(process.argv[2]);
const { gc } = globalThis;
if (gc === undefined) throw new Error('needs --expose-gc');
const collect = (): void => {
  gc();
};

/** The clock is as fine as that of a real driver, and read as seldom: once for so many packets. */
const PACKETS_PER_TURN = 64;
const TURN_MS = 0.8765;
/** Metered, but by far enough for all that is measured. */
const PLENTY = { bytesPerSecond: 1e9, packetsPerSecond: 1e8 };
const userRates = new UserRates(createUserRateMemory(), PLENTY);
const rates: RatePolicy = {
  meterOf: (userId) => userRates.meterOf(userId),
  admitsAnswer: () => true,
};
const slots = {
  listeners: new Map([[LISTENER, 1]]),
  clusters: new Map([
    ['media', 1],
    ['other', 2],
  ]),
};
const counters = new WorkerStatistics(createStatisticsMemory(1), 0, slots);
/** What is exceeded for good with the first packet. */
const NEXT_TO_NOTHING = { bytesPerSecond: 1, packetsPerSecond: 0 };
const driver = new TurnDriver({
  rules: { allocationRate: PLENTY, degradedRate: NEXT_TO_NOTHING },
  server: { rates, counters },
});
const { server } = driver;
const { now } = driver;
const client = new TestClient(driver);
client.allocate((w) => w.uint8(ATTRIBUTE.ADDITIONAL_ADDRESS_FAMILY, 2, 4));
client.permit('10.0.0.1', '10.0.0.2', 'fd00::2');
client.bindChannel(0x4000, '10.0.0.1', 1000);
client.bindChannel(0x4001, 'fd00::1', 1000);
driver.quota.perUserMax = 1;
new TestClient(driver, { port: 40_002, user: 'bob' }).allocate();
const slowClient = new TestClient(driver, { port: 40_001, user: 'bob' });
slowClient.allocate();
slowClient.bindChannel(0x4000, '10.0.0.1', 1000);
const payload = new Uint8Array(160).fill(7);
const id = client.nextTransactionId();
const datagrams = {
  channel: channelData(0x4000, payload),
  channelIpv6: channelData(0x4001, payload),
  unbound: channelData(0x4002, payload),
  send: sendIndication(id, '10.0.0.2', 5004, payload),
  sendIpv6: sendIndication(id, 'fd00::2', 5004, payload, (w) => w.flag(ATTRIBUTE.DONT_FRAGMENT)),
  sendElsewhere: sendIndication(id, '10.0.0.3', 5004, payload),
  sendUnrouted: sendIndication(id, '10.0.0.2', 0, payload),
};
const slot = new Uint8Array(DATA_INDICATION_HEADROOM_BYTES + 2000);

const up =
  (bytes: Uint8Array, { client: { endpoint, address } } = client) =>
  (): boolean =>
    server.handleClientDatagram(endpoint, address, bytes, 0, bytes.length, now) !== undefined;
const down = (relay: Relay, peer: TransportAddress) => (): boolean =>
  server.handlePeerDatagram(relay, peer, 160, now) !== undefined;
const wrapped = (relay: Relay, peer: TransportAddress) => (): boolean =>
  server.handlePeerDatagram(relay, peer, 160, now) !== undefined &&
  server.dataIndication.wrap(slot, DATA_INDICATION_HEADROOM_BYTES, 160, peer) >= 0;

const kinds: [name: string, relay: () => boolean][] = [
  ['ChannelData up', up(datagrams.channel)],
  ['ChannelData up, IPv6', up(datagrams.channelIpv6)],
  ['Send indication up', up(datagrams.send)],
  ['Send indication up, IPv6, DONT-FRAGMENT', up(datagrams.sendIpv6)],
  ['down on a channel', down(client.relay(1), parseAddress('10.0.0.1', 1000))],
  ['down on a channel, IPv6', down(client.relay(2), parseAddress('fd00::1', 1000))],
  ['down as a Data indication', wrapped(client.relay(1), parseAddress('10.0.0.2', 5004))],
  ['down as a Data indication, IPv6', wrapped(client.relay(2), parseAddress('fd00::2', 5004))],
  ['down from two ports in turn', alternating()],
  ['dropped: unbound channel', up(datagrams.unbound)],
  ['dropped: Send without permission', up(datagrams.sendElsewhere)],
  ['dropped: Send to port 0', up(datagrams.sendUnrouted)],
  ['dropped: peer without permission', down(client.relay(1), parseAddress('10.0.0.9', 1000))],
  ['dropped: too much from the client', up(datagrams.channel, slowClient)],
  ['dropped: too much for the client', down(slowClient.relay(), parseAddress('10.0.0.1', 1000))],
];
kinds.push(['control: creates an object', creating()]);
const costs: DataPathCost[] = [];
for (const [name, relay] of kinds) costs.push(await measure(name, relay));
process.stdout.write(JSON.stringify(costs));

function alternating(): () => boolean {
  const peers = [parseAddress('10.0.0.2', 6000), parseAddress('10.0.0.2', 6002)] as const;
  const relay = client.relay(1);
  let count = 0;
  return () => server.handlePeerDatagram(relay, peers[count++ & 1]!, 160, now) !== undefined;
}

/** Shows that what is looked for would be found. */
function creating(): () => boolean {
  const kept: { count: number }[] = [];
  let count = 0;
  return () => {
    kept[0] = { count: count++ };
    return true;
  };
}

function passTurn(): void {
  now.monotonicMs = (now.monotonicMs + TURN_MS) as MonotonicMs;
}

async function measure(name: string, relay: () => boolean): Promise<DataPathCost> {
  for (let count = 0; count < WARM_UP; count++) {
    if (count % PACKETS_PER_TURN === 0) passTurn();
    relay();
  }
  collect();
  const starts: number[] = [];
  const observer = new PerformanceObserver((list) => {
    starts.push(...list.getEntries().map(({ startTime }) => startTime));
  });
  observer.observe({ entryTypes: ['gc'] });
  const start = performance.now();
  const before = process.memoryUsage().heapUsed;
  let relayed = 0;
  for (let count = 0; count < packets; count++) {
    if (count % PACKETS_PER_TURN === 0) passTurn();
    if (relay()) relayed++;
  }
  const heapGrowthBytes = process.memoryUsage().heapUsed - before;
  const end = performance.now();
  // Collections are reported between two turns of the event loop.
  for (let turn = 0; turn < 3; turn++) await nextTurn();
  observer.disconnect();
  const collections = starts.filter((at) => at >= start && at <= end).length;
  return { name, packets, relayed, collections, heapGrowthBytes };
}
