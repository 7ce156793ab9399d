import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { within } from '../../support/child-process.ts';
import { ephemeralCredential } from '../../support/credentials.ts';
import { freePorts } from '../../support/free-ports.ts';
import { garbage } from '../../support/garbage.ts';
import {
  configurationFor,
  missingBuild,
  spawnGateway,
  type GatewayProcess,
} from '../../support/gateway-process.ts';
import {
  LOOPBACK_SERVER,
  startServer,
  type ServerUnderTest,
} from '../../support/server-under-test.ts';
import { addressFrom, TurnClient } from '../../support/turn-client.ts';

const END_MS_MAX = 20_000;
const GARBAGE_DATAGRAMS = 20_000;
const RELAY_GARBAGE_ROUNDS = 50;
const DATAGRAMS_PER_RELAY_ROUND = 20;
const GARBAGE_CONNECTIONS = 200;
const SENDERS = 4;
const DATAGRAMS_PER_ROUND = 50;

const skip = missingBuild();

/** A file whose lines the tests know; each case changes one of them. */
const LINES = [
  'version: v1',
  'auth: { type: static, credentials: { username: user, password: pass } }',
  'listeners:',
  '  - { name: a, protocol: UDP, bind: 127.0.0.1, port: 1, routes: [media] }',
  'clusters:',
  '  - { name: media, endpoints: [10.0.0.1] }',
];

const INVALID_FILES = [
  {
    name: 'unknown key',
    line: 2,
    text: 'authh: {}',
    at: [2, 1],
    says: /unknown key; did you mean auth/,
  },
  {
    name: 'unknown nested key',
    line: 6,
    text: '  - { name: media, endpoint: [10.0.0.1] }',
    at: [6, 20],
    says: /did you mean endpoints/,
  },
  {
    name: 'duplicate name',
    line: 6,
    text: '  - { name: media }\n  - { name: media }',
    at: [7, 13],
    says: /clusters\[1\]\.name: is taken by clusters\[0\]/,
  },
  {
    name: 'dangling route',
    line: 4,
    text: '  - { name: a, port: 1, routes: [media, other] }',
    at: [4, 41],
    says: /listeners\[0\]\.routes\[1\]: names no cluster; clusters are media/,
  },
  {
    name: 'undefined variable',
    line: 2,
    // oxlint-disable-next-line no-template-curly-in-string
    text: 'auth: { realm: "${TURNPIKE_NOT_SET}", credentials: { username: u, password: p } }',
    at: [2, 16],
    says: /TURNPIKE_NOT_SET/,
  },
  { name: 'broken YAML', line: 3, text: 'listeners: [', at: [4, 3], says: /./ },
] as const;

t.test('an invalid configuration ends with code 2 and a position', { skip }, async (t) => {
  for (const { name, line, text, at, says } of INVALID_FILES) {
    await t.test(name, async (t) => {
      const lines = LINES.map((each, index) => (index === line - 1 ? text : each));
      const gateway = await spawnGateway(`${lines.join('\n')}\n`);
      t.teardown(() => gateway.stop());
      t.equal(await exitCodeOf(gateway), 2);
      const [row, column] = at;
      const output = gateway.child.output;
      t.ok(output.includes(`${gateway.file}:${row}:${column}`), 'position', { output });
      t.match(output, says);
    });
  }

  await t.test('every problem is named at once', async (t) => {
    const gateway = await spawnGateway('version: v9\nauthh: {}\nlisteners: 5\n');
    t.teardown(() => gateway.stop());
    t.equal(await exitCodeOf(gateway), 2);
    for (const row of [1, 2, 3]) t.match(gateway.child.output, `${gateway.file}:${row}:`);
  });
});

t.test('an unreadable configuration ends with code 2', { skip }, async (t) => {
  await t.test('a folder in place of a file', async (t) => {
    const gateway = await spawnGateway(LINES.join('\n'), ['-c', '/']);
    t.teardown(() => gateway.stop());
    t.equal(await exitCodeOf(gateway), 2);
    t.match(gateway.child.output, /cannot be read|directory|EISDIR/i);
  });

  await t.test('no such file', async (t) => {
    const gateway = await spawnGateway(LINES.join('\n'), ['-c', '/nonexistent/turnpike.yaml']);
    t.teardown(() => gateway.stop());
    t.equal(await exitCodeOf(gateway), 2);
    t.match(gateway.child.output, '/nonexistent/turnpike.yaml');
  });
});

t.test('a port in use ends with code 1 and names the listener', { skip }, async (t) => {
  for (const protocol of ['udp', 'tcp'] as const) {
    await t.test(protocol, async (t) => {
      const port = await freePorts(2);
      await occupy(t, protocol, port);
      const gateway = await spawnGateway(configurationFor(LOOPBACK_SERVER, port, port + 1));
      t.teardown(() => gateway.stop());
      t.equal(await exitCodeOf(gateway), 1);
      t.match(gateway.child.output, `${port}`, 'the port');
      t.match(gateway.child.output, `test/gateway/${protocol}-127.0.0.1`, 'the listener');
      t.match(gateway.child.output, /in use/, 'the reason');
    });
  }
});

for (const mode of ['reactor', 'portable'] as const) {
  t.test(`nonsense leaves clients in ${mode} mode untouched`, { skip }, async (t) => {
    const server = await startServer({ mode });
    t.teardown(() => server.stop());
    const relays = await Promise.all([openRelay(t, server, 'udp'), openRelay(t, server, 'tcp')]);
    let isNonsenseOver = false;
    const counting = relays.map((relay) => relay.countUntil(() => isNonsenseOver));
    await Promise.all([
      sendDatagrams(server.port),
      ...relays.map(sendToRelay),
      sendConnections(server.port),
      // The ICE API listens on the next port.
      sendConnections(server.port + 1),
    ]);
    isNonsenseOver = true;
    for (const { sent, echoed } of await Promise.all(counting)) {
      t.ok(sent >= 50, `${sent} sent`);
      t.equal(echoed, sent, 'each came back');
    }
    t.ok(server.isAlive);
    await openRelay(t, server, 'udp');
  });
}

async function exitCodeOf({ child }: GatewayProcess): Promise<number | null> {
  const end = await within(END_MS_MAX, child.ended, () => `still running:\n${child.output}`);
  return end.exitCode;
}

async function occupy(t: Test, protocol: 'udp' | 'tcp', port: number): Promise<void> {
  if (protocol === 'udp') {
    const socket = createSocket('udp4');
    t.teardown(() => socket.close());
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
  } else {
    const listener = createServer();
    t.teardown(() => listener.close());
    listener.listen(port, '127.0.0.1');
    await once(listener, 'listening');
  }
}

interface CountedRelay {
  readonly relayedPort: number;
  /** Resolves when the next packet has come back. */
  nextEcho(): Promise<void>;
  /** Sends one packet after another, each once its predecessor came back, until told to stop. */
  countUntil(isOver: () => boolean): Promise<{ sent: number; echoed: number }>;
}

async function openRelay(
  t: Test,
  server: ServerUnderTest,
  transport: 'udp' | 'tcp',
): Promise<CountedRelay> {
  const peer = createSocket('udp4', (data, from) => peer.send(data, from.port, from.address));
  t.teardown(() => peer.close());
  peer.bind(0, '127.0.0.1');
  await once(peer, 'listening');
  const client = await TurnClient.open({
    server: { host: '127.0.0.1', port: server.port },
    transport,
    credential: ephemeralCredential(server.secret, transport),
  });
  t.teardown(() => client.close());
  const { relayed } = await client.allocate();
  await client.channelBind(0x4000, addressFrom('127.0.0.1', peer.address().port));
  const waiting: (() => void)[] = [];
  return {
    relayedPort: relayed[0]!.port,
    nextEcho: () => new Promise((resolve) => waiting.push(resolve)),
    async countUntil(isOver) {
      let [sent, echoed] = [0, 0];
      while (!isOver()) {
        const text = `packet ${sent++}`;
        client.sendOnChannel(0x4000, Buffer.from(text));
        const { data } = await client.receive();
        if (data.toString() === text) echoed++;
        for (const resolve of waiting.splice(0)) resolve();
      }
      return { sent, echoed };
    },
  };
}

/** Sends in small rounds, so that what is tested is the server and not the size of a socket buffer. */
async function sendDatagrams(port: number): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: SENDERS }, () => openSender('127.0.0.1')));
  for (let count = 0; count < GARBAGE_DATAGRAMS; count += DATAGRAMS_PER_ROUND) {
    await Promise.all(
      Array.from({ length: DATAGRAMS_PER_ROUND }, (_, index) =>
        sendOne(sockets[index % SENDERS]!, garbage(count + index), port),
      ),
    );
    await setImmediate();
  }
  for (const socket of sockets) socket.close();
}

/**
 * Sends garbage to a relayed port, a few at a time with an echo in between: the socket's buffer is small.
 *
 * Not from an address that has a permission: whatever came from there would be relayed.
 */
async function sendToRelay(relay: CountedRelay): Promise<void> {
  const socket = await openSender('127.0.0.2');
  for (let count = 0; count < RELAY_GARBAGE_ROUNDS * DATAGRAMS_PER_RELAY_ROUND; count++) {
    await sendOne(socket, garbage(count), relay.relayedPort);
    if (count % DATAGRAMS_PER_RELAY_ROUND === 0) await relay.nextEcho();
  }
  socket.close();
}

async function openSender(ip: string): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, ip);
  await once(socket, 'listening');
  return socket;
}

function sendOne(socket: Socket, datagram: Uint8Array, port: number): Promise<void> {
  return new Promise((resolve) => socket.send(datagram, port, '127.0.0.1', () => resolve()));
}

/** Opens connections one after another; half of them end at once, the others are left to the server. */
async function sendConnections(port: number): Promise<void> {
  const sockets = [];
  for (let count = 0; count < GARBAGE_CONNECTIONS; count++) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const isSent = new Promise<void>((resolve) => socket.write(garbage(count), () => resolve()));
    await isSent;
    if (count % 2 === 0) socket.resetAndDestroy();
    else sockets.push(socket);
  }
  for (const socket of sockets) socket.destroy();
}
