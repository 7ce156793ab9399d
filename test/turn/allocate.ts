import t from 'tap';
import type { StunWriter } from '../../src/stun/message-writer.ts';
import { ATTRIBUTE, METHOD } from '../../src/stun/registry.ts';
import { Answer } from '../support/core/answer.ts';
import { TestClient, transport, type Write } from '../support/core/test-client.ts';
import {
  MIN_PORT,
  parseAddress,
  TurnDriver,
  type DriverOptions,
} from '../support/core/turn-driver.ts';

const FAMILY = ATTRIBUTE.REQUESTED_ADDRESS_FAMILY;
const ADDITIONAL = ATTRIBUTE.ADDITIONAL_ADDRESS_FAMILY;
const TOKEN = ATTRIBUTE.RESERVATION_TOKEN;
const TICKET = ATTRIBUTE.MOBILITY_TICKET;

const requested =
  (family: number): Write =>
  (w) =>
    w.uint8(FAMILY, family, 4);
const additional =
  (family: number): Write =>
  (w) =>
    w.uint8(ADDITIONAL, family, 4);
const evenPort =
  (reserve: boolean): Write =>
  (w) =>
    w.uint8(ATTRIBUTE.EVEN_PORT, reserve ? 0x80 : 0);
const lifetime =
  (seconds: number): Write =>
  (w) =>
    w.uint32(ATTRIBUTE.LIFETIME, seconds);
const token =
  (hex: string): Write =>
  (w) =>
    w.attribute(TOKEN, Buffer.from(hex, 'hex'));
const sized =
  (type: number, length: number): Write =>
  (w) =>
    w.attribute(type, new Uint8Array(length));
const dontFragment: Write = (w) => w.flag(ATTRIBUTE.DONT_FRAGMENT);
const all =
  (...writes: Write[]): Write =>
  (w: StunWriter) =>
    writes.forEach((write) => write(w));

t.test('the success response', (t) => {
  const driver = new TurnDriver();
  const client = new TestClient(driver);
  const answer = client.allocate()!;
  t.strictSame(
    answer.types,
    [
      ATTRIBUTE.XOR_RELAYED_ADDRESS,
      ATTRIBUTE.LIFETIME,
      ATTRIBUTE.XOR_MAPPED_ADDRESS,
      ATTRIBUTE.MESSAGE_INTEGRITY,
    ],
    'RFC 8656 §7.2',
  );
  const { port } = client.relay();
  t.strictSame(
    answer.addresses(ATTRIBUTE.XOR_RELAYED_ADDRESS),
    [`203.0.113.7:${port}`],
    'as advertised',
  );
  t.strictSame([...driver.sockets.values()], [`172.16.0.5 ${port}`], 'bound to the local address');
  t.strictSame(answer.addresses(ATTRIBUTE.XOR_MAPPED_ADDRESS), ['198.51.100.1:40000']);
  t.equal(answer.lifetime, 600);
  t.strictSame(
    driver.events.map(({ kind }) => kind),
    ['allocationCreated'],
  );
  t.end();
});

t.test('checks, alone and in their order', (t) => {
  const many: DriverOptions = {};
  const ipv4: DriverOptions = { families: ['IPv4'] };
  const ipv6: DriverOptions = { families: ['IPv6'] };
  const none: DriverOptions = { families: [] };
  const noDf: DriverOptions = { server: { isDontFragmentSupported: false } };
  const rows: [
    section: string,
    options: DriverOptions,
    write: Write,
    outcome: 'success' | number,
  ][] = [
    ['(3) no REQUESTED-TRANSPORT', many, () => undefined, 400],
    ['(3) REQUESTED-TRANSPORT of 1 byte', many, sized(ATTRIBUTE.REQUESTED_TRANSPORT, 1), 400],
    ['(3) REQUESTED-TRANSPORT of 8 bytes', many, sized(ATTRIBUTE.REQUESTED_TRANSPORT, 8), 400],
    ['(3) TCP', many, (w) => transport(w, 6), 442],
    ['(3) protocol 0', many, (w) => transport(w, 0), 442],
    ['(3) protocol 255', many, (w) => transport(w, 255), 442],
    ['(3) before (4)', noDf, all((w) => transport(w, 6), dontFragment), 442],
    ['and RFC 8016 §3.1.2: mobility', many, all(transport, sized(TICKET, 0)), 405],
    ['and RFC 8016 §3.1.2: a ticket', many, all(transport, sized(TICKET, 8)), 400],
    ['(3) before mobility', many, all((w) => transport(w, 6), sized(TICKET, 0)), 442],
    ['(4) DONT-FRAGMENT', many, all(transport, dontFragment), 'success'],
    ['(4) DONT-FRAGMENT unsupported', noDf, all(transport, dontFragment), 420],
    [
      '(4) before (5)',
      noDf,
      all(transport, dontFragment, token('00'.repeat(8)), evenPort(true)),
      420,
    ],
    [
      '§18 DONT-FRAGMENT with a value',
      many,
      all(transport, sized(ATTRIBUTE.DONT_FRAGMENT, 4)),
      400,
    ],
    ['(5) token with EVEN-PORT', many, all(transport, token('00'.repeat(8)), evenPort(false)), 400],
    ['(5) token with REQUESTED', many, all(transport, token('00'.repeat(8)), requested(1)), 400],
    ['(5) token with ADDITIONAL', many, all(transport, token('00'.repeat(8)), additional(2)), 400],
    ['(5) unknown token', many, all(transport, token('00'.repeat(8))), 508],
    ['§18 token of 7 bytes', many, all(transport, sized(TOKEN, 7)), 400],
    ['§18 token of 9 bytes', many, all(transport, sized(TOKEN, 9)), 400],
    ['§18 empty token', many, all(transport, sized(TOKEN, 0)), 400],
    ['(6) both family attributes', many, all(transport, requested(1), additional(2)), 400],
    ['(6) before (7)', ipv4, all(transport, requested(2), additional(2)), 400],
    ['(7) IPv6', many, all(transport, requested(2)), 'success'],
    ['(7) IPv6 where there is none', ipv4, all(transport, requested(2)), 440],
    ['(7) IPv4 where there is none', ipv6, all(transport, requested(1)), 440],
    ['(7) family 0', many, all(transport, requested(0)), 440],
    ['(7) family 3', many, all(transport, requested(3)), 440],
    ['(7) no family, nothing to relay', none, transport, 440],
    ['a browser on an IPv6-only server', ipv6, transport, 'success'],
    ['§18 family of 1 byte', many, all(transport, sized(FAMILY, 1)), 400],
    ['§18 additional family of 2 bytes', many, all(transport, sized(ADDITIONAL, 2)), 400],
    [
      '(8) EVEN-PORT with R and ADDITIONAL',
      many,
      all(transport, evenPort(true), additional(2)),
      400,
    ],
    [
      '(8) EVEN-PORT without R and ADDITIONAL',
      many,
      all(transport, evenPort(false), additional(2)),
      'success',
    ],
    ['§18 EVEN-PORT of 4 bytes', many, all(transport, sized(ATTRIBUTE.EVEN_PORT, 4)), 400],
    ['§18 EVEN-PORT without value', many, all(transport, sized(ATTRIBUTE.EVEN_PORT, 0)), 400],
    ['(9) ADDITIONAL IPv4', many, all(transport, additional(1)), 400],
    ['(9) ADDITIONAL IPv6', many, all(transport, additional(2)), 'success'],
    ['(9) ADDITIONAL of an unknown family', many, all(transport, additional(3)), 400],
    ['(9) ADDITIONAL where nothing is relayed', none, all(transport, additional(2)), 508],
    ['§18 LIFETIME of 2 bytes', many, all(transport, sized(ATTRIBUTE.LIFETIME, 2)), 400],
    ['§18 LIFETIME of 8 bytes', many, all(transport, sized(ATTRIBUTE.LIFETIME, 8)), 400],
    ['§18 reserved bytes are ignored', many, reserved, 'success'],
    ['§14 the first of two counts', many, all(transport, (w) => transport(w, 6)), 'success'],
    ['known but unexpected', many, all(transport, sized(ATTRIBUTE.DATA, 9)), 'success'],
  ];
  for (const [section, options, write, outcome] of rows) {
    const driver = new TurnDriver(options);
    const client = new TestClient(driver);
    const answer = client.request(METHOD.ALLOCATE, write)!;
    t.equal(answer.outcome, outcome, `RFC 8656 §7.2 ${section}`);
    t.equal(answer.integrity(client.key()), 'sha1', section);
    if (outcome === 420) t.strictSame(answer.unknownAttributes, [ATTRIBUTE.DONT_FRAGMENT]);
    const isMade = outcome === 'success';
    t.equal(client.allocation !== undefined, isMade, section);
    t.equal(driver.quota.total, isMade ? 1 : 0, `quota after ${section}`);
    t.equal(driver.portsTaken, driver.sockets.size, `ports after ${section}`);
  }
  t.end();

  function reserved(writer: StunWriter): void {
    writer.attribute(ATTRIBUTE.REQUESTED_TRANSPORT, Uint8Array.of(17, 1, 2, 3));
    writer.attribute(FAMILY, Uint8Array.of(2, 9, 9, 9));
    writer.attribute(ATTRIBUTE.EVEN_PORT, Uint8Array.of(0x7f));
  }
});

t.test('RFC 8656 §7.2, §8.2: lifetimes', (t) => {
  const rows: [asked: number | undefined, granted: number][] = [
    [undefined, 600],
    [0, 600],
    [1, 600],
    [599, 600],
    [600, 600],
    [601, 601],
    [3599, 3599],
    [3600, 3600],
    [3601, 3600],
    [0x7fffffff, 3600],
    [0x80000000, 3600],
    [0xffffffff, 3600],
  ];
  for (const [asked, granted] of rows) {
    const driver = new TurnDriver();
    const client = new TestClient(driver);
    t.equal(
      client.allocate(asked === undefined ? undefined : lifetime(asked))!.lifetime,
      granted,
      `${asked}`,
    );
    driver.advance(granted - 1);
    t.ok(client.allocation, `${granted} s: alive one second before`);
    driver.advance(2);
    t.notOk(client.allocation, `${granted} s: gone one second after`);
    t.strictSame(
      [driver.portsTaken, driver.sockets.size, driver.quota.total, driver.server.allocationCount],
      [0, 0, 0, 0],
    );
    if (asked === 0) continue;
    client.challenge();
    client.allocate(lifetime(3600));
    driver.advance(100);
    t.equal(client.refresh(asked)!.lifetime, granted, `refresh with ${asked}`);
    driver.advance(granted - 1);
    t.ok(client.allocation, `refresh to ${granted} s: alive one second before`);
    driver.advance(2);
    t.notOk(
      client.allocation,
      `refresh to ${granted} s: gone one second after, however long it was before`,
    );
  }
  t.end();
});

t.test('RFC 8656 §8.2: Refresh', (t) => {
  const driver = new TurnDriver();
  const client = new TestClient(driver);
  t.equal(client.refresh(600)!.outcome, 437, '§5: no allocation');
  t.equal(client.refresh(0)!.outcome, 437);
  client.allocate();
  const refreshed = client.refresh(1000)!;
  t.strictSame(refreshed.types, [ATTRIBUTE.LIFETIME, ATTRIBUTE.MESSAGE_INTEGRITY]);
  t.equal(client.request(METHOD.REFRESH, sized(ATTRIBUTE.LIFETIME, 3))!.outcome, 400);
  t.equal(client.request(METHOD.REFRESH, sized(FAMILY, 3))!.outcome, 400);
  t.equal(client.refresh(600, 2)!.outcome, 443, 'the family it does not have');
  t.equal(client.refresh(0, 2)!.outcome, 443);
  t.equal(client.refresh(600, 7)!.outcome, 443);
  t.equal(client.refresh(600, 1)!.outcome, 'success');
  const id = client.nextTransactionId();
  const gone = client.refresh(0, undefined, { transactionId: id })!;
  t.equal(gone.outcome, 'success');
  t.equal(gone.lifetime, 0, '§8.2: LIFETIME 0');
  t.equal(
    client.refresh(0, undefined, { transactionId: id })!.outcome,
    437,
    '§8.3: a repeated delete',
  );
  t.strictSame([driver.portsTaken, driver.sockets.size, driver.quota.total], [0, 0, 0]);

  client.allocate(additional(2));
  t.equal(driver.sockets.size, 2);
  client.bindChannel(0x4000, '10.0.0.1', 1000);
  client.bindChannel(0x4001, 'fd00::1', 1000);
  t.equal(client.refresh(0, 2)!.lifetime, 0, 'one family of two');
  t.equal(driver.sockets.size, 1);
  t.strictSame([...client.allocation!.channelByNumber.keys()], [0x4000]);
  t.equal(client.allocation!.permissionByPeer.size, 1);
  t.equal(client.channelData(0x4001, new Uint8Array(1)), undefined);
  t.equal(client.permit('fd00::1')!.outcome, 443);
  t.equal(client.refresh(600, 2)!.outcome, 443);
  t.equal(client.refresh(0, 1)!.lifetime, 0, 'the last one ends it');
  t.equal(client.allocation, undefined);
  t.strictSame(
    [driver.portsTaken, driver.sockets.size, driver.quota.total, driver.channels.size],
    [0, 0, 0, 0],
  );
  t.end();
});

t.test('RFC 8656 §7.2 (9): a dual allocation, whole and in part', (t) => {
  const addressError = (answer: Answer): string | undefined =>
    answer.hex(ATTRIBUTE.ADDRESS_ERROR_CODE);
  const both = new TestClient(new TurnDriver()).allocate(additional(2))!;
  t.match(both.addresses(ATTRIBUTE.XOR_RELAYED_ADDRESS), [/^203\.0\.113\.7:/, /^\[2001:db8::7\]:/]);
  t.equal(addressError(both), undefined);

  for (const [family, value, kept] of [
    ['IPv4', '02000428', /^203/],
    ['IPv6', '01000428', /^\[2001/],
  ] as const) {
    const driver = new TurnDriver({ families: [family] });
    const answer = new TestClient(driver).allocate(additional(2))!;
    t.equal(addressError(answer), value, `§18.12: 440 for the family beside ${family}`);
    t.match(answer.addresses(ATTRIBUTE.XOR_RELAYED_ADDRESS), [kept]);
  }
  for (const [name, full, value] of [
    ['IPv4', 'v4', '01000508'],
    ['IPv6', 'v6', '02000508'],
  ] as const) {
    const driver = new TurnDriver();
    driver.owners[full].fill(9);
    const answer = new TestClient(driver).allocate(additional(2))!;
    t.equal(addressError(answer), value, `508 for ${name} without free ports`);
    t.equal(answer.addresses(ATTRIBUTE.XOR_RELAYED_ADDRESS).length, 1);
  }
  for (const failing of [1, 2]) {
    const driver = new TurnDriver();
    driver.binding = 'delayed';
    const client = new TestClient(driver);
    t.equal(client.allocate(additional(2)), undefined);
    const [bytes] = driver.bindWaiting((relay) => relay.family !== failing);
    t.equal(
      addressError(new Answer(bytes!)),
      `0${failing}000508`,
      `508 for a failed bind of family ${failing}`,
    );
    t.equal(driver.portsTaken, 1);
  }
  const nothing = new TurnDriver();
  nothing.binding = 'failing';
  t.equal(new TestClient(nothing).allocate(additional(2))!.outcome, 508, 'neither');
  t.strictSame(
    [nothing.portsTaken, nothing.quota.total, nothing.server.allocationCount],
    [0, 0, 0],
  );
  const half = new TurnDriver({ families: ['IPv6'] });
  half.owners.v6.fill(9);
  t.equal(
    new TestClient(half).allocate(additional(2))!.outcome,
    508,
    'the only one there is without free ports',
  );
  t.end();
});

t.test('RFC 8489 §6.3.1: retransmissions', (t) => {
  for (const write of [undefined, evenPort(true), additional(2), lifetime(1000)]) {
    const driver = new TurnDriver();
    const client = new TestClient(driver);
    const id = client.nextTransactionId();
    const first = client.allocate(write, { transactionId: id })!;
    t.equal(first.outcome, 'success');
    for (let count = 0; count < 3; count++) {
      t.strictSame(
        client.allocate(write, { transactionId: id })!.bytes,
        first.bytes,
        'the same answer',
      );
    }
    t.equal(driver.quota.total, 1);
    t.equal(client.allocate(write)!.outcome, 437, '§7.2 (2): another transaction');
    const bob = new TestClient(driver, { user: 'bob' });
    t.equal(bob.allocate(write, { transactionId: id })!.outcome, 437, 'another user');
  }
  t.end();
});

t.test('a slow driver', (t) => {
  const driver = new TurnDriver();
  driver.binding = 'delayed';
  const client = new TestClient(driver);
  const id = client.nextTransactionId();
  t.equal(client.allocate(evenPort(true), { transactionId: id }), undefined);
  t.equal(
    client.allocate(evenPort(true), { transactionId: id }),
    undefined,
    'a retransmission waits too',
  );
  t.equal(driver.drops.allocationBinding, 1);
  t.equal(client.allocate()!.outcome, 437, 'another transaction does not');
  t.equal(client.refresh(600)!.outcome, 437, 'there is no allocation yet');
  t.equal(client.sendIndication('10.0.0.1', 1, new Uint8Array(1)), undefined);
  t.equal(client.channelData(0x4000, new Uint8Array(1)), undefined);
  driver.advance(20);
  const answers = driver.bindWaiting();
  t.equal(answers.length, 1, 'one answer');
  t.strictSame(
    client.allocate(evenPort(true), { transactionId: id })!.bytes,
    answers[0],
    'and again the same',
  );
  driver.advance(599);
  t.ok(client.allocation, '§7.2: the lifetime runs from the answer that names it');
  driver.advance(2);
  t.notOk(client.allocation);

  const stream = new TestClient(driver, { port: 40_001, handle: 5 });
  t.equal(stream.allocate(all(additional(2))), undefined);
  driver.server.handleClientClosed(stream.client);
  driver.drain();
  t.equal(driver.quota.total, 0, 'the place is free at once');
  t.strictSame(driver.bindWaiting(), [], 'nobody is left to answer');
  stream.challenge();
  t.equal(stream.allocate(evenPort(true)), undefined);
  driver.server.handleClientClosed(stream.client);
  driver.drain();
  t.strictSame(driver.bindWaiting(), []);
  stream.allocate(all(additional(2)));
  driver.server.handleClientClosed(stream.client);
  driver.drain();
  t.strictSame(
    driver.bindWaiting(() => false),
    [],
  );
  driver.advance(31);
  t.strictSame(
    [driver.portsTaken, driver.sockets.size, driver.quota.total],
    [0, 0, 0],
    'nothing is lost',
  );
  t.end();
});

t.test('RFC 8656 §7.2: ports that are taken, and sockets that cannot be had', (t) => {
  for (const [mode, attempts] of [
    ['portTaken', 16],
    ['failing', 1],
  ] as const) {
    for (const write of [undefined, evenPort(false), evenPort(true)]) {
      const driver = new TurnDriver();
      driver.binding = mode;
      const client = new TestClient(driver);
      t.equal(client.allocate(write)!.outcome, 508);
      t.equal(driver.bindCount, attempts, `${mode}: ${attempts} attempts`);
      t.strictSame([driver.portsTaken, driver.quota.total, client.allocation], [0, 0, undefined]);
      t.strictSame(
        driver.events.map((event) => event.kind),
        ['allocationRefused'],
      );
      driver.binding = 'synchronous';
      t.equal(client.allocate(write)!.outcome, 'success', 'the 5-tuple is free again');
    }
  }
  const driver = new TurnDriver({ portCount: 4 });
  const outcomes = Array.from(
    { length: 6 },
    (_, index) => new TestClient(driver, { port: 40_000 + index }).allocate()!.outcome,
  );
  t.strictSame(outcomes, ['success', 'success', 'success', 'success', 508, 508], 'a full range');
  driver.server.shutdown();
  driver.drain();
  t.equal(driver.portsTaken, 0);
  t.end();
});

t.test('RFC 8656 §7.2 (8), §18.6: EVEN-PORT', (t) => {
  const even = new TurnDriver({ portCount: 8, minPort: 50_001 });
  const clients = Array.from(
    { length: 5 },
    (_, index) => new TestClient(even, { port: 40_000 + index }),
  );
  const outcomes = clients.map((client) => client.allocate(evenPort(false))!.outcome);
  t.strictSame(
    outcomes,
    ['success', 'success', 'success', 'success', 508],
    'four even ports in eight',
  );
  t.ok(clients.slice(0, 4).every((client) => client.relay().port % 2 === 0));
  t.equal(even.portsTaken, 4, 'R=0 reserves nothing');
  t.ok(clients.slice(0, 4).every((client) => client.allocation!.reservationToken === undefined));

  const pair = new TurnDriver({ portCount: 8, minPort: 50_001 });
  const pairs = Array.from(
    { length: 4 },
    (_, index) => new TestClient(pair, { port: 40_000 + index }),
  );
  const answers = pairs.map((client) => client.allocate(evenPort(true))!);
  t.strictSame(
    answers.map(({ outcome }) => outcome),
    ['success', 'success', 'success', 508],
    'three pairs in eight',
  );
  t.equal(pair.portsTaken, 6);
  const tokens = answers.slice(0, 3).map((answer) => answer.hex(TOKEN));
  t.equal(new Set(tokens).size, 3);
  t.ok(
    tokens.every((hex) => hex?.length === 16),
    '§18.10: eight bytes',
  );
  t.end();
});

t.test('RFC 8656 §7.2 (5): reservations', (t) => {
  const reserve = (driver: TurnDriver): { owner: TestClient; hex: string; port: number } => {
    const owner = new TestClient(driver);
    const hex = owner.allocate(evenPort(true))!.hex(TOKEN)!;
    return { owner, hex, port: owner.relay().port + 1 };
  };
  const idle = (driver: TurnDriver): unknown => [
    driver.portsTaken,
    driver.sockets.size,
    driver.quota.total,
    driver.reservations.byToken.size,
  ];

  t.test('redeemed once, from any 5-tuple', (t) => {
    const driver = new TurnDriver();
    const { owner, hex, port } = reserve(driver);
    driver.advance(29);
    const other = new TestClient(driver, { ip: '2001:db8::44', user: 'bob', handle: 8 });
    const answer = other.allocate(token(hex))!;
    t.equal(answer.outcome, 'success');
    t.equal(other.relay().port, port, 'the reserved port');
    t.notOk(answer.has(TOKEN));
    t.equal(new TestClient(driver, { port: 7 }).allocate(token(hex))!.outcome, 508, 'only once');
    driver.advance(60);
    t.ok(driver.sockets.has(other.relay().handle), 'its socket lives on');
    owner.refresh(0);
    other.refresh(0);
    t.strictSame(idle(driver), [0, 0, 0, 0]);
    t.end();
  });

  t.test('held for 30 seconds', (t) => {
    const driver = new TurnDriver();
    const { owner, hex } = reserve(driver);
    owner.refresh(0);
    t.equal(driver.portsTaken, 1, 'longer than the allocation that made it');
    driver.advance(29);
    t.equal(driver.portsTaken, 1);
    driver.advance(2);
    t.strictSame(idle(driver), [0, 0, 0, 0], 'back in the pool');
    t.equal(owner.allocate(token(hex))!.outcome, 508, 'expired');
    t.end();
  });

  t.test('no room', (t) => {
    const driver = new TurnDriver();
    driver.reservations.max = 0;
    const client = new TestClient(driver);
    const answer = client.allocate(evenPort(true))!;
    t.equal(answer.outcome, 'success');
    t.notOk(answer.has(TOKEN), 'a full store reserves nothing');
    t.equal(driver.portsTaken, 1, 'and its port is free');
    t.equal(driver.sockets.size, 1, 'and its socket closed');
    t.end();
  });

  t.test('a refusal leaves the reservation as it was', (t) => {
    const driver = new TurnDriver();
    const { hex, port } = reserve(driver);
    driver.quota.perUserMax = 1;
    const other = new TestClient(driver, { port: 40_001 });
    t.equal(other.allocate(token(hex))!.outcome, 486);
    driver.quota.perUserMax = 2;
    t.equal(other.allocate(token(hex))!.outcome, 'success');
    t.equal(other.relay().port, port);
    t.end();
  });

  t.test('of a family that is not relayed here', (t) => {
    const driver = new TurnDriver();
    const owner = new TestClient(driver);
    const hex = owner.allocate(all(evenPort(true), requested(2)))!.hex(TOKEN)!;
    const elsewhere = new TestClient(driver, { port: 40_001 });
    const ipv4Only = new TurnDriver({ families: ['IPv4'] });
    elsewhere.client.endpoint = ipv4Only.udp;
    t.equal(elsewhere.allocate(token(hex))!.outcome, 508);
    t.equal(driver.portsTaken, 1, 'its port is free again');
    t.equal(driver.sockets.size, 1, 'and its socket closed');
    elsewhere.client.endpoint = driver.udp;
    t.equal(elsewhere.allocate(token(hex))!.outcome, 508, 'a token serves once');
    t.end();
  });

  t.test('a socket that cannot be taken over', (t) => {
    for (const mode of ['failing', 'portTaken'] as const) {
      const driver = new TurnDriver();
      const { owner, hex } = reserve(driver);
      driver.adopting = mode;
      const other = new TestClient(driver, { port: 40_001 });
      t.equal(other.allocate(token(hex))!.outcome, 508, 'no other port stands in for it');
      t.equal(driver.bindCount, 1);
      owner.refresh(0);
      t.strictSame(idle(driver), [0, 0, 0, 0]);
    }
    t.end();
  });
  t.end();
});

t.test('quotas, redirection and forbidden clients', (t) => {
  const driver = new TurnDriver();
  driver.quota.perUserMax = 2;
  driver.quota.totalMax = 3;
  const at = (port: number, user = 'alice'): TestClient => new TestClient(driver, { port, user });
  t.equal(at(1).allocate()!.outcome, 'success');
  t.equal(at(2).allocate()!.outcome, 'success');
  t.equal(at(3).allocate()!.outcome, 486, 'RFC 8656 §7.2 (10): the user has enough');
  t.equal(at(4, 'bob').allocate()!.outcome, 'success', 'other users are not concerned');
  t.equal(at(5, 'carol').allocate()!.outcome, 508, 'the server has enough');
  t.equal(
    at(6).request(METHOD.ALLOCATE, all(transport, token('00'.repeat(8))))!.outcome,
    486,
    'asked before a token is redeemed',
  );
  const refused = driver.events.flatMap((event) =>
    event.kind === 'allocationRefused' ? [event.reason] : [],
  );
  t.strictSame(refused, ['userQuotaReached', 'insufficientCapacity', 'userQuotaReached']);
  at(1).refresh(0);
  t.equal(at(3).allocate()!.outcome, 'success');

  const v4 = parseAddress('192.0.2.77', 3478);
  const v6 = parseAddress('2001:db8::77', 3478);
  const rows = [
    { servers: [v4, v6], ip: '198.51.100.1', named: [v4, v6], outcome: 300 },
    { servers: [v4, v6], ip: '2001:db8::1', named: [v6, v4], outcome: 300 },
    { servers: [v4], ip: '198.51.100.1', named: [v4], outcome: 300 },
    { servers: [v4], ip: '2001:db8::1', named: [], outcome: 508 },
  ];
  for (const { servers, ip, named, outcome } of rows) {
    const elsewhere = new TurnDriver({
      rules: { isDraining: true, alternateServers: servers },
    });
    const client = new TestClient(elsewhere, { ip });
    t.equal(client.challenge().outcome, 401, 'RFC 8489 §10: a stranger is not redirected');
    const answer = client.allocate()!;
    t.equal(answer.outcome, outcome, 'RFC 8656 §7.2 (11)');
    t.equal(answer.integrity(client.key()), 'sha1', 'RFC 8489 §10: protected');
    const first = answer.hex(ATTRIBUTE.ALTERNATE_SERVER);
    const expected = named[0] && Buffer.from(named[0].ipBytes()).toString('hex');
    t.equal(first?.slice(8), expected, 'RFC 8489 §14.15: the family of the client first');
    t.equal(
      answer.types.filter((type) => type === ATTRIBUTE.ALTERNATE_SERVER).length,
      named.length,
    );
    t.equal(elsewhere.quota.total, 0);
  }

  for (const ip of ['2001:0:1::1', '2001::', '2002::1', '2002:c000:201::1']) {
    const client = new TestClient(new TurnDriver(), { ip });
    t.equal(client.allocate()!.outcome, 403, `RFC 8656 §21.4: ${ip} is a tunnel`);
  }
  t.equal(new TestClient(new TurnDriver(), { ip: '2001:1::1' }).allocate()!.outcome, 'success');
  t.equal(new TestClient(new TurnDriver(), { ip: '32.1.0.0' }).allocate()!.outcome, 'success');
  t.end();
});

t.test('RFC 8656 §5: who owns an allocation', (t) => {
  const driver = new TurnDriver();
  const alice = new TestClient(driver);
  alice.allocate();
  const bob = new TestClient(driver, { user: 'bob' });
  t.equal(bob.refresh(0)!.outcome, 441);
  t.equal(bob.permit('10.0.0.1')!.outcome, 441);
  t.equal(bob.bindChannel(0x4000, '10.0.0.1', 1000)!.outcome, 441);
  t.equal(bob.refresh(0)!.integrity(bob.key()), 'sha1', 'signed with the key of who asked');
  t.equal(bob.request(METHOD.REFRESH, (w) => w.flag(0x7777))!.outcome, 420);
  t.ok(alice.allocation, 'nothing happened to it');
  const stranger = new TestClient(driver, { port: 40_001 });
  t.equal(stranger.permit('10.0.0.1')!.outcome, 437);
  t.equal(stranger.bindChannel(0x4000, '10.0.0.1', 1000)!.outcome, 437);
  t.equal(stranger.sendIndication('10.0.0.1', 1000, new Uint8Array(1)), undefined);
  t.equal(stranger.channelData(0x4000, new Uint8Array(1)), undefined);
  t.equal(driver.drops.noAllocation, 2);
  t.end();
});

t.test('streams', (t) => {
  const driver = new TurnDriver();
  const datagram = new TestClient(driver, { port: 40_000 });
  const stream = new TestClient(driver, { port: 40_000, handle: 9 });
  t.equal(datagram.allocate()!.outcome, 'success');
  t.equal(stream.allocate()!.outcome, 'success', 'another 5-tuple with the same client address');
  t.equal(driver.server.allocationCount, 2);
  driver.server.handleClientClosed(stream.client);
  driver.drain();
  t.equal(stream.allocation, undefined);
  t.ok(datagram.allocation);
  driver.server.handleClientClosed(stream.client);
  driver.drain();
  const ends = driver.events.flatMap((event) =>
    event.kind === 'allocationDeleted' ? [event.reason] : [],
  );
  t.strictSame(ends, ['clientClosed']);
  t.strictSame(
    [...driver.server.allocations()].map(({ client }) => client.handle),
    [-1],
  );
  t.ok(datagram.relay().port >= MIN_PORT);
  t.end();
});
