import { median } from '../../../bench/measure/statistics.ts';
import { SeededRandom } from '../../../test/support/core/seeded-random.ts';
import { TestClient, type SigningOptions } from '../../../test/support/core/test-client.ts';
import { TurnDriver, USERS } from '../../../test/support/core/turn-driver.ts';
import { freePorts } from '../../../test/support/free-ports.ts';
import {
  configurationFor,
  missingBuild,
  startReady,
} from '../../../test/support/gateway-process.ts';
import { LOOPBACK_SERVER } from '../../../test/support/server-under-test.ts';
import { METHOD } from '../../../src/stun/registry.ts';
import type { Finding, Scenario } from '../../scenario.ts';
import { Asker } from '../../support/asker.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { kolmogorovSmirnov } from '../../support/distributions.ts';
import { atLeast, atMost, count } from '../../support/findings.ts';

const REQUESTS = 100_000;
const SOCKET_REQUESTS = 20_000;
const WARMING = 5000;
const DIFFERENCE_MICROSECONDS_MAX = 5;
const PROBABILITY_MIN = 0.01;
const FORGET_AFTER = 1000;
const WRONG_KEY = new Uint8Array(16).fill(1);

/** Pairs of requests that an answer must not tell apart; names of one length, so that messages are too. */
const PAIRS: readonly {
  readonly what: string;
  readonly known: SigningOptions;
  readonly unknown: SigningOptions;
}[] = [
  {
    what: 'a user that exists and one that does not',
    known: { username: 'alice', key: WRONG_KEY },
    unknown: { username: 'alfie', key: WRONG_KEY },
  },
  {
    what: 'a hidden name that exists and one that does not',
    known: { username: 'alice', user: 'hash', key: new Uint8Array(32), algorithm: 'SHA-256' },
    unknown: { username: 'alfie', user: 'hash', key: new Uint8Array(32), algorithm: 'SHA-256' },
  },
];

/** What a wrong password costs does not tell which users there are. */
export const timing: Scenario = {
  name: 'timing',
  promise: 'how long a refusal takes does not tell whether a user exists',
  missing: missingBuild,
  run: async ({ scale, seed, progress }) => {
    const findings: Finding[] = [];
    for (const pair of PAIRS) {
      progress(`in the core: ${pair.what}`);
      const random = new SeededRandom(seed);
      const times = timesInCore(pair, Math.ceil(REQUESTS * scale), random);
      findings.push(medians(`in the core, ${pair.what}`, times));
    }
    progress('over a socket');
    const [pair] = PAIRS;
    const times = await timesOverSocket(pair!, Math.ceil(SOCKET_REQUESTS * scale), seed);
    const what = `over a socket, ${pair!.what}`;
    return [...findings, medians(what, times), likeness(what, times)];
  },
};

interface Times {
  /** Microseconds. */
  readonly known: readonly number[];
  readonly unknown: readonly number[];
}

function medians(what: string, { known, unknown }: Times): Finding {
  const [a, b] = [median(known), median(unknown)];
  const difference = Math.abs(a - b);
  const text =
    `${difference.toFixed(3)} us (${a.toFixed(2)} and ${b.toFixed(2)} us, ` +
    `${count(known.length)} each)`;
  const style = { unit: 'us', text };
  return atMost(
    `${what}: difference of the medians`,
    difference,
    DIFFERENCE_MICROSECONDS_MAX,
    style,
  );
}

function likeness(what: string, { known, unknown }: Times): Finding {
  const probability = kolmogorovSmirnov(known, unknown);
  return atLeast(`${what}: p of Kolmogorov and Smirnov`, probability, PROBABILITY_MIN, {
    text: probability.toFixed(3),
  });
}

/** Answers in random order, so that whatever else the machine does hits both alike. */
function timesInCore(
  { known, unknown }: (typeof PAIRS)[number],
  requests: number,
  random: SeededRandom,
): Times {
  const driver = new TurnDriver();
  const client = new TestClient(driver);
  const messages = [known, unknown].map((options) =>
    client.build(METHOD.ALLOCATE, undefined, options),
  );
  const times: [number[], number[]] = [[], []];
  for (let number = -WARMING; number < 2 * requests; number++) {
    const which = random.below(2);
    const start = process.hrtime.bigint();
    driver.receive(client.client, messages[which]!);
    const end = process.hrtime.bigint();
    if (number >= 0) times[which]!.push(Number(end - start) / 1000);
    if (number % FORGET_AFTER === 0) driver.forget();
  }
  return { known: times[0], unknown: times[1] };
}

function timesOverSocket(
  { known, unknown }: (typeof PAIRS)[number],
  requests: number,
  seed: number,
): Promise<Times> {
  return Cleanup.around(async (cleanup) => {
    const port = await freePorts(2);
    const [user] = USERS;
    const server = { ...LOOPBACK_SERVER, staticUser: user! };
    const gateway = await startReady(configurationFor(server, port, port + 1));
    cleanup.teardown(() => gateway.stop());
    const asker = await Asker.open({ host: '127.0.0.1', port });
    cleanup.teardown(() => asker.close());
    const { signer } = asker;
    const messages = [known, unknown].map((one) => signer.build(METHOD.ALLOCATE, undefined, one));
    const random = new SeededRandom(seed);
    const times: [number[], number[]] = [[], []];
    for (let number = -WARMING; number < 2 * requests; number++) {
      const which = random.below(2);
      const start = process.hrtime.bigint();
      await asker.ask(messages[which]!);
      const end = process.hrtime.bigint();
      if (number >= 0) times[which]!.push(Number(end - start) / 1000);
    }
    return { known: times[0], unknown: times[1] };
  });
}
