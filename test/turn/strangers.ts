import t from 'tap';
import { NONCE_LIFETIME_SECONDS } from '../../src/limits.ts';
import { ATTRIBUTE, METHOD } from '../../src/stun/registry.ts';
import type { Answer } from '../support/core/answer.ts';
import {
  TestClient,
  transport,
  unsigned,
  type SigningOptions,
  type Write,
} from '../support/core/test-client.ts';
import { TurnDriver, type DriverOptions } from '../support/core/turn-driver.ts';

const TID = new Uint8Array(12).fill(9);

t.test('answers to those who have proven nothing', (t) => {
  const unknown: Write = (w) => w.flag(0x7777);
  type Send = (client: TestClient) => Answer['outcome'] | undefined;
  const limited: [name: string, outcome: number, send: Send, options?: DriverOptions][] = [
    ['no credential', 401, (client) => client.send(unsigned(METHOD.ALLOCATE, TID))?.outcome],
    ['no attributes', 400, (client) => send(client, { realm: undefined })],
    ['a foreign nonce', 438, (client) => send(client, { nonce: 'x' })],
    ['the nonce of somebody else', 438, (client) => send(client, { nonce: foreignNonce() })],
    [
      'an unknown attribute in a Binding request',
      420,
      (client) => client.send(unsigned(METHOD.BINDING, TID, unknown))?.outcome,
    ],
    [
      'no credential mechanism',
      403,
      (client) => client.send(unsigned(METHOD.ALLOCATE, TID, transport))?.outcome,
      { auth: { type: 'none' } },
    ],
  ];
  for (const [name, outcome, ask, options] of limited) {
    const driver = new TurnDriver(options);
    const client = new TestClient(driver);
    client.nonce = client.challenge().text(ATTRIBUTE.NONCE) ?? 'none';
    const before = countOf(driver.counters.errors);
    driver.rates.answersByAddress.clear();
    driver.rates.answersLeft = 3;
    const outcomes = Array.from({ length: 5 }, () => ask(client));
    const expected = [outcome, outcome, outcome, undefined, undefined];
    t.strictSame(outcomes, expected, name);
    t.equal(driver.drops.answerRateExceeded, 2, `${name}: the others are counted`);
    t.equal(countOf(driver.counters.errors) - before, 3, `${name}: as no error responses`);
    const other = new TestClient(driver, { ip: '198.51.100.2' });
    t.ok(other.send(unsigned(METHOD.ALLOCATE, TID, transport)), `${name}: of each address`);
    const stream = new TestClient(driver, { port: 40_001, handle: 6 });
    driver.rates.answersLeft = 0;
    stream.nonce = stream.challenge().text(ATTRIBUTE.NONCE) ?? 'none';
    const onStream = Array.from({ length: 20 }, () => ask(stream));
    t.ok(
      onStream.every((each) => each === outcome),
      `${name}: a stream shows where the client is`,
    );
    stream.client.endpoint = driver.udp;
    t.equal(ask(stream), outcome, `${name}: and so does an association`);
  }
  t.end();

  function send(client: TestClient, signing: object): Answer['outcome'] | undefined {
    return client.request(METHOD.ALLOCATE, transport, signing)?.outcome;
  }
});

t.test('whoever has proven something is always answered', (t) => {
  const driver = new TurnDriver();
  const client = new TestClient(driver);
  client.challenge();
  driver.rates.answersLeft = 0;
  t.equal(client.send(unsigned(METHOD.BINDING, TID))!.outcome, 'success', 'and Binding asks none');
  t.equal(client.allocate((w) => w.flag(0x7777))!.outcome, 420);
  t.equal(client.allocate()!.outcome, 'success');
  for (let count = 0; count < 20; count++) {
    t.equal(client.allocate()!.outcome, 437);
    t.equal(client.permit('10.0.0.1')!.outcome, 'success');
    t.equal(client.permit('127.0.0.1')!.outcome, 403);
    t.equal(client.send(unsigned(METHOD.BINDING, TID))!.outcome, 'success');
  }
  t.equal(driver.drops.answerRateExceeded, 0);
  t.end();
});

t.test('a live allocation whose nonce has become stale while others use up the answers', (t) => {
  const driver = new TurnDriver();
  const client = new TestClient(driver);
  client.allocate((w) => w.uint32(ATTRIBUTE.LIFETIME, 3600));
  for (let round = 0; round < 3; round++) {
    driver.advance(NONCE_LIFETIME_SECONDS / 2);
    t.equal(client.refresh(3600)!.outcome, 'success');
    driver.advance(NONCE_LIFETIME_SECONDS / 2 + 1);
    driver.rates.answersByAddress.clear();
    driver.rates.answersLeft = 10;
    // From the address of the client, as far as anybody can tell.
    const forged = new TestClient(driver, { port: 40_999 });
    const answers = Array.from({ length: 12 }, () => forged.send(unsigned(METHOD.ALLOCATE, TID)));
    t.equal(answers.filter((answer) => answer === undefined).length, 2, 'no answers are left');
    const stale = client.refresh(3600);
    t.equal(stale?.outcome, 438, 'whose nonce is authentic has proven its address');
    client.nonce = stale!.text(ATTRIBUTE.NONCE);
    t.equal(client.refresh(3600)!.outcome, 'success', 'and goes on');
  }
  t.end();
});

t.test('an authentic nonce is always answered, whatever else is wrong', (t) => {
  const revocations = [{ userId: 'bob', untilUnixSeconds: Infinity }];
  type Wrong = { user?: string; auth?: DriverOptions['auth']; signing?: SigningOptions };
  const rows: [name: string, outcome: number, whenStale: number, wrong: Wrong][] = [
    ['nothing but its age', 437, 438, {}],
    ['a wrong password', 401, 401, { signing: { key: new Uint8Array(16) } }],
    ['an unknown user', 401, 401, { signing: { username: 'nobody' } }],
    ['a user hash that is none', 400, 400, { signing: { user: 'none' } }],
    ['an algorithm that is not offered', 400, 400, { auth: { algorithms: ['SHA-256'] } }],
    ['a revoked user', 401, 438, { user: 'bob', auth: { revocations } }],
  ];
  for (const [name, outcome, whenStale, { user = 'alice', auth = {}, signing }] of rows) {
    for (const [age, expected] of [
      [0, outcome],
      [NONCE_LIFETIME_SECONDS + 1, whenStale],
    ] as const) {
      const driver = new TurnDriver({ auth });
      const client = new TestClient(driver, { user });
      const write: Write = (w) =>
        name.includes('hash') && w.attribute(ATTRIBUTE.USERHASH, new Uint8Array(5));
      const ask = (from: TestClient): Answer['outcome'] | undefined =>
        from.request(METHOD.REFRESH, write, signing)?.outcome;
      client.challenge();
      driver.advance(age);
      driver.rates.answersLeft = 0;
      const outcomes = Array.from({ length: 20 }, () => ask(client));
      t.strictSame(new Set(outcomes), new Set([expected]), `${name}, ${age} s old`);
      t.equal(countOf(driver.counters.errors), 21, 'every answer is counted');
      const failures = driver.events.filter(({ kind }) => kind === 'authenticationFailed');
      t.equal(failures.length, expected === 401 ? 20 : 0, 'every failure is told');
      t.equal(driver.drops.answerRateExceeded, 0);
      const forged = new TestClient(driver, { port: 41_000, user });
      forged.nonce = client.nonce;
      t.equal(ask(forged), undefined, `${name}: worth nothing on another 5-tuple`);
    }
  }
  t.end();
});

function foreignNonce(): string {
  const other = new TestClient(new TurnDriver(), { ip: '198.51.100.77' });
  return other.challenge().text(ATTRIBUTE.NONCE)!;
}

function countOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
