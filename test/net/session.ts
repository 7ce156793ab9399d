import t from 'tap';
import {
  findSessions,
  isTarget,
  mergePages,
  type Session,
  type SessionQuery,
  type SessionTarget,
} from '../../src/net/session.ts';
import { Allocation, Client, Relay, ServerEndpoint } from '../../src/turn/allocation.ts';
import type { MonotonicMs, Now, UnixSeconds } from '../../src/turn/policy.ts';
import { addressFrom } from '../support/turn-client.ts';

const NOW: Now = { monotonicMs: 10_000 as MonotonicMs, unixSeconds: 1_700_000_000 as UnixSeconds };
const RATE = { bytesPerSecond: 0, packetsPerSecond: 0 };

interface Changes {
  readonly state?: 'binding' | 'active' | 'gone';
  readonly listener?: string;
  readonly expiresAt?: number;
  readonly credentialUserId?: string;
}

function allocationOf(id: string, userId: string, changes: Changes = {}): Allocation {
  const { state = 'active', listener = 'udp', expiresAt = Infinity } = changes;
  const { credentialUserId } = changes;
  const endpoint = new ServerEndpoint(listener, 'tcp', addressFrom('192.0.2.1', 3478), []);
  const allocation = new Allocation({
    client: new Client(endpoint, addressFrom('198.51.100.1', 5000), 0),
    userId,
    credentialUserId,
    userRoutes: undefined,
    transactionId: new Uint8Array(12),
    lifetimeSeconds: 600,
    isDegraded: id === 'degraded',
    rate: RATE,
    userMeter: { admit: () => true },
    credentialExpiresAtUnixSeconds: expiresAt as UnixSeconds,
    id,
    now: NOW,
  });
  allocation.state = state;
  return allocation;
}

t.test('which sessions are found', (t) => {
  const allocations = [
    allocationOf('1', 'alice'),
    allocationOf('2', 'bob', { listener: 'tls' }),
    allocationOf('3', 'alice', { listener: 'tls' }),
    allocationOf('4', 'alice', { state: 'binding' }),
    allocationOf('5', 'alice', { state: 'gone' }),
    allocationOf('6', 'carol'),
    allocationOf('7', 'device', { credentialUserId: 'dave' }),
  ];
  const cases: { query: SessionQuery; ids: string[]; total: number }[] = [
    { query: { limit: 10 }, ids: ['1', '2', '3', '6', '7'], total: 5 },
    { query: { limit: 2 }, ids: ['1', '2'], total: 5 },
    { query: { limit: 0 }, ids: [], total: 5 },
    { query: { limit: 10, userId: 'alice' }, ids: ['1', '3'], total: 2 },
    { query: { limit: 1, userId: 'alice' }, ids: ['1'], total: 2 },
    { query: { limit: 10, listener: 'tls' }, ids: ['2', '3'], total: 2 },
    { query: { limit: 10, listener: 'tls', userId: 'alice' }, ids: ['3'], total: 1 },
    { query: { limit: 10, userId: 'device' }, ids: ['7'], total: 1 },
    { query: { limit: 10, userId: 'dave' }, ids: ['7'], total: 1 },
    { query: { limit: 10, userId: '' }, ids: [], total: 0 },
    { query: { limit: 10, listener: 'dtls' }, ids: [], total: 0 },
  ];
  for (const { query, ids, total } of cases) {
    const page = findSessions(allocations, query, 3, NOW);
    const name = JSON.stringify(query);
    t.strictSame(
      page.sessions.map(({ id }) => id),
      ids,
      name,
    );
    t.equal(page.total, total, name);
    t.ok(page.sessions.every(({ worker }) => worker === 3));
  }
  t.end();
});

t.test('what is told of a session', (t) => {
  const allocation = allocationOf('degraded', 'alice', { expiresAt: 1_700_000_100 });
  const [bind, advertise] = [addressFrom('10.0.0.5', 0), addressFrom('203.0.113.7', 0)];
  allocation.relays.push(new Relay(allocation, { bind, advertise }, 50_000));
  allocation.traffic.countReceived(100);
  allocation.traffic.countReceived(1);
  allocation.traffic.countSent(7);
  const later: Now = { ...NOW, monotonicMs: (10_000 + 100_500) as MonotonicMs };
  const { sessions } = findSessions([allocation], { limit: 1 }, 0, later);
  t.strictSame(sessions, [
    {
      id: 'degraded',
      worker: 0,
      userId: 'alice',
      listener: 'udp',
      transport: 'tcp',
      client: '198.51.100.1:5000',
      relayed: ['203.0.113.7:50000'],
      createdAtUnixSeconds: 1_700_000_000,
      secondsLeft: 500,
      credentialExpiresAtUnixSeconds: 1_700_000_100,
      isDegraded: true,
      permissions: [],
      channels: [],
      receivedPackets: 2,
      receivedBytes: 101,
      sentPackets: 1,
      sentBytes: 7,
    },
  ]);
  const overdue: Now = { ...NOW, monotonicMs: 1e9 as MonotonicMs };
  t.equal(findSessions([allocation], { limit: 1 }, 0, overdue).sessions[0]!.secondsLeft, 0);
  t.end();
});

t.test('who is meant', (t) => {
  const allocation = allocationOf('1', 'alice');
  const cases: [SessionTarget, boolean][] = [
    [{ reason: 'kicked', id: '1' }, true],
    [{ reason: 'kicked', id: '2' }, false],
    [{ reason: 'kicked', id: 'alice' }, false],
    [{ reason: 'revoked', userId: 'alice' }, true],
    [{ reason: 'revoked', userId: 'bob' }, false],
    [{ reason: 'revoked', userId: '1' }, false],
  ];
  for (const [target, expected] of cases) {
    t.equal(isTarget(allocation, target), expected, JSON.stringify(target));
  }
  const device = allocationOf('2', 'device', { credentialUserId: 'alice' });
  for (const [userId, expected] of [
    ['device', true],
    ['alice', true],
    ['bob', false],
    ['2', false],
  ] as const) {
    const name = `${userId}, under a certificate`;
    t.equal(isTarget(device, { reason: 'kicked', userId }), expected, name);
    t.equal(isTarget(device, { reason: 'revoked', userId }), expected, name);
  }
  const [shown] = findSessions([device], { limit: 1, userId: 'alice' }, 0, NOW).sessions;
  t.equal(shown!.userId, 'device', 'the owner is shown');
  t.end();
});

t.test('pages of several workers', (t) => {
  const session = (id: string, createdAtUnixSeconds: number): Session => {
    const [base] = findSessions([allocationOf(id, 'alice')], { limit: 1 }, 0, NOW).sessions;
    return { ...base!, createdAtUnixSeconds };
  };
  const pages = [
    { sessions: [session('b', 2), session('d', 4)], total: 20 },
    { sessions: [], total: 0 },
    { sessions: [session('a', 1), session('c', 3)], total: 2 },
  ];
  for (const [limit, ids] of [
    [10, 'abcd'],
    [3, 'abc'],
    [0, ''],
  ] as const) {
    const merged = mergePages(pages, limit);
    t.equal(merged.sessions.map(({ id }) => id).join(''), ids);
    t.equal(merged.total, 22);
  }
  t.strictSame(mergePages([], 10), { sessions: [], total: 0 });
  t.end();
});
