import t from 'tap';
import { createCredentialPolicy } from '../../src/auth/credential-policy.ts';
import type { AuthOptions } from '../../src/auth/auth-options.ts';
import { CREDENTIAL_CLOCK_SKEW_MAX_SECONDS } from '../../src/limits.ts';
import { ATTRIBUTE, METHOD } from '../../src/stun/registry.ts';
import { isTarget } from '../../src/net/session.ts';
import { Answer } from '../support/core/answer.ts';
import { TestClient, unsigned } from '../support/core/test-client.ts';
import { authOptions, TurnDriver, USERS } from '../support/core/turn-driver.ts';
import type { CredentialExpiry } from '../../src/turn/turn-context.ts';

const SECRET = 'a shared secret';
const AUTH: Partial<AuthOptions> = { type: 'ephemeral', users: USERS, secrets: [SECRET] };
const DATA = Buffer.from('hello');
const ALL: readonly CredentialExpiry[] = ['keep', 'refuse', 'close'];

type Ask = (client: TestClient) => Answer | undefined;
const REQUESTS: readonly [name: string, ask: Ask][] = [
  ['Refresh', (client) => client.refresh(3600)],
  ['CreatePermission', (client) => client.permit('10.0.0.1')],
  ['ChannelBind', (client) => client.bindChannel(0x4000, '10.0.0.1', 1000)],
];

t.test('an allocation whose credential expires', (t) => {
  const rows: Record<CredentialExpiry, { outcome: 'success' | number; end: string[] }> = {
    keep: { outcome: 'success', end: [] },
    refuse: { outcome: 401, end: [] },
    close: { outcome: 401, end: ['credentialExpired'] },
  };
  for (const rule of ALL) {
    const { driver, client } = relaying(rule, 100);
    driver.advance(100);
    for (const [name, ask] of REQUESTS)
      t.equal(ask(client)!.outcome, 'success', `${rule}: ${name} in the last second`);
    t.ok(client.channelData(0x4000, DATA), `${rule}: data in the last second`);
    driver.advance(1);
    const { outcome, end } = rows[rule];
    t.strictSame(ends(driver), end, `${rule}: one second later`);
    for (const [name, ask] of REQUESTS)
      t.equal(ask(client)!.outcome, outcome, `${rule}: ${name} after it`);
    const isLeft = rule !== 'close';
    t.equal(client.channelData(0x4000, DATA) !== undefined, isLeft, `${rule}: data up`);
    t.equal(comesThrough(driver, client), isLeft, `${rule}: data down`);
    const another = clientOf(driver, 100 - 101, 40_001);
    t.equal(another.allocate()!.outcome, 401, `${rule}: a new allocation`);
    if (isLeft) t.equal(client.allocate()!.outcome, rule === 'keep' ? 437 : 401);
    t.equal(driver.sockets.size, isLeft ? 1 : 0, `${rule}: sockets`);
    t.equal(driver.quota.total, isLeft ? 1 : 0, `${rule}: quota`);
    driver.advance(3601);
    t.strictSame(ends(driver), [isLeft ? 'expired' : 'credentialExpired'], `${rule}: at last`);
    t.equal(driver.server.pollTimeout(), undefined, `${rule}: nothing is waited for`);
  }
  t.end();
});

t.test('a newer credential of the same user', (t) => {
  for (const [name, ask] of REQUESTS) {
    const { driver, client } = relaying('close', 100);
    driver.advance(50);
    show(client, 500);
    t.equal(ask(client)!.outcome, 'success', name);
    driver.advance(400);
    t.ok(client.channelData(0x4000, DATA), `${name}: it counts from now on`);
    show(client, 10);
    t.equal(ask(client)!.outcome, 'success');
    driver.advance(99);
    t.ok(client.allocation, `${name}: an older one takes nothing away`);
    driver.advance(2);
    t.strictSame(ends(driver), ['credentialExpired'], `${name}: and ends as well`);
  }
  t.end();
});

t.test('what does not prolong a credential', (t) => {
  const rows: [name: string, outcome: number, ask: Ask][] = [
    [
      'a wrong password',
      401,
      (client) => client.refresh(3600, undefined, { key: new Uint8Array(16) }),
    ],
    ['another user', 441, (client) => (show(client, 500, 'eve'), client.refresh(3600))],
    ['an expiry out of reach', 401, (client) => (show(client, 1e6), client.refresh(3600))],
    ['a static user', 441, (client) => asStatic(client).refresh(3600)],
    ['data', 0, (client) => void client.channelData(0x4000, DATA)],
  ];
  for (const [name, outcome, ask] of rows) {
    const { driver, client } = relaying('close', 100);
    driver.advance(50);
    t.equal(ask(client)?.outcome ?? 0, outcome, name);
    driver.advance(50);
    t.ok(client.allocation, name);
    driver.advance(1);
    t.strictSame(ends(driver), ['credentialExpired'], name);
  }
  t.end();

  function asStatic(client: TestClient): TestClient {
    client.username = 'alice';
    client.password = 'wonderland';
    return client;
  }
});

t.test('a rule that changes holds for live allocations', (t) => {
  for (const from of ALL) {
    for (const to of ALL) {
      const { driver, client } = relaying(from, 100);
      driver.advance(50);
      driver.changeRules({ onCredentialExpiry: to });
      driver.advance(51);
      const name = `${from} to ${to}`;
      t.equal(client.allocation === undefined, to === 'close', `${name}, before the expiry`);

      if (from === 'close') continue;
      const late = relaying(from, 100);
      late.driver.advance(200);
      late.driver.changeRules({ onCredentialExpiry: to });
      late.driver.advance(1);
      const isClosed = late.client.allocation === undefined;
      t.equal(isClosed, to === 'close', `${name}, long after it`);
      if (isClosed) continue;
      const expected = to === 'keep' ? 'success' : 401;
      t.equal(late.client.refresh(600)!.outcome, expected, `${name}: Refresh`);
    }
  }
  t.end();
});

t.test('static users never expire', (t) => {
  for (const rule of ALL) {
    const driver = new TurnDriver({ auth: AUTH, rules: { onCredentialExpiry: rule } });
    const client = new TestClient(driver);
    client.allocate((w) => w.uint32(ATTRIBUTE.LIFETIME, 3600));
    for (let hour = 0; hour < 48; hour++) {
      driver.advance(3590);
      client.challenge();
      t.equal(client.refresh(3600)!.outcome, 'success', rule);
      driver.changeRules({ onCredentialExpiry: ALL[hour % 3]! });
    }
    driver.advance(3601);
    t.strictSame(ends(driver), ['expired'], rule);
  }
  t.end();
});

t.test('an allocation that outlives its lifetime before its credential', (t) => {
  for (const rule of ALL) {
    const { driver } = relaying(rule, 10_000);
    driver.advance(3601);
    t.strictSame(ends(driver), ['expired'], rule);
  }
  t.end();
});

t.test('keep: every credential that was valid since the allocation was made', (t) => {
  const maxTtlSeconds = 100;
  const latest = maxTtlSeconds + CREDENTIAL_CLOCK_SKEW_MAX_SECONDS;
  const driver = new TurnDriver({
    auth: { ...AUTH, maxTtlSeconds },
    rules: { onCredentialExpiry: 'keep' },
  });
  const early = `${driver.unixSeconds - 1}:ann`;
  const first = `${driver.unixSeconds + 3000}:ann`;
  const client = new TestClient(driver, { user: first, secret: SECRET });
  client.allocate((w) => w.uint32(ATTRIBUTE.LIFETIME, 3600));
  const refresh = (username: string): Answer['outcome'] => {
    client.useEphemeral(username, SECRET);
    client.challenge();
    return client.refresh(3600)!.outcome;
  };
  driver.advance(2900);
  const second = `${driver.unixSeconds + latest}:ann`;
  t.equal(refresh(second), 'success');
  for (let passed = 0; passed < latest + 1; passed += 1000) {
    driver.advance(1000);
    t.equal(refresh(second), 'success', `${passed + 1000} seconds later`);
    t.equal(refresh(first), 'success', 'the first one too');
  }
  t.equal(refresh(early), 401, 'but none that had expired before');
  t.equal(refresh(`${driver.unixSeconds + latest + 1}:ann`), 401, 'nor one from too far ahead');
  const stranger = new TestClient(driver, { port: 40_001, user: first, secret: SECRET });
  t.equal(stranger.allocate()!.outcome, 401, 'and for no other allocation');
  t.ok(client.allocation);
  t.end();
});

t.test('a revoked user', (t) => {
  const driver = new TurnDriver({ auth: AUTH });
  const alice = new TestClient(driver, { port: 40_000 });
  const bob = new TestClient(driver, { port: 40_001, user: 'bob' });
  const ann = clientOf(driver, 1000, 40_002);
  const again = clientOf(driver, 2000, 40_003);
  const device = new TestClient(driver, { port: 40_004, handle: 4 });
  device.client.identity = { userId: 'device', routes: undefined };
  const clients = [alice, bob, ann, again, device];
  for (const client of clients) {
    t.equal(client.allocate()!.outcome, 'success');
    client.bindChannel(0x4000, '10.0.0.1', 1000);
  }
  const until = driver.unixSeconds + 300;
  revoke(driver, until, 'alice', 'ann', 'carol');
  driver.forget();
  for (const client of [alice, ann, again]) {
    for (const [name, ask] of REQUESTS) {
      const answer = ask(client)!;
      t.equal(answer.outcome, 401, `${client.username}: ${name}`);
      t.ok(answer.has(ATTRIBUTE.NONCE), 'looks like any other');
      t.equal(answer.integrity(client.key()), 'none');
    }
    t.equal(client.allocate()!.outcome, 401);
  }
  t.ok(alice.channelData(0x4000, DATA), 'what lives ends when it is ended');
  t.strictSame(failures(driver), [
    ...Array.from({ length: 4 }, () => 'revoked alice'),
    ...Array.from({ length: 8 }, () => 'revoked ann'),
  ]);
  const ended = driver.server.endAllocations(({ userId }) => userId === 'ann', 'revoked');
  driver.drain();
  t.equal(ended, 2);
  t.strictSame(ends(driver), ['revoked', 'revoked']);
  t.strictSame([ann.allocation, again.allocation], [undefined, undefined]);
  for (const [name, ask] of REQUESTS) {
    t.equal(ask(bob)!.outcome, 'success', `another user: ${name}`);
    t.equal(ask(device)!.outcome, 401, `under the name of a certificate: ${name}`);
  }
  driver.forget();
  t.equal(alice.refresh(600, undefined, { key: new Uint8Array(16) })!.outcome, 401);
  t.strictSame(failures(driver), ['badIntegrity alice'], 'nothing is told without a proof');
  const binding = alice.send(unsigned(METHOD.BINDING, new Uint8Array(12)))!;
  t.equal(binding.outcome, 'success', 'Binding is for everybody');

  revoke(driver, until, 'device');
  driver.forget();
  t.equal(device.refresh(600)!.outcome, 401, 'the name of the certificate');
  t.strictSame(failures(driver), ['revoked device']);
  t.equal(alice.refresh(600)!.outcome, 'success', 'a revocation can be taken back');

  revoke(driver, until, 'alice');
  driver.advance(until - driver.unixSeconds - 1);
  t.equal(alice.refresh(600)!.outcome, 401, 'one second before the end');
  driver.advance(1);
  t.equal(alice.refresh(600)!.outcome, 'success', 'and after it');
  t.end();
});

t.test('a certificate hides no credential', (t) => {
  for (const name of ['alice', 'device']) {
    const driver = new TurnDriver({ auth: AUTH });
    const device = deviceOf(driver, 'alice', 4);
    revoke(driver, driver.unixSeconds + 300, name);
    driver.forget();
    for (const [method, ask] of REQUESTS) t.equal(ask(device)!.outcome, 401, `${name}: ${method}`);
    const late = new TestClient(driver, { port: 40_005, handle: 5 });
    late.client.identity = { userId: 'device', routes: undefined };
    t.equal(late.allocate()!.outcome, 401, `${name}: Allocate`);
    t.strictSame(new Set(failures(driver)), new Set([`revoked ${name}`]));
    const target = { reason: 'revoked', userId: name } as const;
    t.equal(
      driver.server.endAllocations((allocation) => isTarget(allocation, target), 'revoked'),
      1,
      `${name}: its session is found`,
    );
  }
  t.end();
});

t.test('an allocation belongs to the credential by which it lives', (t) => {
  const driver = new TurnDriver({ auth: AUTH });
  const device = deviceOf(driver, `${driver.unixSeconds + 100}:ann`, 4);
  const { allocation } = device;
  t.strictSame([allocation!.userId, allocation!.credentialUserId], ['device', 'ann']);
  show(device, 50, 'ben');
  t.equal(device.refresh(600)!.outcome, 'success');
  t.equal(allocation!.credentialUserId, 'ann', 'one that expires before');
  show(device, 200, 'ben');
  t.equal(device.refresh(600)!.outcome, 'success');
  t.strictSame(
    [allocation!.userId, allocation!.credentialUserId],
    ['device', 'ben'],
    'a newer one',
  );
  const alice = new TestClient(driver);
  alice.allocate();
  t.equal(alice.allocation!.credentialUserId, 'alice', 'without a certificate it is the owner');
  t.end();
});

t.test('the lifetime that is told', (t) => {
  type Told = [ttl: number, wish: number, told: Record<CredentialExpiry, number>];
  const rows: Told[] = [
    [100, 3600, { keep: 3600, refuse: 3600, close: 101 }],
    [100, 600, { keep: 600, refuse: 600, close: 101 }],
    [100, 0, { keep: 600, refuse: 600, close: 101 }],
    [0, 600, { keep: 600, refuse: 600, close: 1 }],
    [599, 600, { keep: 600, refuse: 600, close: 600 }],
    [600, 600, { keep: 600, refuse: 600, close: 600 }],
    [2000, 3600, { keep: 3600, refuse: 3600, close: 2001 }],
    [5000, 3600, { keep: 3600, refuse: 3600, close: 3600 }],
  ];
  for (const rule of ALL) {
    for (const [ttl, wish, told] of rows) {
      const name = `${rule}: ${ttl} s left, ${wish} s wished`;
      const driver = new TurnDriver({ auth: AUTH, rules: { onCredentialExpiry: rule } });
      driver.nowMs += 0.123;
      const client = clientOf(driver, ttl, 40_000);
      const made = client.allocate((w) => w.uint32(ATTRIBUTE.LIFETIME, wish))!;
      t.equal(lifetimeIn(made), told[rule], `${name}, Allocate`);
      if (wish > 0) t.equal(lifetimeIn(client.refresh(wish)!), told[rule], `${name}, Refresh`);
      t.equal(lifetimeIn(client.refresh(0)!), 0, 'an end is an end');
    }
    const driver = new TurnDriver({ auth: AUTH, rules: { onCredentialExpiry: rule } });
    const made = new TestClient(driver).allocate((w) => w.uint32(ATTRIBUTE.LIFETIME, 3600))!;
    t.equal(lifetimeIn(made), 3600, `${rule}: a static user`);
  }
  t.end();
});

t.test('the lifetime that is told grows with a newer credential, and shrinks with time', (t) => {
  const { driver, client } = relaying('close', 100);
  const id = client.nextTransactionId();
  for (const [passed, told] of [
    [50, 51],
    [49.5, 2],
    [0.5, 1],
  ] as const) {
    driver.advance(passed);
    t.equal(lifetimeIn(client.refresh(600)!), told);
  }
  show(client, 1000);
  t.equal(lifetimeIn(client.refresh(600)!), 600);
  client.refresh(0);
  show(client, 100);
  const made = client.allocate(undefined, { transactionId: id })!;
  driver.advance(10);
  const again = client.allocate(undefined, { transactionId: id })!;
  const left = lifetimeIn(made) - lifetimeIn(again);
  t.equal(left, 10, 'a retransmission is told no more than what is left');

  const late = new TurnDriver({ auth: AUTH, rules: { onCredentialExpiry: 'close' } });
  late.binding = 'delayed';
  const waiting = clientOf(late, 100, 40_000);
  waiting.allocate();
  late.advance(30);
  const [bytes] = late.bindWaiting();
  t.equal(lifetimeIn(new Answer(bytes!)), 71, 'counted from the answer');
  t.end();
});

t.test('a client that refreshes at half of what it is told asks a few times', (t) => {
  const { driver, client } = relaying('close', 3000);
  let told = 3600;
  let asked = 0;
  while (client.allocation !== undefined && asked < 100) {
    told = lifetimeIn(client.refresh(3600)!);
    asked++;
    // The wall clock of a server has whole seconds only.
    driver.advance(Math.ceil(told / 2));
  }
  t.strictSame(ends(driver), ['credentialExpired']);
  t.ok(asked <= 16, `${asked} times in 3000 s`);
  t.end();
});

t.test('a revocation that is over leaves a credential as it is', (t) => {
  const driver = new TurnDriver({ auth: AUTH, rules: { onCredentialExpiry: 'keep' } });
  const ann = clientOf(driver, 100, 40_000);
  ann.allocate();
  revoke(driver, driver.unixSeconds + 200, 'ann');
  driver.advance(150);
  t.equal(ann.refresh(600)!.outcome, 401, 'revoked before kept');
  driver.advance(50);
  t.equal(ann.refresh(600)!.outcome, 'success', 'kept as before');
  t.equal(clientOf(driver, -1, 40_001).allocate()!.outcome, 401);
  t.end();
});

/** A client whose ephemeral credential is valid for so many seconds, with a channel. */
function relaying(
  onCredentialExpiry: CredentialExpiry,
  ttlSeconds: number,
): { driver: TurnDriver; client: TestClient } {
  const driver = new TurnDriver({ auth: AUTH, rules: { onCredentialExpiry } });
  const client = clientOf(driver, ttlSeconds, 40_000);
  client.allocate((w) => w.uint32(ATTRIBUTE.LIFETIME, 3600));
  client.bindChannel(0x4000, '10.0.0.1', 1000);
  return { driver, client };
}

function clientOf(driver: TurnDriver, ttlSeconds: number, port: number): TestClient {
  const user = `${driver.unixSeconds + ttlSeconds}:ann`;
  return new TestClient(driver, { port, user, secret: SECRET });
}

/** A client with a certificate for `device`, on a stream. */
function deviceOf(driver: TurnDriver, user: string, handle: number): TestClient {
  const secret = user.includes(':') ? { secret: SECRET } : {};
  const client = new TestClient(driver, { port: 40_000 + handle, user, handle, ...secret });
  client.client.identity = { userId: 'device', routes: undefined };
  client.allocate();
  return client;
}

function lifetimeIn(answer: Answer): number {
  return Number.parseInt(answer.hex(ATTRIBUTE.LIFETIME)!, 16);
}

function show(client: TestClient, ttlSeconds: number, user = 'ann'): void {
  client.useEphemeral(`${client.driver.unixSeconds + ttlSeconds}:${user}`, SECRET);
}

function revoke(driver: TurnDriver, untilUnixSeconds: number, ...userIds: string[]): void {
  const revocations = userIds.map((userId) => ({ userId, untilUnixSeconds }));
  driver.replace({ credentials: createCredentialPolicy(authOptions({ ...AUTH, revocations })) });
}

function comesThrough(driver: TurnDriver, client: TestClient): boolean {
  return (
    client.allocation !== undefined &&
    driver.peerSends(client.relay(), '10.0.0.1', 1000) !== undefined
  );
}

function ends(driver: TurnDriver): string[] {
  return driver.events.flatMap((event) =>
    event.kind === 'allocationDeleted' ? [event.reason] : [],
  );
}

function failures(driver: TurnDriver): string[] {
  return driver.events.flatMap((event) =>
    event.kind === 'authenticationFailed' ? [`${event.reason} ${event.username}`] : [],
  );
}
