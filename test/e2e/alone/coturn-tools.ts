import t from 'tap';
import { missingTool, runCommand, type CommandResult } from '../../support/child-process.ts';
import { relayFault, runUclient, startEchoPeers } from '../../support/coturn-tools.ts';
import { ephemeralCredential } from '../../support/credentials.ts';
import { missingBuild } from '../../support/gateway-process.ts';
import {
  DUAL_STACK_SERVER,
  IS_COTURN_UNDER_TEST,
  startServer,
  type ServerUnderTest,
} from '../../support/server-under-test.ts';

type Mode = 'reactor' | 'portable';

interface Row {
  readonly proves: string;
  readonly flags: readonly string[];
  /** Judges the run; returns what is wrong. */
  readonly fault: (result: CommandResult) => string | undefined;
  /** Peer address; loopback IPv4 by default. */
  readonly peer?: string;
  /** Modes to run in; reactor alone by default, because portable mode shares the core. */
  readonly modes?: readonly Mode[];
  /** True for what coturn cannot be configured to do. */
  readonly isOursAlone?: boolean;
}

const BOTH: readonly Mode[] = ['reactor', 'portable'];
const RUN_MS_MAX = 30_000;
/** Some hostile clients never end by themselves. */
const HOSTILE_RUN_MS_MAX = 8_000;
/** Rows that run at the same time; the tools mostly wait. */
const PARALLEL_RUNS = 6;

const EXPIRED = ephemeralCredential(DUAL_STACK_SERVER.secret, 'bob', 1_000_000_000);

const ROWS: readonly Row[] = [
  {
    proves: 'reserved port pair, address family, Refresh, ChannelData',
    flags: ['-X'],
    fault: relayFault,
    modes: BOTH,
  },
  { proves: 'DONT-FRAGMENT', flags: ['-X', '-g'], fault: relayFault },
  {
    proves: 'DONT-FRAGMENT where Node.js cannot set it',
    flags: ['-X', '-g'],
    fault: refusedWith(420),
    modes: ['portable'],
    isOursAlone: true,
  },
  { proves: 'one relay port', flags: ['-c'], fault: relayFault },
  {
    proves: 'CreatePermission, Send and Data indications',
    flags: ['-s', '-c'],
    fault: relayFault,
    modes: BOTH,
  },
  { proves: 'TURN over TCP', flags: ['-t'], fault: relayFault, modes: BOTH },
  { proves: 'indications over TCP', flags: ['-t', '-s', '-c'], fault: relayFault },
  {
    proves: 'relayed addresses are no peers',
    flags: ['-y'],
    fault: refusedWith(403),
    modes: BOTH,
    isOursAlone: true,
  },
  {
    proves: 'IPv6 relay',
    flags: ['-x', '-c'],
    fault: relayFault,
    peer: '::1',
    modes: BOTH,
  },
  { proves: 'IPv4 and IPv6 in one allocation', flags: ['-Z'], fault: relayFault },
  { proves: 'padded ChannelData over UDP', flags: ['-D', '-c'], fault: relayFault },
  { proves: 'payloads of 1400 bytes', flags: ['-c', '-l', '1400'], fault: relayFault },
  {
    proves: 'payloads of 1400 bytes over TCP',
    flags: ['-t', '-c', '-l', '1400'],
    fault: relayFault,
  },
  {
    proves: 'second channel number for one peer',
    flags: ['-N', '-c'],
    fault: refusedWith(400),
    modes: BOTH,
  },
  { proves: 'hundreds of permissions and channels', flags: ['-G', '-c'], fault: relayFault },
  { proves: 'a wrong secret', flags: ['-c', '-u', 'user', '-W', 'wrong'], fault: noAllocation },
  {
    proves: 'an expired credential',
    flags: ['-c', '-u', EXPIRED.username, '-w', EXPIRED.password],
    fault: noAllocation,
    modes: BOTH,
  },
  {
    proves: 'ChannelBind beyond the routes',
    flags: ['-c'],
    fault: refusedWith(403),
    peer: '10.77.0.1',
    modes: BOTH,
  },
  {
    proves: 'CreatePermission beyond the routes',
    flags: ['-s', '-c'],
    fault: refusedWith(403),
    peer: '10.77.0.1',
    modes: BOTH,
  },
  {
    proves: 'ChannelBind to another loopback address',
    flags: ['-c'],
    fault: refusedWith(403),
    peer: '127.0.0.2',
  },
];

const HOSTILE_CLIENTS: readonly (readonly string[])[] = [
  ['-R', '-c'],
  ['-R', '-t', '-c'],
  ['-O', '-c'],
  ['-B'],
  ['-B', '-t'],
];

const skip =
  missingTool('turnutils_uclient', 'turnutils_peer', 'turnutils_stunclient') ||
  (!IS_COTURN_UNDER_TEST && missingBuild());

// Each has a server of its own.
t.jobs = 4;

for (const mode of BOTH) {
  t.test(`coturn's tools against ${mode} mode`, { skip }, async (t) => {
    const server = await startServer({ ...DUAL_STACK_SERVER, mode });
    t.teardown(() => server.stop());
    const peers = await startEchoPeers(['127.0.0.1', '::1']);
    t.teardown(() => peers.stop());
    const uclient = (flags: readonly string[], peer = '127.0.0.1', timeoutMs = RUN_MS_MAX) =>
      runUclient(server, ['-n', '20', '-e', peer, '-r', `${peers.port}`, ...flags], timeoutMs);

    await t.test('well-behaved and refused clients', async (t) => {
      t.jobs = PARALLEL_RUNS;
      const rows = ROWS.filter((row) => (row.modes ?? ['reactor']).includes(mode));
      for (const row of rows) {
        const reason = IS_COTURN_UNDER_TEST && row.isOursAlone === true && 'coturn relays this';
        void t.test(row.proves, { buffered: true, skip: reason }, async (t) => {
          const result = await uclient(row.flags, row.peer);
          t.equal(row.fault(result), undefined, row.flags.join(' '), { output: result.output });
        });
      }
    });

    await t.test('stunclient reads its reflexive address', async (t) => {
      const result = await runCommand(
        'turnutils_stunclient',
        ['-p', `${server.port}`, '127.0.0.1'],
        RUN_MS_MAX,
      );
      t.equal(result.exitCode, 0);
      t.match(result.output, /UDP reflexive addr: 127\.0\.0\.1:\d+/);
    });

    await t.test('serves on after corrupted messages and vanished clients', async (t) => {
      await Promise.all(
        HOSTILE_CLIENTS.map((flags) => uclient(flags, '127.0.0.1', HOSTILE_RUN_MS_MAX)),
      );
      t.ok(server.isAlive, 'the process lives');
      const result = await uclient(['-X']);
      t.equal(relayFault(result), undefined, 'a well-behaved client', { output: result.output });
    });
  });
}

// The tool tries an Allocate before the one it keeps, so that a quota of 2 lets it work.
for (const { userQuota, fault } of [
  { userQuota: 1, fault: refusedWith(486) },
  { userQuota: 2, fault: relayFault },
]) {
  t.test(`a user quota of ${userQuota}`, { skip }, async (t) => {
    const server: ServerUnderTest = await startServer({ userQuota });
    t.teardown(() => server.stop());
    const peers = await startEchoPeers(['127.0.0.1']);
    t.teardown(() => peers.stop());
    const flags = ['-n', '20', '-c', '-e', '127.0.0.1', '-r', `${peers.port}`];
    const result = await runUclient(server, flags, RUN_MS_MAX);
    t.equal(fault(result), undefined, 'uclient', { output: result.output });
  });
}

/** Wants an error response with this code and nothing relayed. */
function refusedWith(code: number): Row['fault'] {
  return ({ exitCode, output }) => {
    if (exitCode === 0) return 'not refused';
    return output.includes(`error ${code}`) ? undefined : `no error ${code}`;
  };
}

function noAllocation({ exitCode, output }: CommandResult): string | undefined {
  if (exitCode === 0) return 'not refused';
  return output.includes('Cannot complete Allocation') ? undefined : 'not refused by Allocate';
}
