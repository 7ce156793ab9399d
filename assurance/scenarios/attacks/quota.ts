import type { Finding, Scenario } from '../../scenario.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { atLeast, atMost, count } from '../../support/findings.ts';
import { residentBytes } from '../../../bench/measure/process-times.ts';
import { ephemeralCredential } from '../../../test/support/credentials.ts';
import { freePorts } from '../../../test/support/free-ports.ts';
import {
  configurationFor,
  missingBuild,
  startReady,
} from '../../../test/support/gateway-process.ts';
import { openDescriptors } from '../../../test/support/process-usage.ts';
import { LOOPBACK_SERVER } from '../../../test/support/server-under-test.ts';
import { TurnClient, TurnError } from '../../../test/support/turn-client.ts';
import type { ServerAddress } from '../../../test/support/turn-transport.ts';

const QUOTA = 5;
const GREEDY_TRIES = 20;
const OTHERS = 100;
const PORTS = 400;
const MIN_PORT = 61_000;
const CYCLES = 40_000;
const AT_ONCE = 20;
const GROWTH_MEGABYTES_MAX = 8;
/** Where nobody else has relay ports. */
const HOST = '127.0.79.1';
const OPTIONS = {
  ...LOOPBACK_SERVER,
  listenAddresses: [HOST],
  relayAddresses: [HOST],
  userQuota: QUOTA,
};

/** Whoever takes all that one may take takes nothing from others, and all that is given back is there again. */
export const quota: Scenario = {
  name: 'quota',
  promise:
    'a user at the quota leaves others their share, and allocations that come and go leave nothing behind',
  missing: missingBuild,
  run: ({ scale, progress }) =>
    Cleanup.around(async (cleanup) => {
      const port = await freePorts(2);
      const configuration = configurationFor(OPTIONS, port, port + 1);
      const relay = {
        ...configuration.relay,
        workers: 1,
        min_port: MIN_PORT,
        max_port: MIN_PORT + PORTS - 1,
      };
      const gateway = await startReady({ ...configuration, relay });
      cleanup.teardown(() => gateway.stop());
      const server = { host: HOST, port };
      progress('a user at the quota');
      const shares = await shareWithGreedy(server);
      progress('allocations that come and go');
      const { pid } = gateway.child;
      const cycles = Math.ceil((CYCLES / 2) * scale);
      await cycle(server, cycles);
      const before = { descriptors: openDescriptors(pid), memory: residentBytes(pid) };
      await cycle(server, cycles);
      const growth = (residentBytes(pid) - before.memory) / 2 ** 20;
      const descriptors = openDescriptors(pid) - before.descriptors;
      return [
        ...shares,
        atMost('descriptors left behind', descriptors, 0, {
          text: `${descriptors} after ${count(2 * cycles)} allocations`,
        }),
        atMost('resident memory, growth in the second half', growth, GROWTH_MEGABYTES_MAX, 'MB'),
        await allPorts(server),
      ];
    }),
};

async function shareWithGreedy(server: ServerAddress): Promise<readonly Finding[]> {
  const greedy = await allocateEach(server, Array<string>(GREEDY_TRIES).fill('greedy'));
  const others = await allocateEach(
    server,
    Array.from({ length: OTHERS }, (_, index) => `user-${index}`),
  );
  for (const client of [...greedy, ...others]) await giveBack(client);
  return [
    atMost(`allocations of a user whose quota is ${QUOTA}`, greedy.length, QUOTA, {
      text: `${greedy.length} of ${GREEDY_TRIES}`,
    }),
    atLeast('allocations of others meanwhile', others.length, OTHERS),
  ];
}

/** Every relay port has to be there: the last allocation needs the last one. */
async function allPorts(server: ServerAddress): Promise<Finding> {
  const clients = await allocateEach(
    server,
    Array.from({ length: PORTS }, (_, index) => `last-${index}`),
  );
  for (const client of clients) await giveBack(client);
  return atLeast('relay ports that are free again', clients.length, PORTS);
}

async function cycle(server: ServerAddress, cycles: number): Promise<void> {
  let left = cycles;
  const one = async (user: string): Promise<void> => {
    const client = await open(server, user);
    while (left-- > 0) {
      await client.allocate();
      await client.refresh(0);
    }
    await client.close();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => one(`cycle-${index}`)));
}

/** The clients that got an allocation; the others were refused. */
async function allocateEach(
  server: ServerAddress,
  users: readonly string[],
): Promise<TurnClient[]> {
  const clients: TurnClient[] = [];
  for (const user of users) {
    const client = await open(server, user);
    try {
      await client.allocate();
      clients.push(client);
    } catch (error) {
      if (!(error instanceof TurnError)) throw error;
      await client.close();
    }
  }
  return clients;
}

function open(server: ServerAddress, user: string): Promise<TurnClient> {
  return TurnClient.open({ server, credential: ephemeralCredential(OPTIONS.secret, user) });
}

async function giveBack(client: TurnClient): Promise<void> {
  await client.refresh(0);
  await client.close();
}
