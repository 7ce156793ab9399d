import t from 'tap';
import { HEARD_REQUESTS_SECONDS } from '../../src/limits.ts';
import { ATTRIBUTE, METHOD } from '../../src/stun/registry.ts';
import { SeededRandom } from '../support/core/seeded-random.ts';
import { TestClient, transport, unsigned } from '../support/core/test-client.ts';
import { TurnDriver } from '../support/core/turn-driver.ts';

const SEED = Number(process.env['TURNPIKE_SEED'] ?? Date.now() % 2 ** 31);
const STRANGERS = 20_000;
/** Of first requests that are taken for repeated ones, where 20,000 share eight million bits. */
const MISTAKEN_MAX = 0.01;

t.test('a server that is overloaded answers a stranger who asks again', (t) => {
  const { driver, client } = overloaded();
  for (const method of [METHOD.ALLOCATE, METHOD.BINDING]) {
    const request = unsigned(method, client.nextTransactionId());
    t.equal(client.send(request), undefined, `method ${method}: not when it asks first`);
    t.ok(client.send(request), `method ${method}: but when it asks again`);
    t.ok(client.send(request), `method ${method}: and again`);
  }
  t.equal(driver.drops.overloaded, 2, 'what is dropped is counted');
  t.end();
});

t.test('another client or transaction is another request', (t) => {
  const { driver, client } = overloaded();
  const request = unsigned(METHOD.ALLOCATE, client.nextTransactionId());
  client.send(request);
  const [port, ip] = [{ port: 40_001 }, { ip: '198.51.100.2' }];
  for (const other of [port, ip, { ip: '2001:db8::1' }]) {
    t.equal(new TestClient(driver, other).send(request), undefined, JSON.stringify(other));
  }
  const [next, last] = [client.nextTransactionId(), client.nextTransactionId()];
  last[0]! ^= 1;
  for (const id of [next, last]) {
    t.equal(client.send(unsigned(METHOD.ALLOCATE, id)), undefined, Buffer.from(id).toString('hex'));
  }
  t.end();
});

t.test('a call is made beside the flood, and what lives is not concerned', (t) => {
  const { driver, client } = overloaded();
  const ask = (request: Uint8Array) => client.send(request) ?? client.send(request);
  const challenge = ask(unsigned(METHOD.ALLOCATE, client.nextTransactionId()));
  t.equal(challenge?.outcome, 401);
  client.nonce = challenge!.text(ATTRIBUTE.NONCE);
  t.equal(ask(client.build(METHOD.ALLOCATE, transport))?.outcome, 'success');
  const before = driver.drops.overloaded;
  t.equal(client.refresh(600)?.outcome, 'success', 'the first time');
  const stream = new TestClient(driver, { port: 40_001, handle: 6 });
  t.equal(stream.challenge().outcome, 401, 'a stream has shown where it is');
  t.equal(driver.drops.overloaded, before);
  t.end();
});

t.test('a request is remembered for as long as it is sent again', (t) => {
  const cases: readonly (readonly [seconds: number, isRemembered: boolean])[] = [
    [0.5, true],
    [HEARD_REQUESTS_SECONDS - 0.01, true],
    [2 * HEARD_REQUESTS_SECONDS, false],
    [100 * HEARD_REQUESTS_SECONDS, false],
  ];
  for (const [seconds, isRemembered] of cases) {
    for (const earlier of [0, HEARD_REQUESTS_SECONDS / 2, HEARD_REQUESTS_SECONDS - 0.01]) {
      const { driver, client } = overloaded();
      client.send(unsigned(METHOD.BINDING, client.nextTransactionId()));
      driver.advance(earlier);
      const request = unsigned(METHOD.BINDING, client.nextTransactionId());
      client.send(request);
      driver.advance(seconds);
      const isAnswered = client.send(request) !== undefined;
      t.equal(isAnswered, isRemembered, `${seconds} s after, ${earlier} s into a generation`);
    }
  }
  t.end();
});

t.test('nobody is held off once the load is over', (t) => {
  const { driver, client } = overloaded();
  driver.server.setOverloaded(false);
  t.equal(client.challenge().outcome, 401);
  t.equal(driver.drops.overloaded, 0);
  t.end();
});

t.test(`strangers are told apart, seed ${SEED}`, (t) => {
  const { driver } = overloaded();
  const random = new SeededRandom(SEED);
  let mistaken = 0;
  for (let index = 0; index < STRANGERS; index++) {
    const ip = `${1 + random.below(223)}.${random.below(256)}.${random.below(256)}.1`;
    const stranger = new TestClient(driver, { ip, port: 1 + random.below(65_535) });
    const id = Uint8Array.from({ length: 12 }, () => random.below(256));
    const request = unsigned(METHOD.BINDING, id);
    if (stranger.send(request) !== undefined) mistaken++;
    if (stranger.send(request) === undefined) t.fail(`${ip} is not known (seed ${SEED})`);
    driver.forget();
  }
  t.ok(mistaken <= STRANGERS * MISTAKEN_MAX, `${mistaken} of ${STRANGERS} are taken for others`);
  t.end();
});

function overloaded(): { driver: TurnDriver; client: TestClient } {
  const driver = new TurnDriver();
  driver.server.setOverloaded(true);
  return { driver, client: new TestClient(driver) };
}
