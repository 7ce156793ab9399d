import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import t from 'tap';
import {
  ALLOCATIONS_CAPACITY,
  CONNECTION_FIRST_BYTE_SECONDS,
  CONNECTION_FIRST_MESSAGE_SECONDS,
  CONNECTION_STRANGER_SECONDS,
  CONNECTION_WRITE_BUFFER_BYTES_MAX,
  HANDSHAKE_SECONDS,
  RESERVATIONS_MAX,
  STRANGER_FRAME_BYTES_MAX,
  STRANGER_UNREAD_BYTES_MAX,
  STREAM_FRAME_BYTES_MAX,
} from '../../src/limits.ts';
import type { ListenerPlan } from '../../src/net/data-plane.ts';
import { isLoopback, relayAddressesFor } from '../../src/net/relay-address-plan.ts';
import { LoopBudget } from '../../src/net/reactor/loop-budget.ts';
import { readMonotonicMs, readUnixSeconds } from '../../src/net/shared/clock.ts';
import { ConnectionCounts, connectionsPerWorker } from '../../src/net/shared/connection-counts.ts';
import {
  createDescriptorMemory,
  DescriptorLedger,
} from '../../src/net/shared/descriptor-ledger.ts';
import { descriptorLimit } from '../../src/net/shared/descriptor-limit.ts';
import { listenError } from '../../src/net/shared/listen-error.ts';
import {
  clearQuota,
  createQuotaMemory,
  QuotaTable,
  type QuotaLimits,
} from '../../src/net/shared/quota-table.ts';
import {
  createReservationMemory,
  ReservationTable,
} from '../../src/net/shared/reservation-table.ts';
import {
  clearPortOwners,
  createSharedMemory,
  RELAY_PORT_MIN,
} from '../../src/net/shared/shared-memory.ts';
import { SpinLock } from '../../src/net/shared/spin-lock.ts';
import { HandshakeGate } from '../../src/net/shared/handshake-gate.ts';
import { StreamConnection, type StreamPlane } from '../../src/net/shared/stream-connection.ts';
import { StreamEndpoints } from '../../src/net/shared/stream-endpoints.ts';
import { StreamOpeningRules } from '../../src/net/shared/stream-opening.ts';
import { WriteBacklog } from '../../src/net/reactor/write-backlog.ts';
import { IPV4, IPV6, TransportAddress } from '../../src/stun/transport-address.ts';
import { Client, ServerEndpoint, type Allocation } from '../../src/turn/allocation.ts';
import type { MonotonicMs, QuotaPolicy, Reservation, UnixSeconds } from '../../src/turn/policy.ts';
import { SeededRandom } from '../support/core/seeded-random.ts';
import type { SpinLockWorkerData } from '../support/spin-lock-worker.ts';
import { addressFrom } from '../support/turn-client.ts';

const WORKERS = 3;

t.test('QuotaTable: limits', (t) => {
  const limits = { allocationsMax: 4, allocationsPerAddressMax: 2, allocationsPerUserMax: 3 };
  const table = new QuotaTable(createQuotaMemory(1), 0, limits);
  const steps: [string, string, ReturnType<QuotaPolicy['acquire']>][] = [
    ['alice', '192.0.2.1', undefined],
    ['alice', '192.0.2.1', undefined],
    ['bob', '192.0.2.1', 'addressQuotaReached'],
    ['alice', '2001:db8::1', undefined],
    ['alice', '192.0.2.2', 'userQuotaReached'],
    ['bob', '2001:db8::ffff:0:0:1', undefined],
    ['carol', '2001:db8::2', 'addressQuotaReached'],
    ['carol', '2001:db8:0:1::2', 'insufficientCapacity'],
    ['carol', '192.0.2.9', 'insufficientCapacity'],
  ];
  for (const [user, ip, expected] of steps) {
    t.equal(table.acquire(user, addressFrom(ip, 1)), expected, `${user} at ${ip}`);
  }
  t.equal(table.total, 4, 'a refusal takes no place');
  table.release('alice', addressFrom('192.0.2.1', 9));
  t.equal(table.acquire('carol', addressFrom('192.0.2.1', 1)), undefined, 'the port plays no part');
  t.end();
});

t.test('QuotaTable: a user and an address of the same text are two things', (t) => {
  const limits = { allocationsMax: 10, allocationsPerAddressMax: 1, allocationsPerUserMax: 0 };
  const table = new QuotaTable(createQuotaMemory(1), 0, limits);
  const client = addressFrom('0.0.0.7', 1);
  t.equal(table.acquire('7', client), undefined);
  t.equal(table.acquire('7', client), 'addressQuotaReached');
  t.equal(table.acquire('7', addressFrom('0.0.0.8', 1)), undefined, '0 is no quota for users');
  t.end();
});

interface Place {
  readonly user: string;
  readonly client: TransportAddress;
}

/** What QuotaTable promises, without hashing. */
class NaiveQuota {
  readonly places: Place[][] = Array.from({ length: WORKERS }, () => []);
  readonly #limits: QuotaLimits;

  constructor(limits: QuotaLimits) {
    this.#limits = limits;
  }

  acquire(worker: number, place: Place): ReturnType<QuotaPolicy['acquire']> {
    const all = this.places.flat();
    const ofUser = all.filter(({ user }) => user === place.user).length;
    const ofClient = all.filter(({ client }) => client.equalsIp(place.client)).length;
    const { allocationsMax, allocationsPerAddressMax, allocationsPerUserMax } = this.#limits;
    if (ofUser >= allocationsPerUserMax) return 'userQuotaReached';
    if (ofClient >= allocationsPerAddressMax) return 'addressQuotaReached';
    if (all.length >= allocationsMax) return 'insufficientCapacity';
    this.places[worker]!.push(place);
    return undefined;
  }
}

t.test('QuotaTable: several workers over one memory agree with a naive model', (t) => {
  const limits = { allocationsMax: 200, allocationsPerAddressMax: 3, allocationsPerUserMax: 3 };
  const worker = fc.nat(WORKERS - 1);
  const action = fc.oneof(
    {
      weight: 60,
      arbitrary: fc.record({
        do: fc.constant('acquire'),
        worker,
        user: fc.nat(60),
        client: fc.nat(60),
      }),
    },
    {
      weight: 40,
      arbitrary: fc.record({
        do: fc.constant('release'),
        worker,
        user: fc.nat(),
        client: fc.nat(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('clear'), worker, user: fc.nat(), client: fc.nat() }),
    },
  );
  const property = fc.property(fc.array(action, { size: 'max', maxLength: 400 }), (actions) => {
    const memory = createQuotaMemory(WORKERS);
    const tables = Array.from(
      { length: WORKERS },
      (_, index) => new QuotaTable(memory, index, limits),
    );
    const model = new NaiveQuota(limits);
    for (const { do: kind, worker: index, user, client } of actions) {
      const places = model.places[index]!;
      if (kind === 'acquire') {
        const place = { user: `user ${user}`, client: addressFrom(`192.0.2.${client}`, user) };
        const expected = model.acquire(index, place);
        if (tables[index]!.acquire(place.user, place.client) !== expected) return false;
      } else if (kind === 'release') {
        const [place] = places.splice(user % Math.max(1, places.length), 1);
        if (place !== undefined) tables[index]!.release(place.user, place.client);
      } else {
        clearQuota(memory, index);
        places.length = 0;
      }
      if (tables[client % WORKERS]!.total !== model.places.flat().length) return false;
    }
    return true;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 60 }));
  t.end();
});

t.test('QuotaTable: a full table forgets nobody, in whatever order places come back', (t) => {
  // Two keys for each place fill half of the slots: many of them are away from home.
  const limits = { allocationsMax: 1e9, allocationsPerAddressMax: 1, allocationsPerUserMax: 1 };
  const seed = Number(process.env['TURNPIKE_SEED'] ?? randomInt(2 ** 31));
  const random = new SeededRandom(seed);
  const table = new QuotaTable(createQuotaMemory(1), 0, limits);
  const places = Array.from({ length: ALLOCATIONS_CAPACITY }, (_, index): Place => {
    return { user: `user ${index}`, client: new TransportAddress().setIpv4(index, 0) };
  });
  const other: Place = { user: 'other', client: addressFrom('198.51.100.1', 0) };
  t.ok(places.every(({ user, client }) => table.acquire(user, client) === undefined));
  t.equal(table.acquire(other.user, other.client), 'insufficientCapacity', 'the table is full');
  const released = places.filter(() => random.below(2) === 0);
  shuffle(released, random);
  for (const { user, client } of released) table.release(user, client);
  t.equal(table.total, places.length - released.length);
  const isReleased = new Set(released);
  const sample = places.filter(() => random.below(8) === 0);
  const isRight = sample.every((place) => {
    const refusals = [
      table.acquire(place.user, other.client),
      table.acquire(other.user, place.client),
    ];
    if (refusals[0] === undefined) table.release(place.user, other.client);
    if (refusals[1] === undefined) table.release(other.user, place.client);
    const isFree = refusals.every((refusal) => refusal === undefined);
    return isReleased.has(place) ? isFree : isTaken(refusals);
  });
  t.ok(isRight, `seed ${seed}`);
  for (const place of released) table.acquire(place.user, place.client);
  t.equal(table.total, places.length, `what came back is free again, seed ${seed}`);
  t.end();
});

function isTaken([user, address]: readonly ReturnType<QuotaPolicy['acquire']>[]): boolean {
  return user === 'userQuotaReached' && address === 'addressQuotaReached';
}

function shuffle(items: unknown[], random: SeededRandom): void {
  for (let last = items.length - 1; last > 0; last--) {
    const chosen = random.below(last + 1);
    [items[last], items[chosen]] = [items[chosen], items[last]];
  }
}

t.test('QuotaTable: a worker that died inside the lock blocks nobody', (t) => {
  const limits = { allocationsMax: 4, allocationsPerAddressMax: 4, allocationsPerUserMax: 0 };
  const memory = createQuotaMemory(2);
  const client = addressFrom('192.0.2.1', 1);
  const [dead, alive] = [new QuotaTable(memory, 0, limits), new QuotaTable(memory, 1, limits)];
  dead.acquire('alice', client);
  alive.acquire('alice', client);
  new Int32Array(memory)[0] = 1;
  clearQuota(memory, 0);
  t.equal(alive.total, 1);
  t.end();
});

t.test('ReservationTable', (t) => {
  const memory = createReservationMemory();
  const tables = [0, 1].map((worker) => new ReservationTable(memory, worker));
  const [first, second] = tables as [ReservationTable, ReservationTable];
  const reservationOf = (index: number): Reservation => ({
    token: index.toString(16).padStart(16, index % 2 === 0 ? '0' : 'f'),
    family: index % 2 === 0 ? IPV4 : IPV6,
    port: 49_152 + index,
    handle: 0x7fff_ffff - index,
  });
  const all = Array.from({ length: RESERVATIONS_MAX }, (_, index) => reservationOf(index));
  t.ok(all.every((reservation, index) => tables[index % 3 === 0 ? 0 : 1]!.put(reservation)));
  t.notOk(first.put(reservationOf(RESERVATIONS_MAX)), 'the table is full');
  t.equal(first.take('1234567812345678'), undefined, 'an unknown token');
  t.same(second.take(all[0]!.token), all[0], 'a token is good at any worker');
  t.equal(first.take(all[0]!.token), undefined, 'and once');
  t.same(first.take(all[5]!.token), all[5]);
  t.ok(first.put(all[0]!));

  new Int32Array(memory)[0] = 2;
  first.clear(1);
  const left = all.filter(({ token }) => second.take(token) !== undefined);
  t.same(
    left,
    all.filter((_, index) => index % 3 === 0),
    'those of a dead worker are gone',
  );
  t.end();
});

t.test('DescriptorLedger', (t) => {
  const fd = fc.nat(20);
  const action = fc.record({
    do: fc.constantFrom('own', 'disown', 'takeAllOf'),
    worker: fc.nat(2),
    fd,
  });
  const property = fc.property(fc.array(action, { maxLength: 100 }), (actions) => {
    const memory = createDescriptorMemory();
    const ledgers = [0, 1, 2].map((worker) => new DescriptorLedger(memory, worker));
    const ownerByFd = new Map<number, number>();
    for (const { do: kind, worker, fd: descriptor } of actions) {
      if (kind === 'own') {
        ledgers[worker]!.own(descriptor);
        ownerByFd.set(descriptor, worker);
      } else if (kind === 'disown') {
        ledgers[worker]!.disown(descriptor);
        ownerByFd.delete(descriptor);
      } else {
        const owned = [...ownerByFd].filter(([, owner]) => owner === worker).map(([key]) => key);
        const taken = ledgers[(worker + 1) % 3]!.takeAllOf(worker);
        if (taken.join() !== owned.toSorted((a, b) => a - b).join()) return false;
        for (const key of owned) ownerByFd.delete(key);
      }
    }
    return true;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 50 }));
  t.end();
});

t.test('WriteBacklog behaves like one buffer', (t) => {
  const action = fc.oneof(
    fc.record({
      do: fc.constant('push' as const),
      bytes: fc.uint8Array({ maxLength: 20 }),
      isBuffer: fc.boolean(),
    }),
    fc.record({ do: fc.constant('peek' as const), max: fc.nat(40), offset: fc.nat(5) }),
    fc.record({
      do: fc.constant('discard' as const),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  );
  const property = fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
    const backlog = new WriteBacklog();
    let model = Buffer.alloc(0);
    for (const step of actions) {
      if (step.do === 'push') {
        const bytes = step.isBuffer ? Buffer.from(step.bytes) : step.bytes;
        backlog.push(bytes);
        model = Buffer.concat([model, bytes]);
        bytes.fill(0xee);
      } else if (step.do === 'peek') {
        const into = Buffer.alloc(50, 0xaa);
        const copied = backlog.peek(into, step.offset, step.max);
        const expected = Buffer.alloc(50, 0xaa);
        model.copy(expected, step.offset, 0, step.max);
        if (copied !== Math.min(step.max, model.length) || !into.equals(expected)) return false;
      } else {
        const count = Math.floor(model.length * step.part);
        backlog.discard(count);
        model = model.subarray(count);
      }
      if (backlog.byteLength !== model.length || backlog.isEmpty !== (model.length === 0))
        return false;
    }
    return true;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }));
  t.end();
});

t.test('SpinLock lets one thread in at a time', async (t) => {
  const memory = new SharedArrayBuffer(12);
  const rounds = 300_000;
  const workers = [1, 2].map((owner) => {
    const workerData: SpinLockWorkerData = { memory, owner, workers: 2, rounds };
    return new Worker(new URL('../support/spin-lock-worker.ts', import.meta.url), { workerData });
  });
  await Promise.all(workers.map((worker) => once(worker, 'exit')));
  t.same([...new Int32Array(memory)], [0, 2 * rounds, 2], 'no round is lost, and the lock is free');
});

t.test('SpinLock is free after a section that throws, and when its dead owner is named', (t) => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const lock = new SpinLock(words, 0, 7);
  const failing = (): void =>
    lock.run(() => {
      t.equal(words[0], 7);
      throw new Error('inside');
    });
  t.throws(failing, /inside/);
  t.equal(words[0], 0);
  words[0] = 8;
  lock.breakFor(9);
  t.equal(words[0], 8, 'somebody else has it');
  lock.breakFor(8);
  t.equal(
    lock.run(() => 'in'),
    'in',
  );
  t.end();
});

t.test('relay ports of a dead worker are free again', (t) => {
  const memory = createSharedMemory(2, new SharedArrayBuffer(0));
  const families = [memory.portOwnersIpv4, memory.portOwnersIpv6].map((it) => new Uint8Array(it));
  const first = 50_000 - RELAY_PORT_MIN;
  for (const owners of families) {
    owners.set([1, 2, 0, 1], first);
    owners[owners.length - 1] = 1;
  }
  clearPortOwners(memory, 0);
  for (const owners of families) {
    t.same([...owners.subarray(first, first + 4)], [0, 2, 0, 0]);
    t.equal(owners.length, 65_536 - RELAY_PORT_MIN);
    t.equal(owners.at(-1), 0, 'the last port too');
  }
  t.end();
});

t.test('relay addresses by plan and local address', (t) => {
  const host = ['127.0.0.1', '::1', '192.0.2.1', '192.0.2.2', '2001:db8::1'];
  const nat = { bind: '10.0.0.5', advertise: '203.0.113.7' };
  const nat6 = { bind: 'fd00::5', advertise: '2001:db8::7' };
  const cases = [
    { local: '192.0.2.2', expected: ['192.0.2.2', '2001:db8::1'], why: 'the address asked' },
    { local: '192.0.2.9', expected: ['192.0.2.9', '2001:db8::1'], why: 'also when not listed' },
    { local: '127.0.0.1', expected: ['127.0.0.1', '::1'], why: 'loopback with loopback' },
    { local: '127.9.9.9', expected: ['127.9.9.9', '::1'], why: 'all of 127.0.0.0/8' },
    { local: '::1', expected: ['127.0.0.1', '::1'], why: 'IPv4 comes first' },
    { local: '2001:db8::1', expected: ['192.0.2.1', '2001:db8::1'], why: 'the first that fits' },
    {
      local: '192.0.2.1',
      host: ['127.0.0.1', '::1'],
      expected: ['192.0.2.1'],
      why: 'no such reach',
    },
    { local: '192.0.2.1', host: [], expected: ['192.0.2.1'], why: 'nothing to choose from' },
    {
      local: '192.0.2.1',
      configured: [nat],
      expected: ['10.0.0.5 as 203.0.113.7', '2001:db8::1'],
      why: 'configured for one family',
    },
    {
      local: '::1',
      configured: [nat6, nat],
      expected: ['10.0.0.5 as 203.0.113.7', 'fd00::5 as 2001:db8::7'],
      why: 'configured for both',
    },
  ];
  for (const { local, expected, why, ...plan } of cases) {
    const relays = relayAddressesFor({ configured: [], host, ...plan }, addressFrom(local, 3478));
    const found = relays.map(({ bind, advertise }) =>
      bind.equalsIp(advertise) ? bind.ip() : `${bind.ip()} as ${advertise.ip()}`,
    );
    t.same(found, expected, `${local}: ${why}`);
    t.ok(relays.every(({ bind }) => bind.port === 0));
  }
  const bad = { configured: [{ bind: 'localhost', advertise: '127.0.0.1' }], host };
  t.throws(() => relayAddressesFor(bad, addressFrom('127.0.0.1', 1)), TypeError);
  t.end();
});

t.test('loopback', (t) => {
  const cases = {
    '127.0.0.1': true,
    '127.255.255.255': true,
    '128.0.0.1': false,
    '0.0.0.1': false,
  };
  const cases6 = {
    '::1': true,
    '::': false,
    '::2': false,
    '1::1': false,
    '0:1::1': false,
    '::1:0:1': false,
  };
  for (const [ip, expected] of Object.entries({ ...cases, ...cases6 })) {
    t.equal(isLoopback(addressFrom(ip, 1)), expected, ip);
  }
  t.end();
});

t.test('why a listener cannot be opened', (t) => {
  const plan: ListenerPlan = {
    name: 'udp',
    protocol: 'udp',
    alsoPlain: false,
    proxy: { mode: 'off', trusted: [] },
    bind: undefined,
    port: 3478,
    relayAddresses: { configured: [], host: [] },
  };
  const coded = (code: string): Error => Object.assign(new Error('as the system says'), { code });
  const cases: [unknown, RegExp][] = [
    [coded('EADDRINUSE'), /"udp" cannot listen on udp \* port 3478: address already in use/],
    [coded('EACCES'), /permission denied; ports below 1024/],
    [coded('EADDRNOTAVAIL'), /does not have that address/],
    [coded('ENOBUFS'), /: as the system says$/],
    [new Error('no code'), /: no code$/],
    ['a string', /: a string$/],
  ];
  for (const [cause, message] of cases) {
    t.match(listenError(plan, cause), { code: 'GW_ERR_LISTEN', message, cause });
  }
  t.match(listenError({ ...plan, bind: '::1' }, 0).message, 'on udp ::1 port 3478');
  t.end();
});

t.test('StreamConnection: time and space of a client', (t) => {
  class Connection extends StreamConnection {
    readonly handshake = (now: number): void => this.noteHandshake(now as MonotonicMs);
    readonly open = (now: number): void => this.noteOpen(now as MonotonicMs);
    readonly message = (): void => this.noteMessage();
    readonly frameMax = (): number => this.frameBytesMax;
    readonly dropsAt = (length: number, waiting: number) => this.isTooSlowFor(length, waiting);
    readonly endsAt = (waiting: number): boolean => this.isUnresponsive(waiting);
  }
  const address = addressFrom('192.0.2.1', 1);
  const client = new Client(new ServerEndpoint('tcp', 'tcp', address, []), address, 0);
  const plane: StreamPlane = {
    now: { monotonicMs: 1000 as MonotonicMs, unixSeconds: 0 as UnixSeconds },
    handshakeGate: new HandshakeGate(1, 1),
    connections: { attribute: () => true, refuse: () => {} },
  };
  const plan = { protocol: 'tcp', proxy: { mode: 'off', trusted: [] } } as unknown as ListenerPlan;
  const listener = {
    rules: new StreamOpeningRules(plan),
    endpoints: new StreamEndpoints(plan),
  };
  const connection = new Connection(plane, listener, client);
  t.equal(connection.expiresAtMs, 1000 + CONNECTION_FIRST_BYTE_SECONDS * 1000);
  connection.handshake(2000);
  t.equal(connection.expiresAtMs, 2000 + HANDSHAKE_SECONDS * 1000);
  connection.open(3000);
  t.equal(connection.expiresAtMs, 3000 + CONNECTION_FIRST_MESSAGE_SECONDS * 1000);
  connection.message();
  const strangerUntil = 1000 + CONNECTION_STRANGER_SECONDS * 1000;
  t.equal(connection.expiresAtMs, strangerUntil, 'the first message gives time to allocate');
  connection.message();
  t.equal(connection.expiresAtMs, strangerUntil, 'further ones give no more');
  t.ok(connection.isStranger);
  t.equal(connection.frameMax(), STRANGER_FRAME_BYTES_MAX);
  t.notOk(connection.endsAt(STRANGER_UNREAD_BYTES_MAX));
  t.ok(connection.endsAt(STRANGER_UNREAD_BYTES_MAX + 1));

  client.allocation = {} as Allocation;
  t.notOk(connection.isStranger);
  connection.prolong(strangerUntil as MonotonicMs);
  t.equal(connection.expiresAtMs, strangerUntil + CONNECTION_STRANGER_SECONDS * 1000);
  t.equal(connection.frameMax(), STREAM_FRAME_BYTES_MAX);

  const max = CONNECTION_WRITE_BUFFER_BYTES_MAX;
  t.notOk(connection.dropsAt(max + 1, 0), 'nothing waits: the system may take it');
  t.notOk(connection.dropsAt(1, max - 1));
  t.ok(connection.dropsAt(2, max - 1));
  t.notOk(connection.endsAt(2 * max));
  t.ok(connection.endsAt(2 * max + 1));
  t.end();
});

t.test('ConnectionCounts: in all and by network', (t) => {
  const counts = new ConnectionCounts(3, 2);
  const at = (ip: string): TransportAddress => addressFrom(ip, 1);
  counts.add(at('192.0.2.1'));
  counts.add(at('192.0.2.1'));
  t.notOk(counts.hasRoomFor(at('192.0.2.1')), 'one address has enough');
  t.ok(counts.hasRoom);
  t.ok(counts.hasRoomFor(at('192.0.2.2')));
  counts.add(at('2001:db8::1'));
  t.notOk(counts.hasRoomFor(at('192.0.2.2')), 'all together have enough');
  t.notOk(counts.hasRoom);
  counts.remove(at('192.0.2.1'));
  t.ok(counts.hasRoomFor(at('2001:db8::2')));
  counts.add(at('2001:db8::2'));
  counts.remove(at('192.0.2.1'));
  t.notOk(counts.hasRoomFor(at('2001:db8:0:0:1::3')), 'a /64 counts as one client');
  t.ok(counts.hasRoomFor(at('2001:db8:0:1::3')));
  t.ok(counts.hasRoomFor(at('192.0.2.1')), 'what was taken back is free again');
  counts.perNetworkMax = 3;
  t.ok(counts.hasRoomFor(at('2001:db8:0:0:1::3')), 'a new bound holds at once');
  counts.perNetworkMax = 1;
  t.notOk(counts.hasRoomFor(at('2001:db8:0:0:1::3')));
  t.ok(counts.hasRoomFor(at('192.0.2.1')));
  t.ok(connectionsPerWorker(2) <= descriptorLimit() / 4, 'half of the descriptors are for relays');
  t.end();
});

t.test('LoopBudget: strangers wait first', (t) => {
  const budget = new LoopBudget();
  let strangersBytes = 0;
  for (let granted = budget.grant(true); granted > 0; granted = budget.grant(true)) {
    budget.spend(granted, true);
    strangersBytes += granted;
  }
  t.equal(strangersBytes, 16 * 1024);
  t.ok(budget.grant(false) > 0, 'clients with an allocation are still heard');
  let bytes = strangersBytes;
  for (let granted = budget.grant(false); granted > 0; granted = budget.grant(false)) {
    budget.spend(granted, false);
    bytes += granted;
  }
  t.ok(bytes >= 512 * 1024 && bytes < 1024 * 1024, 'a turn ends');
  t.equal(budget.grant(true), 0);
  budget.renew();
  t.ok(budget.grant(true) > 0 && budget.grant(false) > 0);
  t.end();
});

t.test('the clocks', (t) => {
  const before = Math.floor(Date.now() / 1000);
  const now = readUnixSeconds();
  t.ok(Number.isInteger(now) && now >= before);
  const first = readMonotonicMs();
  t.ok(first <= readMonotonicMs());
  t.end();
});
