import type { Test } from 'tap';
import { Log } from '../../src/log.ts';
import { SECURE_RANDOM } from '../../src/service/secure-random.ts';
import { ATTRIBUTE, METHOD } from '../../src/stun/registry.ts';
import { PERMISSIONS_PER_ALLOCATION_MAX_DEFAULT } from '../../src/limits.ts';
import { TestClient, transport, unsigned } from '../support/core/test-client.ts';
import { TurnDriver } from '../support/core/turn-driver.ts';
import { testDefects } from '../support/known-defect.ts';
import { readRepository } from '../support/tidy/repository.ts';

const STRANGERS = 5000;
const CYCLES = 500;
const RANDOM_BYTES = 20_000;
/** Standard deviations beyond which chance is out of the question. */
const SIGMAS = 6;
let lastId = 0;
const PROTOTYPE_NAMES = Object.getOwnPropertyNames(Object.prototype);

await testDefects([
  {
    id: 'CVE-2025-69217',
    cause: 'nonces and relay ports came from a generator that can be predicted',
    check: (t) => {
      const sources = readRepository().filter(({ path }) => path.startsWith('src/'));
      const weak = sources.filter(({ text }) => /\bMath\s*[.]\s*random\b/.test(text));
      t.same(
        weak.map(({ path }) => path),
        [],
        'nothing that ships uses a weak generator',
      );
      expectRandomBits(t);
      expectRandomPorts(t);
      const nonces = [1, 2].map((key) => {
        const driver = new TurnDriver({ server: { nonceKey: new Uint8Array(32).fill(key) } });
        return new TestClient(driver).challenge().text(ATTRIBUTE.NONCE);
      });
      t.not(nonces[0], nonces[1], 'who does not know the key cannot make a nonce');
    },
  },
  {
    id: 'coturn 1999',
    cause: 'every packet without a credential left a session behind',
    check: expectNothingOfStrangers,
  },
  {
    id: 'node-turn 0.0.6, one entry per packet',
    cause: 'an entry and a timer of an hour for every packet without a credential',
    check: (t) => {
      const driver = new TurnDriver();
      const client = new TestClient(driver);
      for (let count = 0; count < STRANGERS; count++) client.send(unsigned(METHOD.ALLOCATE, id()));
      t.equal(driver.server.pollTimeout(), undefined, 'no timer');
      t.equal(driver.server.allocationCount, 0);
    },
  },
  {
    id: 'coturn 2026, permissions without bound',
    cause: 'the permissions of an allocation grew as long as anybody asked for more',
    check: (t) => {
      const client = allocated();
      const outcomes = Array.from(
        { length: PERMISSIONS_PER_ALLOCATION_MAX_DEFAULT + 10 },
        (_, index) => client.permit(`10.0.0.${index}`)?.outcome,
      );
      t.equal(outcomes.filter((outcome) => outcome === 508).length, 10);
      t.equal(client.allocation!.permissionByPeer.size, PERMISSIONS_PER_ALLOCATION_MAX_DEFAULT);
    },
  },
  {
    id: 'coturn 2026, comparison byte by byte',
    cause: 'integrity was compared up to the first difference, which time tells',
    check: (t) => {
      const client = new TestClient(new TurnDriver());
      const message = client.build(METHOD.ALLOCATE, transport);
      for (let back = 1; back <= 20; back++) {
        const forged = Uint8Array.from(message);
        forged[forged.length - back]! ^= 0x80;
        t.equal(client.send(forged)?.outcome, 401, `${back} from the end`);
      }
      const integrity = readRepository().find(({ path }) => path === 'src/stun/integrity.ts')!;
      const compared = /const expected = finishHmac\(.*\n\s*return timingSafeEqual\(expected, /;
      t.match(integrity.text, compared, 'in constant time');
    },
  },
  {
    id: 'coturn 4adbd82e',
    cause: 'EVEN-PORT without reservation kept the next port for ever',
    check: (t) => {
      const driver = new TurnDriver();
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        const client = new TestClient(driver, { port: 1024 + cycle });
        const answer = client.allocate((w) => w.uint8(ATTRIBUTE.EVEN_PORT, 0));
        if (answer?.outcome !== 'success') t.fail(`cycle ${cycle}: ${answer?.outcome}`);
        client.refresh(0);
      }
      t.equal(driver.portsTaken, 0, 'every port is back');
      t.equal(driver.sockets.size, 0, 'every socket is closed');
      t.equal(driver.reservations.byToken.size, 0, 'nothing is reserved');
    },
  },
  {
    id: 'coturn a97f1924',
    cause: 'a session that had moved left the old one behind as an orphan',
    check: (t) => {
      const client = allocated();
      const before = client.driver.server.allocationCount;
      const moved = new TestClient(client.driver, { port: 50_000 });
      for (const ticket of [new Uint8Array(0), new Uint8Array(32).fill(1)]) {
        const answer = moved.request(METHOD.REFRESH, (w) =>
          w.attribute(ATTRIBUTE.MOBILITY_TICKET, ticket),
        );
        t.equal(answer?.outcome, 437, `a ticket of ${ticket.length} bytes moves nothing`);
      }
      t.equal(client.driver.server.allocationCount, before);
      t.equal(client.refresh()?.outcome, 'success', 'it lives where it was');
    },
  },
  {
    id: 'coturn 37df0513',
    cause: 'a session could be taken over by another user',
    check: (t) => {
      const client = allocated();
      const bob = new TestClient(client.driver, { user: 'bob' });
      t.equal(bob.refresh(0)?.outcome, 441);
      t.equal(bob.permit('10.0.0.1')?.outcome, 441);
      t.equal(bob.bindChannel(0x4000, '10.0.0.1', 5000)?.outcome, 441);
      t.equal(client.allocation!.permissionByPeer.size, 0);
    },
  },
  {
    id: 'coturn 3c5b2615',
    cause: 'quotas were given back twice or never',
    check: (t) => {
      // The quota of the driver throws when a place is given back twice.
      const driver = new TurnDriver();
      driver.quota.perUserMax = 2;
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        const client = new TestClient(driver, { port: 1024 + cycle });
        if (client.allocate()?.outcome !== 'success') t.fail(`cycle ${cycle} has no place`);
        if (cycle % 2 === 0) client.refresh(0);
        else driver.advance(700);
        client.refresh(0);
      }
      t.equal(driver.quota.total, 0, 'every place is back');
    },
  },
  {
    id: 'coturn 4.6.1, user of a 5-tuple',
    cause: 'after one request of a wrong user the 5-tuple was locked for the right one',
    check: (t) => {
      const driver = new TurnDriver();
      const client = new TestClient(driver);
      t.equal(client.allocate(undefined, { username: 'nobody' })?.outcome, 401);
      t.equal(client.allocate()?.outcome, 'success');
    },
  },
  {
    id: 'GHSA-4g7c-p5wg-j4hp',
    cause: 'USERNAME was the format of what was written to a store',
    check: (t) => {
      const lines: string[] = [];
      const log = new Log(
        { format: 'json', levels: { all: 'INFO' } },
        { write: (line: string) => void lines.push(line) },
      );
      const names = ['%s%s%s%n', '%d %j', '${jndi:ldap://x}', '{{7*7}}', '"}\n{"level":"error'];
      for (const userId of names) {
        const fields = { userId, more: 'other' };
        log.write({ level: 'info', scope: 'turn', message: 'allocation created', fields });
      }
      t.same(
        lines.map((line) => (JSON.parse(line) as { userId: string }).userId),
        names,
        'one line each, with the text as it is',
      );
    },
  },
  {
    id: 'GHSA-v8hj-2xx7-xmp5',
    cause: 'SQL was put together from what clients sent',
    check: (t) => {
      const sources = readRepository().filter(({ path }) => path.startsWith('src/'));
      const queries = /\b(?:SELECT\s.+\sFROM|INSERT\s+INTO|DELETE\s+FROM|UPDATE\s.+\sSET)\s/;
      const found = sources.filter(({ text }) => queries.test(text)).map(({ path }) => path);
      t.same(found, [], 'nothing that ships speaks to a database');
      t.ok(sources.length > 100, `${sources.length} sources`);
    },
  },
  {
    id: 'node-turn 0.0.6, inherited users',
    cause: 'users were the keys of an object, and those that every object has let anybody in',
    check: (t) => {
      const client = new TestClient(new TurnDriver());
      for (const username of PROTOTYPE_NAMES) {
        t.equal(client.allocate(undefined, { username })?.outcome, 401, username);
        const hidden = { username, user: 'hash', algorithm: 'SHA-256' } as const;
        t.equal(client.allocate(undefined, hidden)?.outcome, 401, `${username}, hidden`);
      }
      t.ok(PROTOTYPE_NAMES.includes('__proto__') && PROTOTYPE_NAMES.includes('constructor'));
    },
  },
]);

function id(): Uint8Array {
  const bytes = new Uint8Array(12);
  new DataView(bytes.buffer).setUint32(0, ++lastId);
  return bytes;
}

function allocated(): TestClient {
  const client = new TestClient(new TurnDriver());
  client.allocate();
  return client;
}

function expectNothingOfStrangers(t: Test): void {
  const driver = new TurnDriver();
  for (let index = 0; index < STRANGERS; index++) {
    const ip = `198.51.${index >>> 8}.${index & 0xff}`;
    const client = new TestClient(driver, { ip, port: 1024 + index });
    client.receive(unsigned(METHOD.ALLOCATE, id(), transport));
    client.receive(unsigned(METHOD.REFRESH, id()));
    client.receive(unsigned(METHOD.BINDING, id()));
  }
  t.ok(driver.sent.length >= STRANGERS, 'they were answered');
  t.equal(driver.server.allocationCount, 0, 'no allocation');
  t.equal(driver.server.pollTimeout(), undefined, 'nothing that has to expire');
  t.equal(driver.portsTaken, 0, 'no port');
  t.equal(driver.udp.allocationByClient.size, 0, 'no entry of a client');
  t.same(driver.events, [], 'no event');
}

/** As many ones as zeros, and as many changes as none (NIST SP 800-22 §2.1, §2.3). */
function expectRandomBits(t: Test): void {
  const bytes = new Uint8Array(RANDOM_BYTES);
  for (let at = 0; at < bytes.length; at += 1000) SECURE_RANDOM.fill(bytes.subarray(at, at + 1000));
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  const ones = bits.replaceAll('0', '').length;
  const changes = Array.from(bits).filter((bit, at) => at > 0 && bit !== bits[at - 1]).length;
  const bound = (SIGMAS * Math.sqrt(bits.length)) / 2;
  t.ok(Math.abs(ones - bits.length / 2) < bound, `${ones} ones in ${bits.length} bits`);
  t.ok(Math.abs(changes - bits.length / 2) < bound, `${changes} changes in ${bits.length} bits`);
}

/** The port of one allocation says nothing about that of the next. */
function expectRandomPorts(t: Test): void {
  const driver = new TurnDriver({ server: { random: SECURE_RANDOM } });
  const ports = Array.from({ length: CYCLES }, (_, cycle) => {
    const client = new TestClient(driver, { port: 1024 + cycle });
    client.allocate();
    const { port } = client.relay();
    client.refresh(0);
    return port;
  });
  const steps = ports.slice(1).map((port, index) => port - ports[index]!);
  const counts = new Map<number, number>();
  for (const step of steps) counts.set(step, (counts.get(step) ?? 0) + 1);
  const most = Math.max(...counts.values());
  t.ok(new Set(ports).size > 48, `${new Set(ports).size} of 64 ports`);
  t.ok(most < CYCLES / 10, `the most frequent step ${most} times of ${CYCLES}`);
}
