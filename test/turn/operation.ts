import t from 'tap';
import { RouteTable } from '../../src/route/route-table.ts';
import { ATTRIBUTE, METHOD } from '../../src/stun/registry.ts';
import { trafficValues } from '../support/core/memory-policies.ts';
import { TestClient, unsigned, type Write } from '../support/core/test-client.ts';
import {
  cluster,
  MIN_PORT,
  parseAddress,
  ROUTES,
  TurnDriver,
  type DriverOptions,
} from '../support/core/turn-driver.ts';

const DATA = Buffer.from('hello');
const EVEN_WITH_NEXT: Write = (w) => w.uint8(ATTRIBUTE.EVEN_PORT, 0x80);

t.test('draining', (t) => {
  const drains: [name: string, set: (driver: TurnDriver, isDraining: boolean) => void][] = [
    ['all listeners', (driver, isDraining) => driver.changeRules({ isDraining })],
    ['one listener', (driver, isDraining) => void (driver.udp.isOpen = !isDraining)],
  ];
  for (const [name, set] of drains) {
    const { driver, client } = relaying();
    const id = client.nextTransactionId();
    const late = new TestClient(driver, { port: 40_001 });
    const made = late.allocate(EVEN_WITH_NEXT, { transactionId: id })!;
    const token = made.value(ATTRIBUTE.RESERVATION_TOKEN)!;
    driver.binding = 'delayed';
    const pending = new TestClient(driver, { port: 40_002 });
    t.equal(pending.allocate(), undefined);
    driver.binding = 'synchronous';
    set(driver, true);
    driver.forget();

    const stranger = new TestClient(driver, { port: 40_003 });
    t.equal(stranger.challenge().outcome, 401, `${name}: a stranger learns nothing`);
    t.equal(stranger.send(unsigned(METHOD.BINDING, new Uint8Array(12)))!.outcome, 'success');
    const refusal = stranger.allocate()!;
    t.equal(refusal.outcome, 508, `${name}: no new allocation`);
    t.equal(refusal.integrity(stranger.key()), 'sha1');
    const redeem: Write = (w) => w.attribute(ATTRIBUTE.RESERVATION_TOKEN, token);
    t.equal(stranger.allocate(redeem)!.outcome, 508, 'nor with a token');
    t.strictSame(refusals(driver), ['draining', 'draining']);

    t.strictSame(
      late.allocate(EVEN_WITH_NEXT, { transactionId: id })!.bytes,
      made.bytes,
      `${name}: a retransmission is answered`,
    );
    t.equal(driver.bindWaiting().length, 1, `${name}: what was begun is finished`);
    t.equal(pending.refresh(600)!.outcome, 'success');
    for (let minute = 0; minute < 60; minute++) {
      driver.advance(60);
      client.challenge();
      t.equal(client.refresh(600)!.outcome, 'success', `${name}: what lives goes on`);
      t.equal(client.bindChannel(0x4001, '10.0.0.3', 1000)!.outcome, 'success');
      t.equal(client.permit('10.0.0.1')!.outcome, 'success');
      t.ok(client.channelData(0x4001, DATA));
      t.ok(driver.peerSends(client.relay(), '10.0.0.1', 1000));
    }
    t.equal(client.refresh(0)!.outcome, 'success', `${name}: and ends`);
    t.equal(client.allocate()!.outcome, 508, `${name}: once`);
    t.strictSame([driver.quota.total, driver.sockets.size, driver.portsTaken], [0, 0, 0]);

    set(driver, false);
    t.equal(client.allocate()!.outcome, 'success', `${name}: undrained`);
  }
  t.end();
});

t.test('draining concerns the listeners it is meant for', (t) => {
  const driver = new TurnDriver();
  driver.udp.isOpen = false;
  t.equal(new TestClient(driver).allocate()!.outcome, 508);
  const stream = new TestClient(driver, { port: 40_001, handle: 5 });
  t.equal(stream.allocate()!.outcome, 'success', 'the other one is open');
  driver.changeRules({ alternateServers: [parseAddress('192.0.2.77', 3478)] });
  driver.udp.isOpen = true;
  t.equal(new TestClient(driver).allocate()!.outcome, 'success', 'servers to name drain nothing');
  driver.changeRules({ isDraining: true });
  const redirected = new TestClient(driver, { port: 40_002 }).allocate()!;
  t.equal(redirected.outcome, 300);
  t.equal(redirected.hex(ATTRIBUTE.ALTERNATE_SERVER), '00010d96c000024d', 'RFC 8489 §14.15');
  t.strictSame(refusals(driver), ['draining', 'draining']);
  t.equal(driver.quota.total, 2, 'it takes no place');
  t.end();
});

t.test('ending allocations', (t) => {
  const driver = new TurnDriver();
  const clients = Array.from({ length: 6 }, (_, index) => {
    const user = index % 2 === 0 ? 'alice' : 'bob';
    return new TestClient(driver, { port: 40_000 + index, user, handle: index < 4 ? -1 : index });
  });
  for (const client of clients) {
    client.allocate();
    client.bindChannel(0x4000, '10.0.0.1', 1000);
  }
  driver.binding = 'delayed';
  const pending = new TestClient(driver, { port: 41_000 });
  pending.allocate();
  const { id } = clients[1]!.allocation!;
  const end = (isMeant: Parameters<typeof driver.server.endAllocations>[0]): number => {
    const count = driver.server.endAllocations(isMeant, 'kicked');
    driver.drain();
    return count;
  };
  driver.forget();
  t.equal(
    end(() => false),
    0,
    'nobody',
  );
  t.equal(
    end((allocation) => allocation.id === id),
    1,
    'by id',
  );
  t.equal(clients[1]!.allocation, undefined);
  t.strictSame(ends(driver), ['kicked']);
  t.equal(
    end(({ userId }) => userId === 'alice'),
    4,
    'by user, the one that is being made as well',
  );
  t.strictSame(ends(driver), ['kicked', 'kicked', 'kicked', 'kicked'], 'nobody heard of that one');
  t.strictSame(driver.bindWaiting(), [], 'which is not answered');
  t.equal(driver.quota.total, 2);
  t.strictSame([driver.sockets.size, driver.portsTaken, driver.channels.size], [2, 2, 2]);
  for (const client of clients) {
    const isAlive = client.username === 'bob' && client !== clients[1];
    t.equal(
      client.channelData(0x4000, DATA) !== undefined,
      isAlive,
      `port ${client.client.address.port}`,
    );
    if (!isAlive) t.equal(client.refresh(600)!.outcome, 437);
  }
  driver.binding = 'synchronous';
  t.equal(clients[0]!.allocate()!.outcome, 'success', 'who was kicked may come again');
  t.end();
});

t.test('ids of allocations', (t) => {
  const count = 500;
  const driver = new TurnDriver({ portCount: count });
  const ids = Array.from({ length: count }, (_, index) => {
    const client = new TestClient(driver, { port: 40_000 + index });
    client.allocate();
    return client.allocation!.id;
  });
  t.equal(new Set(ids).size, count, 'one of its own each');
  t.ok(
    ids.every((id) => /^[0-9a-f]{16}$/.test(id)),
    '64 bits that come from the source of randomness',
  );
  t.equal(new Set(ids.map((id) => id.slice(0, 4))).size > count / 2, true, 'in every digit');
  t.equal(new Set(ids.map((id) => id.slice(-4))).size > count / 2, true);
  t.strictSame(
    [...driver.server.allocations()].map(({ id }) => id),
    ids,
  );
  t.end();
});

t.test('a change of routes moves a peer to another cluster', (t) => {
  const { driver, client } = relaying();
  const exchange = (): void => {
    client.channelData(0x4000, DATA);
    client.sendIndication('10.0.0.2', 5, DATA);
    driver.peerSends(client.relay(), '10.0.0.1', 1000, 30);
    driver.peerSends(client.relay(), '10.0.0.2', 5, 7);
  };
  const traffic = (name: string): unknown => trafficValues(driver.counters.ofCluster(name));
  exchange();
  t.strictSame(traffic('media'), [2, 37, 2, 10]);
  const moved = { ...ROUTES, clusters: [cluster('narrow', ['10.0.0.0', 16])] };
  driver.replace({ peers: new RouteTable(moved) });
  exchange();
  t.strictSame(traffic('media'), [2, 37, 2, 10], 'counted no more');
  t.strictSame(traffic('narrow'), [2, 37, 2, 10], 'but there');
  driver.replace({ peers: new RouteTable(ROUTES) });
  exchange();
  exchange();
  t.strictSame(traffic('media'), [6, 111, 6, 30], 'and back');
  t.strictSame(traffic('narrow'), [2, 37, 2, 10]);
  t.strictSame(trafficValues(client.allocation!.traffic), [8, 40, 8, 148], 'one allocation');

  const bySource = {
    ...ROUTES,
    clusters: [
      cluster('narrow', ['10.0.0.0', 16, 1, 99]),
      cluster('other', ['10.0.0.0', 16, 100, 65_535]),
    ],
  };
  driver.replace({ peers: new RouteTable(bySource) });
  for (const port of [5, 500, 5, 500, 500]) driver.peerSends(client.relay(), '10.0.0.2', port, 1);
  t.strictSame(traffic('narrow'), [4, 39, 2, 10], 'by port');
  t.strictSame(traffic('other'), [3, 3, 0, 0]);
  t.end();
});

t.test('limits that change while allocations live', (t) => {
  const peers = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
  const driver = new TurnDriver();
  const client = new TestClient(driver);
  client.allocate((w) => w.uint32(ATTRIBUTE.LIFETIME, 3600));
  client.permit(...peers);
  peers.forEach((ip, index) => client.bindChannel(0x4000 + index, ip, 1000));
  for (const max of [2, 1, 0]) {
    driver.changeRules({ permissionsPerAllocationMax: max, channelsPerAllocationMax: max });
    driver.advance(200);
    t.equal(client.permit(...peers)!.outcome, 'success', `${max}: all that live, at once`);
    peers.forEach((ip, index) => {
      t.equal(client.permit(ip)!.outcome, 'success', `${max}: permission for ${ip}`);
      const channel = client.bindChannel(0x4000 + index, ip, 1000)!;
      t.equal(channel.outcome, 'success', `${max}: channel to ${ip}`);
      t.ok(client.channelData(0x4000 + index, DATA));
      t.ok(driver.peerSends(client.relay(), ip, 1000));
    });
    t.equal(client.permit('10.0.0.4')!.outcome, 508, `${max}: nothing new`);
    t.equal(client.permit('10.0.0.1', '10.0.0.4')!.outcome, 508, 'nor beside what lives');
    t.equal(client.bindChannel(0x4003, '10.0.0.1', 2000)!.outcome, 508);
    t.equal(client.bindChannel(0x4003, '10.0.0.4', 1000)!.outcome, 508);
    t.equal(client.allocation!.permissionByPeer.size, 3);
  }
  driver.changeRules({ permissionsPerAllocationMax: 4, channelsPerAllocationMax: 4 });
  t.equal(client.permit('10.0.0.4')!.outcome, 'success', 'raised');
  t.equal(client.bindChannel(0x4003, '10.0.0.1', 2000)!.outcome, 'success');
  t.equal(client.permit('10.0.0.5')!.outcome, 508);
  t.equal(client.bindChannel(0x4004, '10.0.0.1', 3000)!.outcome, 508);
  driver.advance(301);
  driver.changeRules({ permissionsPerAllocationMax: 1 });
  t.equal(client.permit('10.0.0.5')!.outcome, 'success', 'what has expired counts no more');
  t.equal(client.permit('10.0.0.1')!.outcome, 508);

  driver.changeRules({ strictChannelNumbers: true, channelsPerAllocationMax: 10 });
  t.equal(client.bindChannel(0x5000, '10.0.0.5', 1000)!.outcome, 400, 'channel numbers too');
  driver.changeRules({ strictChannelNumbers: false });
  t.equal(client.bindChannel(0x5000, '10.0.0.5', 1000)!.outcome, 'success');
  t.end();
});

t.test('another range of relay ports', (t) => {
  const first = { minPort: MIN_PORT, maxPort: MIN_PORT + 3 };
  const second = { minPort: MIN_PORT + 10, maxPort: MIN_PORT + 13 };
  const isIn = ({ minPort, maxPort }: typeof first, port: number): boolean =>
    port >= minPort && port <= maxPort;
  const driver = new TurnDriver({ portCount: 4 });
  const ofFirst = clientsAt(driver, 40_000, 4);
  for (const client of ofFirst) {
    t.equal(client.allocate()!.outcome, 'success');
    client.bindChannel(0x4000, '10.0.0.1', 1000);
    t.ok(isIn(first, client.relay().port));
  }
  driver.changeRules({ relayPorts: second });
  const held = ofFirst.map((client) => client.relay().port);
  t.equal(driver.portsTaken, 4, 'ports that are held stay so');
  for (const client of ofFirst) {
    t.equal(client.refresh(600)!.outcome, 'success');
    t.ok(client.channelData(0x4000, DATA));
  }
  const ofSecond = clientsAt(driver, 41_000, 5);
  const outcomes = ofSecond.map((client) => client.allocate()!.outcome);
  t.strictSame(outcomes, ['success', 'success', 'success', 'success', 508], 'four more');
  t.ok(
    ofSecond.slice(0, 4).every((client) => isIn(second, client.relay().port)),
    'of the new range',
  );
  ofFirst[0]!.refresh(0);
  t.equal(driver.portsTaken, 7, 'a port of the old range is given back');
  t.equal(driver.owners.v4[held[0]! - MIN_PORT], 0);
  t.equal(ofSecond[4]!.allocate()!.outcome, 508, 'and not taken again');
  driver.changeRules({ relayPorts: first });
  t.equal(ofSecond[4]!.allocate()!.outcome, 'success', 'until its range is');
  t.equal(ofSecond[4]!.relay().port, held[0]);
  ofSecond[0]!.refresh(0);
  t.equal(new TestClient(driver, { port: 42_000 }).allocate()!.outcome, 508);
  driver.server.shutdown();
  driver.drain();
  t.strictSame([driver.portsTaken, driver.sockets.size], [0, 0]);
  t.end();
});

t.test('another range while ports are bound and reserved', (t) => {
  const driver = new TurnDriver({ portCount: 2 });
  const owner = new TestClient(driver);
  const token = owner.allocate(EVEN_WITH_NEXT)!.value(ATTRIBUTE.RESERVATION_TOKEN)!;
  const next = owner.relay().port + 1;
  driver.changeRules({ relayPorts: { minPort: MIN_PORT + 11, maxPort: MIN_PORT + 13 } });
  const other = new TestClient(driver, { port: 40_001 });
  t.equal(
    other.allocate((w) => w.attribute(ATTRIBUTE.RESERVATION_TOKEN, token))!.outcome,
    'success',
    'a reservation holds',
  );
  t.equal(other.relay().port, next);
  const pair = new TestClient(driver, { port: 40_002 });
  t.equal(pair.allocate(EVEN_WITH_NEXT)!.outcome, 'success');
  t.equal(pair.relay().port, MIN_PORT + 12, 'the only pair of the new range');
  const second = new TestClient(driver, { port: 40_003 });
  t.equal(second.allocate(EVEN_WITH_NEXT)!.outcome, 508, 'none reaches over its end');

  const waiting = new TurnDriver({ portCount: 1 });
  waiting.binding = 'delayed';
  const [bound, failed] = [new TestClient(waiting), new TestClient(waiting, { port: 40_001 })];
  bound.allocate();
  waiting.changeRules({ relayPorts: { minPort: MIN_PORT + 20, maxPort: MIN_PORT + 20 } });
  failed.allocate();
  waiting.changeRules({ relayPorts: { minPort: MIN_PORT, maxPort: MIN_PORT } });
  t.equal(waiting.portsTaken, 2);
  waiting.bindWaiting((relay) => relay.allocation === bound.allocation);
  t.equal(bound.relay().port, MIN_PORT, 'a port that was being bound is kept');
  t.equal(failed.allocation, undefined);
  t.equal(waiting.portsTaken, 1, 'one that could not be is free');
  t.end();
});

function clientsAt(driver: TurnDriver, port: number, count: number): TestClient[] {
  return Array.from(
    { length: count },
    (_, index) => new TestClient(driver, { port: port + index }),
  );
}

/** A client with a channel and a permission. */
function relaying(options?: DriverOptions): { driver: TurnDriver; client: TestClient } {
  const driver = new TurnDriver(options);
  const client = new TestClient(driver);
  client.allocate();
  client.bindChannel(0x4000, '10.0.0.1', 1000);
  client.permit('10.0.0.2');
  return { driver, client };
}

function refusals(driver: TurnDriver): string[] {
  return driver.events.flatMap((event) =>
    event.kind === 'allocationRefused' ? [event.reason] : [],
  );
}

function ends(driver: TurnDriver): string[] {
  return driver.events.flatMap((event) =>
    event.kind === 'allocationDeleted' ? [event.reason] : [],
  );
}
