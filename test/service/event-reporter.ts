import t from 'tap';
import { LOG_RECORDS_PER_SECOND_MAX, LOG_TEXT_CHARACTERS_MAX } from '../../src/limits.ts';
import type { LogRecord } from '../../src/log.ts';
import { RouteTable } from '../../src/route/route-table.ts';
import { EventReporter } from '../../src/service/event-reporter.ts';
import { Allocation, Client, Relay, ServerEndpoint } from '../../src/turn/allocation.ts';
import type { TurnEvent } from '../../src/turn/commands.ts';
import type { MonotonicMs, UnixSeconds } from '../../src/turn/policy.ts';
import { addressFrom } from '../support/turn-client.ts';

const RELAY_ADDRESS = { bind: addressFrom('10.0.0.5', 0), advertise: addressFrom('192.0.2.1', 0) };
const ENDPOINT = new ServerEndpoint('udp', 'udp', addressFrom('192.0.2.1', 3478), [RELAY_ADDRESS]);
const CLIENT = new Client(ENDPOINT, addressFrom('198.51.100.1', 40_000));
const WHERE = { listener: 'udp', client: '198.51.100.1:40000', transport: 'udp' };
const SESSION = { session: '00112233445566ff', ...WHERE };
const UNLIMITED = { bytesPerSecond: 0, packetsPerSecond: 0 };

t.test('every event becomes a record', (t) => {
  const allocation = allocationOf('alice');
  const peer = addressFrom('10.0.0.7', 80);
  const denial = { kind: 'peerDenied', allocation, peer, verdict: 'noRoute' } as const;
  allocation.traffic.countReceived(100);
  allocation.traffic.countReceived(20);
  allocation.traffic.countSent(7);
  const owned = { ...SESSION, user: 'alice', relayed: ['192.0.2.1:50000'] };
  const cases: {
    event: TurnEvent;
    level: string;
    type: string;
    message: string;
    fields: object;
  }[] = [
    {
      event: { kind: 'allocationCreated', allocation },
      level: 'info',
      type: 'allocation.created',
      message: 'allocation created',
      fields: owned,
    },
    {
      event: { kind: 'allocationCreated', allocation: allocationOf('alice', true) },
      level: 'info',
      type: 'allocation.created',
      message: 'allocation created',
      fields: { ...owned, degraded: true },
    },
    {
      event: { kind: 'allocationDeleted', allocation, reason: 'expired' },
      level: 'info',
      type: 'allocation.ended',
      message: 'allocation ended',
      fields: {
        ...owned,
        reason: 'expired',
        receivedPackets: 2,
        receivedBytes: 120,
        sentPackets: 1,
        sentBytes: 7,
      },
    },
    {
      event: {
        kind: 'allocationRefused',
        client: CLIENT,
        userId: 'alice',
        reason: 'userQuotaReached',
      },
      level: 'warn',
      type: 'allocation.refused',
      message: 'allocation refused',
      fields: { ...WHERE, user: 'alice', reason: 'userQuotaReached' },
    },
    {
      event: { kind: 'authenticationFailed', client: CLIENT, reason: 'expired', username: '1:eve' },
      level: 'warn',
      type: 'auth.failed',
      message: 'authentication failed',
      fields: { ...WHERE, username: '1:eve', reason: 'expired' },
    },
    {
      event: { ...denial, verdict: 'portNotRouted', port: 80, request: 'ChannelBind' },
      level: 'warn',
      type: 'peer.denied',
      message: 'peer denied',
      fields: {
        ...SESSION,
        user: 'alice',
        peer: '10.0.0.7:80',
        request: 'ChannelBind',
        reason: 'portNotRouted',
        forbidden: undefined,
        nearestRoute: 'media 10.0.0.0/24:5000-5999: the port is not in 5000-5999',
      },
    },
    {
      event: {
        ...denial,
        peer: addressFrom('127.0.0.1', 0),
        port: undefined,
        verdict: 'forbiddenPeer',
        request: 'CreatePermission',
      },
      level: 'warn',
      type: 'peer.denied',
      message: 'peer denied',
      fields: {
        ...SESSION,
        user: 'alice',
        peer: '127.0.0.1',
        request: 'CreatePermission',
        reason: 'forbiddenPeer',
        forbidden: 'loopback',
        nearestRoute: 'media 10.0.0.0/24:5000-5999: the address is outside the endpoint',
      },
    },
  ];
  for (const { event, level, type, message, fields } of cases) {
    const { reporter, records } = openReporter();
    reporter.report(event, at(0));
    t.strictSame(records, [{ level, scope: 'turn', event: type, message, fields }], event.kind);
  }
  t.end();
});

t.test('denials are explained by the routes of the moment', (t) => {
  const { reporter, records } = openReporter();
  const event: TurnEvent = {
    kind: 'peerDenied',
    allocation: allocationOf('alice'),
    peer: addressFrom('10.0.0.7', 80),
    port: 80,
    verdict: 'noRoute',
    request: 'routeChange',
  };
  reporter.routes = new RouteTable({ listeners: [], clusters: [], own: [] });
  reporter.report(event, at(0));
  t.match(records, [{ fields: { request: 'routeChange', nearestRoute: 'none' } }]);
  t.end();
});

t.test('so many records of a kind per second and no more', (t) => {
  const { reporter, records } = openReporter();
  const excess = 7;
  const failure: TurnEvent = {
    kind: 'authenticationFailed',
    client: CLIENT,
    reason: 'unknownUser',
    username: 'eve',
  };
  for (let count = 0; count < LOG_RECORDS_PER_SECOND_MAX + excess; count++) {
    reporter.report(failure, at(1000 + count));
  }
  t.equal(records.length, LOG_RECORDS_PER_SECOND_MAX);
  t.notOk(records.some(({ fields }) => 'suppressed' in fields));
  const created: TurnEvent = { kind: 'allocationCreated', allocation: allocationOf('alice') };
  reporter.report(created, at(1999));
  t.match(
    records.at(-1),
    { message: 'allocation created' },
    'other kinds have a count of their own',
  );
  t.notOk('suppressed' in records.at(-1)!.fields);

  reporter.report(failure, at(2000));
  t.match(records.at(-1), { message: 'authentication failed', fields: { suppressed: excess } });
  reporter.report(failure, at(2001));
  t.notOk('suppressed' in records.at(-1)!.fields, 'said once');
  t.end();
});

t.test('text that a client made is cut', (t) => {
  const bearable = 'x'.repeat(LOG_TEXT_CHARACTERS_MAX);
  const cases = [
    { text: '', shown: '' },
    { text: bearable, shown: bearable },
    { text: `${bearable}y`, shown: `${bearable}…` },
    { text: 'x'.repeat(700), shown: `${bearable}…` },
    { text: 'x\u009b2J\u202eevil\n', shown: 'x\\u{9b}2J\\u{202e}evil\\u{a}' },
  ];
  for (const { text, shown } of cases) {
    const { reporter, records } = openReporter();
    const peer = addressFrom('10.0.0.7', 80);
    const allocation = allocationOf(text);
    const events: TurnEvent[] = [
      { kind: 'allocationCreated', allocation },
      { kind: 'allocationDeleted', allocation, reason: 'shutdown' },
      { kind: 'allocationRefused', client: CLIENT, userId: text, reason: 'noRelayPort' },
      { kind: 'peerDenied', allocation, peer, port: 80, verdict: 'noRoute', request: 'Send' },
      { kind: 'authenticationFailed', client: CLIENT, reason: 'malformed', username: text },
    ];
    for (const event of events) reporter.report(event, at(0));
    const texts = records.map(({ fields }) => fields['user'] ?? fields['username']);
    t.same(texts, [shown, shown, shown, shown, shown], `${text.length} characters`);
  }
  t.end();
});

function openReporter(): { reporter: EventReporter; records: LogRecord[] } {
  const records: LogRecord[] = [];
  const routes = new RouteTable({
    listeners: [{ name: 'udp', routes: ['media'] }],
    clusters: [
      {
        name: 'media',
        protocol: 'udp',
        dangerouslyAllow: [],
        endpoints: [{ address: '10.0.0.0', prefixLength: 24, minPort: 5000, maxPort: 5999 }],
      },
    ],
    own: [],
  });
  const reporter = new EventReporter(routes, (record) => records.push(structuredClone(record)));
  return { reporter, records };
}

function allocationOf(userId: string, isDegraded = false): Allocation {
  const allocation = new Allocation({
    client: CLIENT,
    userId,
    userRoutes: undefined,
    transactionId: new Uint8Array(12),
    lifetimeSeconds: 600,
    isDegraded,
    rate: UNLIMITED,
    userMeter: { admit: () => true },
    credentialExpiresAtUnixSeconds: Infinity as UnixSeconds,
    id: SESSION.session,
    now: { monotonicMs: at(0), unixSeconds: 0 as UnixSeconds },
  });
  allocation.relays.push(new Relay(allocation, RELAY_ADDRESS, 50_000));
  return allocation;
}

function at(ms: number): MonotonicMs {
  return ms as MonotonicMs;
}
