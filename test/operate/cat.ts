import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import t, { type Test } from 'tap';
import { AdminClient } from '../../src/cli/admin/client.ts';
import type { AdminTarget } from '../../src/cli/admin/target.ts';
import { catCommand, type CatOptions } from '../../src/cli/cat/command.ts';
import { carryStream } from '../../src/cli/cat/streams.ts';
import type { CommandResult } from '../../src/cli/terminal/output.ts';
import { ephemeralCredential } from '../support/credentials.ts';
import { within } from '../support/child-process.ts';
import { openUdpEchoPeer, type UdpEchoPeer } from '../support/echo-peer.ts';
import { freePorts } from '../support/free-ports.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { poll } from '../support/poll.ts';
import {
  startSecureGateway,
  TestPki,
  tlsKeys,
  type SecureGateway,
} from '../support/secure-gateway.ts';

const skip = missingBuild();
const DEADLINE_MS = 15_000;

interface RunningCat {
  readonly stdin: PassThrough;
  readonly ended: Promise<CommandResult>;
  /** What came out so far. */
  output(): string;
  /** Waits until the output, or what is told on standard error, fits. */
  until(pattern: RegExp, from?: 'stdout' | 'stderr'): Promise<RegExpExecArray>;
  stop(): Promise<CommandResult>;
}

/** Runs `cat` until it is stopped, at the latest with the test. */
function runCat(t: Test, options: CatOptions): RunningCat {
  const stopper = new AbortController();
  const stdin = new PassThrough();
  const texts = { stdout: '', stderr: '' };
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  for (const name of ['stdout', 'stderr'] as const) {
    streams[name].on('data', (chunk) => (texts[name] += String(chunk)));
  }
  const ended = catCommand(options, { stdin, ...streams, stop: stopper.signal });
  ended.catch(() => undefined);
  const stop = (): Promise<CommandResult> => {
    stopper.abort();
    return within(DEADLINE_MS, ended, () => 'cat does not end');
  };
  t.teardown(() => stop().catch(() => undefined));
  return {
    stdin,
    ended: within(DEADLINE_MS, ended, () => `cat does not end: ${texts.stderr}`),
    output: () => texts.stdout,
    until: async (pattern, from = 'stdout') => {
      const what = (): string => `${from} has nothing like ${pattern}: ${texts[from]}`;
      const found = (async () => {
        while (!pattern.test(texts[from])) await once(streams[from], 'data');
      })();
      await within(DEADLINE_MS, found, what);
      return pattern.exec(texts[from])!;
    },
    stop,
  };
}

interface Setting {
  readonly gateway: SecureGateway;
  readonly peer: UdpEchoPeer;
  readonly pki: TestPki;
  readonly uri: (name: string, login?: string) => string;
  readonly adminApi: AdminTarget;
}

async function setUp(t: Test): Promise<Setting> {
  const pki = await TestPki.create(t);
  const api_endpoint = `http://127.0.0.1:${await freePorts()}`;
  const gateway = await startSecureGateway(t, {
    changes: {
      admin: { log_format: 'json', healthcheck_endpoint: '', drain_timeout: 0, api_endpoint },
    },
    listeners: {
      udp: { protocol: 'TURN-UDP' },
      tcp: { protocol: 'TURN-TCP' },
      tls: { protocol: 'TURN-TLS', tls: tlsKeys(await pki.server()) },
    },
  });
  const peer = await openUdpEchoPeer();
  t.teardown(() => peer.close());
  const uri = (name: string, login = gateway.secret): string => {
    const { host, port } = gateway.server(name);
    return `turn://${login}@${host}:${port}?transport=${name}`;
  };
  const url = new URL(`${api_endpoint}/`);
  const adminApi = { url, token: undefined, ca: undefined, client: undefined };
  return { gateway, peer, pki, uri, adminApi };
}

t.test('cat', { skip }, async (t) => {
  const { gateway, peer, pki, uri, adminApi } = await setUp(t);
  const target = `udp://${peer.address.toString()}`;

  for (const name of ['udp', 'tcp', 'tls']) {
    await t.test(`standard input over ${name}`, async (t) => {
      const { username, password } = ephemeralCredential(gateway.secret, 'alice');
      const login = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
      for (const withLogin of [undefined, login]) {
        const cat = runCat(t, {
          local: '-',
          uri: uri(name, withLogin),
          peer: target,
          ca: pki.caFile,
        });
        cat.stdin.write('hello');
        await cat.until(/^hello$/);
        cat.stdin.end('bye');
        t.same(await cat.ended, { exitCode: 0, stdout: '', stderr: '' });
        t.equal(cat.output(), 'hellobye', 'answers to the last input are awaited');
      }
      t.same(peer.received.slice(-2), ['hello', 'bye'], 'one datagram per chunk');
    });
  }

  await t.test('long input becomes several datagrams', async (t) => {
    const cat = runCat(t, { local: '-', uri: uri('tcp'), peer: target });
    const before = peer.received.length;
    cat.stdin.end('x'.repeat(3000));
    t.equal((await cat.ended).exitCode, 0);
    t.same(
      peer.received.slice(before).map((text) => text.length),
      [1200, 1200, 600],
    );
    t.equal(cat.output().length, 3000);
  });

  await t.test('UDP sources have allocations of their own', async (t) => {
    const cat = runCat(t, {
      local: 'udp://127.0.0.1:0',
      uri: uri('udp'),
      peer: target,
      user: 'udp',
    });
    const [, port] = await cat.until(/listening on udp:\/\/127\.0\.0\.1:(\d+)\n/, 'stderr');
    const sources = await Promise.all([openUdp(t), openUdp(t)]);
    for (const [index, source] of sources.entries()) {
      const answer = once(source, 'message') as Promise<[Buffer]>;
      source.send(`from ${index}`, Number(port), '127.0.0.1');
      t.equal(String((await within(DEADLINE_MS, answer, () => 'no answer'))[0]), `from ${index}`);
    }
    await poll(
      () => allocationsOf(gateway, ':udp').length,
      (count) => count === 2,
    );
    t.same(await cat.stop(), { exitCode: 0, stdout: '', stderr: '' });
    await gateway.recorded('allocation ended', { user: 'udp' });
  });

  for (const kind of ['tcp', 'unix']) {
    await t.test(`connections of ${kind}`, async (t) => {
      const path = join(t.testdir(), 'cat.sock');
      const local = kind === 'tcp' ? 'tcp://127.0.0.1:0' : `unix://${path}`;
      const cat = runCat(t, { local, uri: uri('udp'), peer: target, user: kind });
      const [, where] = await cat.until(/listening on \w+:\/\/(.+)\n/, 'stderr');
      const open = (): Socket =>
        kind === 'tcp' ? connect(Number(where?.split(':')[1]), '127.0.0.1') : connect(path);
      const sockets = [open(), open()];
      for (const [index, socket] of sockets.entries()) {
        socket.write(`from ${index}`);
        const [data] = (await once(socket, 'data')) as [Buffer];
        t.equal(String(data), `from ${index}`);
      }
      t.equal(allocationsOf(gateway, `:${kind}`).length, 2);
      const [first, second] = sockets;
      first!.end('last words');
      const [data] = (await once(first!, 'data')) as [Buffer];
      t.equal(String(data), 'last words', 'answers come after the end of the input');
      const closed = once(second!, 'close');
      t.equal((await cat.stop()).exitCode, 0);
      await closed;
    });
  }

  await t.test('what cannot work', async (t) => {
    const failing: [Partial<CatOptions>, RegExp][] = [
      [{ uri: uri('udp', 'wrong') }, /Allocate: 401 Unauthenticated;/],
      [{ uri: uri('tcp', 'wrong') }, /Allocate: 401 Unauthenticated;/],
      [{ uri: uri('tls') }, /unknown authority/],
      [{ uri: uri('tls'), ca: pki.caFile, sni: 'other.example.org' }, /another name/],
      [{ uri: uri('udp'), peer: 'udp://10.9.9.9:5000' }, /CreatePermission: 403 /],
      [
        { uri: uri('tcp').replace('=tcp', '=tls') },
        /does not speak TLS|closed the connection|reset/,
      ],
      [{ uri: 'turn://s@nothing.invalid' }, /nothing\.invalid: /],
    ];
    for (const [options, words] of failing) {
      const cat = runCat(t, { local: '-', uri: uri('udp'), peer: target, ...options });
      cat.stdin.write('x');
      const { exitCode, stderr } = await cat.ended;
      t.equal(exitCode, 1);
      t.match(stderr, words);
      t.notOk(stderr.includes(gateway.secret));
    }
    const insecure = runCat(t, { local: '-', uri: uri('tls'), peer: target, insecure: true });
    insecure.stdin.end('x');
    t.equal((await insecure.ended).exitCode, 0, 'unless every certificate is taken');

    const usage: Partial<CatOptions>[] = [
      { local: 'http://x' },
      { local: 'udp://name:1' },
      { peer: 'udp://10.0.0.1' },
      { peer: 'tcp://10.0.0.1:1' },
      { uri: 'http://example.org' },
      { uri: 'turns:example.org?transport=udp' },
      { uri: 'stun:example.org' },
      { ca: '/nowhere' },
    ];
    for (const options of usage) {
      const cat = runCat(t, { local: '-', uri: uri('udp'), peer: target, ...options });
      await t.rejects(cat.ended, { code: 'GW_ERR_USAGE' }, JSON.stringify(options));
    }
    const taken = createSocket('udp4').bind(0, '127.0.0.1');
    await once(taken, 'listening');
    t.teardown(() => taken.close());
    const local = `udp://127.0.0.1:${taken.address().port}`;
    await t.rejects(runCat(t, { local, uri: uri('udp'), peer: target }).ended, {
      code: 'GW_ERR_LISTEN',
    });
  });

  await t.test('a session that has ended', async (t) => {
    const admin = new AdminClient(adminApi);
    for (const checkMs of [50, 60_000]) {
      const [input, output] = [new PassThrough(), new PassThrough()];
      const plan = {
        ...gateway.server('udp'),
        transport: 'udp' as const,
        tls: undefined,
        credential: () => ephemeralCredential(gateway.secret, 'kicked'),
        peer: peer.address,
        checkMs,
      };
      const carried = carryStream(plan, { input, output, stop: new AbortController().signal });
      carried.catch(() => undefined);
      input.write('hello');
      await once(output, 'data');
      t.match(await admin.delete('sessions', { user: 'kicked' }), { ended: 1 });
      // The long way round: nothing is noticed until the input ends.
      if (checkMs > 1000) input.end('lost');
      const ended = within(DEADLINE_MS, carried, () => 'it does not end');
      await t.rejects(ended, {
        message: /^the gateway has ended the session \(Refresh: 437 Alloc/,
      });
    }
    const cat = runCat(t, { local: '-', uri: uri('udp'), peer: target, user: 'gone' });
    cat.stdin.write('hello');
    await cat.until(/hello/);
    await admin.delete('sessions', { user: 'gone' });
    cat.stdin.end();
    t.match(await cat.ended, { exitCode: 1, stderr: /^the gateway has ended the session .*437/ });
  });

  await t.test('a peer with a name', async (t) => {
    const { port } = peer.address;
    const cat = runCat(t, { local: '-', uri: uri('udp'), peer: `udp://localhost:${port}` });
    cat.stdin.write('hello');
    await cat.until(/^hello$/);
    cat.stdin.end();
    t.equal((await cat.ended).exitCode, 0);
    const unknown = runCat(t, { local: '-', uri: uri('udp'), peer: 'nothing.invalid:5000' });
    t.match(await unknown.ended, { exitCode: 1, stderr: /nothing\.invalid: / });
  });

  await t.test('flows that fail do not end the others, and are told', async (t) => {
    const cat = runCat(t, { local: 'tcp://127.0.0.1:0', uri: uri('udp', 'wrong'), peer: target });
    const [, port] = await cat.until(/listening on tcp:\/\/127\.0\.0\.1:(\d+)\n/, 'stderr');
    const socket = connect(Number(port), '127.0.0.1');
    socket.write('x');
    await Promise.all([once(socket, 'close'), cat.until(/127\.0\.0\.1: Allocate: 401/, 'stderr')]);
    t.equal((await cat.stop()).exitCode, 1, 'none worked');
  });

  await t.test('the gateway goes away', async (t) => {
    const cat = runCat(t, { local: '-', uri: uri('tcp'), peer: target });
    cat.stdin.write('hello');
    await cat.until(/hello/);
    await gateway.process.child.stop(['SIGKILL']);
    const { exitCode, stderr } = await cat.ended;
    t.equal(exitCode, 1);
    t.match(stderr, /closed the connection|reset/);
  });
});

function allocationsOf(gateway: SecureGateway, suffix: string): unknown[] {
  return gateway
    .records('allocation created')
    .filter(({ username, user }) => `${String(username)} :${String(user)}`.endsWith(suffix));
}

async function openUdp(t: Test): Promise<UdpSocket> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  return socket;
}
