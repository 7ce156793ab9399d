import t from 'tap';
import { classOf, methodOf } from '../../src/stun/message-type.ts';
import { uint16At } from '../../src/stun/big-endian.ts';
import { ATTRIBUTE, CLASS } from '../../src/stun/registry.ts';
import { REPLY_BYTES_MAX } from '../../src/limits.ts';
import { RouteTable } from '../../src/route/route-table.ts';
import { Answer } from '../support/core/answer.ts';
import { mutated, noise, signedNonsense, validMessages } from '../support/core/hostile-messages.ts';
import { SeededRandom } from '../support/core/seeded-random.ts';
import { TestClient } from '../support/core/test-client.ts';
import { LISTENER, ROUTES, TurnDriver, type Received } from '../support/core/turn-driver.ts';

const MESSAGES = Number(process.env['TURNPIKE_HOSTILE_MESSAGES'] ?? 300_000);
const SEED = Number(process.env['TURNPIKE_SEED'] ?? Date.now() % 2 ** 31);
/** After so many messages a new server begins, so that none ends with every table full. */
const MESSAGES_PER_SERVER = 10_000;
/** 401 with a realm of 11 bytes: 92 bytes for the 20 of a request without attributes. */
const AMPLIFICATION_MAX = 4.6;

const ROUTE_TABLE = new RouteTable(ROUTES);
const random = new SeededRandom(SEED);
t.setTimeout(0);
t.comment(`seed ${SEED}, ${MESSAGES} messages`);

t.test('random, mutated and nonsensical messages', (t) => {
  const tally = { answered: 0, signed: 0, relayed: 0, allocated: 0 };
  for (let done = 0; done < MESSAGES; done += MESSAGES_PER_SERVER) {
    const { driver, clients } = startServer(done);
    const corpora = clients.map((client) => validMessages(client));
    for (let count = Math.min(MESSAGES_PER_SERVER, MESSAGES - done); count > 0; count--) {
      const which = random.below(clients.length);
      const bytes = someMessage(clients[which]!, corpora[which]!);
      const problem = judge(driver, clients[which]!, bytes, tally);
      if (problem !== undefined) t.fail(`${problem}: ${hex(bytes)} (seed ${SEED})`);
      if (random.below(1000) === 0) driver.advance(random.below(200));
      if (random.below(50) === 0) connect(clients[which]!);
    }
    tally.allocated = Math.max(tally.allocated, driver.server.allocationCount);
    driver.server.shutdown();
    driver.drain();
    driver.advance(60);
    const left = [driver.portsTaken, driver.sockets.size, driver.quota.total, driver.channels.size];
    if (left.some((count) => count !== 0)) t.fail(`left over: ${left.join()} (seed ${SEED})`);
  }
  t.comment(JSON.stringify(tally));
  // The run is worth something only if the messages got far enough.
  t.ok(tally.answered > MESSAGES / 10 && tally.signed > MESSAGES / 50, 'answers');
  t.ok(tally.relayed > MESSAGES / 200 && tally.allocated > 1, 'data and allocations');
  t.end();
});

t.test('every message at every length', (t) => {
  const { driver, clients } = startServer(0);
  let cutMessages = 0;
  for (const client of clients) {
    for (const bytes of validMessages(client)) {
      for (let length = 0; length < bytes.length; length++) {
        const { answers, relayed } = client.receive(bytes.slice(0, length));
        if (answers.length > 0 || relayed !== undefined) t.fail(`${length} bytes of ${hex(bytes)}`);
        cutMessages++;
      }
    }
  }
  t.ok(cutMessages > 10_000);
  t.equal(driver.server.allocationCount, clients.length, 'nothing happened');
  t.end();
});

function startServer(salt: number): { driver: TurnDriver; clients: TestClient[] } {
  const driver = new TurnDriver({ seed: SEED + salt });
  const clients = [
    new TestClient(driver),
    new TestClient(driver, { ip: '2001:db8::5', user: 'bob' }),
    new TestClient(driver, { port: 40_001, handle: 7, user: 'carol' }),
  ];
  for (const client of clients) connect(client);
  return { driver, clients };
}

/** Gives a client what it needs to relay, since hostile messages end allocations too. */
function connect(client: TestClient): void {
  if (client.allocation === undefined) {
    client.challenge();
    client.allocate((w) => w.uint8(ATTRIBUTE.ADDITIONAL_ADDRESS_FAMILY, 2, 4));
  }
  client.bindChannel(0x4000, '10.0.0.1', 1000);
}

function someMessage(client: TestClient, corpus: readonly Uint8Array[]): Uint8Array {
  switch (random.below(8)) {
    case 0:
      return noise(random);
    case 1:
      return random.pick(corpus);
    case 2:
    case 3:
      return signedNonsense(client, random);
    default:
      return mutated(corpus, random);
  }
}

/** Hands in one message and says what is wrong with what came of it. */
function judge(
  driver: TurnDriver,
  client: TestClient,
  bytes: Uint8Array,
  tally: { answered: number; signed: number; relayed: number },
): string | undefined {
  driver.forget();
  let received: Received;
  try {
    received = client.receive(bytes);
  } catch (error) {
    return `threw ${error instanceof Error ? (error.stack ?? error.message) : 'something'}`;
  }
  const { answers, relayed } = received;
  if (answers.length !== driver.sent.length) return 'answered somebody else';
  if (relayed !== undefined) {
    tally.relayed++;
    const { peer } = driver.server.relayed;
    const { userRoutes } = relayed.relay.allocation;
    if (answers.length > 0) return 'relayed and answered';
    if (ROUTE_TABLE.admit(LISTENER, userRoutes, peer, peer.port) !== 'admitted')
      return `relayed to ${relayed.peer}`;
    if (relayed.relay.allocation !== client.allocation) return 'relayed for somebody else';
  }
  if (answers.length === 0) return undefined;
  if (answers.length > 1) return 'answered twice';
  tally.answered++;
  return judgeAnswer(bytes, new Answer(answers[0]!), tally);
}

function judgeAnswer(
  request: Uint8Array,
  answer: Answer,
  tally: { signed: number },
): string | undefined {
  const { message } = answer;
  const type = uint16At(request, 0);
  if (type > 0x3fff || classOf(type) !== CLASS.REQUEST) return 'answered what is no request';
  if (message.messageClass !== CLASS.SUCCESS && message.messageClass !== CLASS.ERROR)
    return 'no response';
  if (message.method !== methodOf(type)) return 'another method';
  if (hex(message.copyTransactionId()) !== hex(request.subarray(8, 20)))
    return 'another transaction';
  if (
    message.messageClass === CLASS.ERROR &&
    typeof answer.outcome === 'number' &&
    answer.outcome < 300
  ) {
    return 'an error without a code';
  }
  if (answer.has(ATTRIBUTE.MESSAGE_INTEGRITY) || answer.has(ATTRIBUTE.MESSAGE_INTEGRITY_SHA256)) {
    tally.signed++;
    return answer.bytes.length > REPLY_BYTES_MAX ? 'a huge answer' : undefined;
  }
  const ratio = answer.bytes.length / request.length;
  return ratio > AMPLIFICATION_MAX ? `amplified ${ratio.toFixed(2)} times` : undefined;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
