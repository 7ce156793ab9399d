import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import t, { type Test } from 'tap';
import { CertificateAuthority, writeCertificate } from '../support/certificate-authority.ts';
import { missingTool, runCommand } from '../support/child-process.ts';
import { startEchoPeers, type EchoPeers } from '../support/coturn-tools.ts';
import { ephemeralCredential } from '../support/credentials.ts';
import { freePorts } from '../support/free-ports.ts';
import {
  flagsFor,
  MAIN,
  missingBuild,
  startReady,
  type GatewayProcess,
} from '../support/gateway-process.ts';
import {
  examplePath,
  gatewayConfiguration,
  gatewayPorts,
  missingHaproxy,
  missingNginx,
  PrefixedConnection,
  relayThroughBalancer,
  startHaproxy,
  startNginx,
  type GatewayPorts,
  type LoadBalancer,
  type Place,
} from '../support/load-balancers.ts';
import { proxyLine, proxyV2, proxyV2Of } from '../support/proxy-header.ts';
import type { IceServer } from '../support/server-under-test.ts';
import { addressFrom, TurnClient, type TurnError } from '../support/turn-client.ts';

const SECRET = 'a-secret-for-tests-only';
const BALANCER = '127.0.0.1';
const STRANGER = '127.0.0.2';
const LIMITS = {
  allocations_per_address_max: 6,
  connections_per_address_max: 12,
  handshakes_per_second_per_address: 1000,
};
const MESSAGES = 20;
const RUN_MS_MAX = 20_000;

const folder = await mkdtemp(join(tmpdir(), 'turnpike-balancers-'));
t.teardown(() => rm(folder, { recursive: true }));
const authority = await CertificateAuthority.create();
const caFile = await authority.writeTo(folder);
const { certFile, keyFile } = await writeCertificate(await authority.issueServer(), folder);
const pemFile = join(folder, 'both.pem');
const own = await authority.issueServer({ subject: 'CN=balancer' });
await writeFile(pemFile, own.chainPem + own.keyPem, { mode: 0o600 });

interface Scene {
  readonly gateway: GatewayProcess;
  readonly ports: GatewayPorts;
  readonly peers: EchoPeers;
}

/** A load balancer with the two ports that clients connect to. */
interface Front {
  readonly name: string;
  readonly balancer: LoadBalancer;
  readonly upstream: number;
  readonly here: number;
}

const skip = missingBuild() || missingTool('turnutils_uclient', 'turnutils_peer');
// Most of it waits for the tools.
t.jobs = 3;

for (const mode of ['reactor', 'portable'] as const) {
  void t.test(`load balancers in front of ${mode} mode`, { skip, buffered: true }, async (t) => {
    const scene = await openScene(t, mode);
    const fronts = await startFronts(t, scene.ports);
    await t.test('clients come through', (t) => clientsComeThrough(t, scene, fronts));
    await t.test('health checks are not seen', async (t) => {
      for (const { balancer } of fronts) t.notMatch(balancer.child.output, /is DOWN/);
      t.equal(refusals(scene), 0);
      const ofBalancer = records(scene).filter(({ client }) => client?.startsWith(`${BALANCER}:`));
      t.same(ofBalancer, [], 'nothing is said of the balancer itself');
    });
    await t.test('limits are those of the client', async (t) => {
      for (const [index, front] of fronts.entries()) await limitsCount(t, scene, front, index);
    });
    await t.test('what connections begin with', (t) => headersCount(t, scene));
    await t.test('the ICE API says turns', (t) => iceSaysTurns(t, scene));
    await t.test('health checks notice that the gateway is gone', async () => {
      await scene.gateway.stop();
      for (const { balancer } of fronts.filter(({ name }) => name.startsWith('haproxy'))) {
        for (const backend of ['plain', 'tls']) {
          await balancer.child.waitForLine((line) => line.includes(`${backend}/gateway-1 is DOWN`));
        }
      }
    });
  });
}

void t.test('config show says where TLS ends', { skip, buffered: true }, async (t) => {
  const args = [MAIN, 'config', 'show', '-o', 'json', '-c', examplePath('turnpike.yaml')];
  const { output, exitCode } = await runCommand(process.execPath, args, RUN_MS_MAX);
  t.equal(exitCode, 0, output);
  const { listeners } = JSON.parse(output) as { listeners: object[] };
  const proxy = { proxy_protocol: 'required', proxy_trusted: ['10.0.0.2/32'] };
  t.match(listeners[0], { protocol: 'TURN-TLS', tls: { termination: 'upstream' }, ...proxy });
  t.match(listeners[1], { protocol: 'TURN-TLS', tls: { termination: 'here' }, ...proxy });
});

async function clientsComeThrough(t: Test, scene: Scene, fronts: readonly Front[]): Promise<void> {
  t.jobs = 6;
  const rows = fronts.flatMap((front) =>
    (['upstream', 'here'] as const).map((ends) => ({ front, ends })),
  );
  for (const [index, { front, ends }] of rows.entries()) {
    const port = front[ends];
    const name = `${front.name}, TLS ends ${ends === 'here' ? 'at the gateway' : 'there'}`;
    void t.test(name, { buffered: true }, async (t) => {
      const address = `127.0.0.${21 + index}`;
      const subject = ends === 'here' ? 'localhost' : 'balancer';
      await Promise.all([
        t.resolves(uclient(scene, port, address), `uclient has ${MESSAGES} messages back`),
        ...['127.0.0.2', '127.0.0.3', '::1'].map((from) => sees(t, scene, { port, from, subject })),
      ]);
      const created = records(scene).some(({ msg, client }) => {
        return msg === 'allocation created' && client?.startsWith(`${address}:`);
      });
      t.ok(created, 'the log has the address of uclient');
    });
  }
}

/** A client sees its own address, and so does the log. */
async function sees(
  t: Test,
  scene: Scene,
  { port, from, subject }: { port: number; from: string; subject: string },
): Promise<void> {
  const { client, socket, localPort } = await openClient(t, port, from);
  t.equal(socket.getPeerCertificate().subject['CN'], subject, 'who ends TLS');
  const address = addressFrom(from, localPort).toString();
  t.equal((await client.binding()).toString(), address);
  t.equal((await client.allocate()).reflexive.toString(), address);
  await recorded(scene, { msg: 'allocation created', client: address });
  await client.close();
  await recorded(scene, { msg: 'allocation ended', client: address });
}

/** One address has used up what it may have, the next one has not. */
async function limitsCount(t: Test, scene: Scene, front: Front, index: number): Promise<void> {
  const port = front.upstream;
  const [greedy, other] = [`127.0.0.${41 + 2 * index}`, `127.0.0.${42 + 2 * index}`];
  const clients = await Promise.all(
    Array.from({ length: LIMITS.connections_per_address_max }, () => openClient(t, port, greedy)),
  );
  await Promise.all(clients.map(({ client }) => client.binding()));
  const tooMany = await openClient(t, port, greedy);
  await t.rejects(
    tooMany.client.binding(),
    /closed|ECONNRESET/,
    `${front.name}: one connection too many`,
  );
  const client = `${greedy}:${tooMany.localPort}`;
  await recorded(scene, { msg: 'connection refused', reason: 'tooManyConnections', client });

  const allocating = clients.slice(0, LIMITS.allocations_per_address_max);
  await Promise.all(allocating.map((each) => each.client.allocate()));
  const last = clients.at(-1)!;
  const refusal = await last.client.allocate().catch((error: TurnError) => error);
  t.match(refusal, { code: 486 }, `${front.name}: one allocation too many`);
  await recorded(scene, { msg: 'allocation refused', client: `${greedy}:${last.localPort}` });

  const fine = await openClient(t, port, other);
  t.ok(await fine.client.allocate(), `${front.name}: another address has room`);
  await Promise.all([...clients, fine].map((each) => each.client.close()));
}

const SOURCE = addressFrom('203.0.113.9', 7777);
const SOURCE6 = addressFrom('2001:db8::9', 7777);
const V1 = proxyLine(SOURCE, addressFrom('198.51.100.1', 443));
const V2 = proxyV2(SOURCE, addressFrom('198.51.100.1', 443), Buffer.of(4, 0, 2, 1, 2));
const V1_IPV6 = proxyLine(SOURCE6, addressFrom('2001:db8::1', 443));
const V2_IPV6 = proxyV2(SOURCE6, addressFrom('2001:db8::1', 443));
const LOCAL = proxyV2Of(0x20, 0, Buffer.alloc(0));
const MALFORMED = Buffer.from('PROXY TCP4 a b 1 2\r\n');
const VERSION_3 = proxyV2Of(0x31, 0x11, Buffer.alloc(12));
const NONE = Buffer.alloc(0);
const ENDLESS = Buffer.from(`PROXY UNKNOWN ${'x'.repeat(200)}\r\n`);
const LONGEST = proxyV2(SOURCE, addressFrom('198.51.100.1', 443), Buffer.alloc(4068));
const OVERSIZED = proxyV2(SOURCE, addressFrom('198.51.100.1', 443), Buffer.alloc(4069));

/** What becomes of a connection: the address it is told, its own one, an end with a reason in the log, or an end. */
type Fate = 'told' | 'own' | 'missing' | 'malformed' | 'untrusted' | 'nonsense';

/** A header, who sends it, and its fate where `proxy_protocol` is required, optional and off. */
const HEADERS: readonly (readonly [string, string, Buffer, Fate, Fate, Fate])[] = [
  ['version 1', BALANCER, V1, 'told', 'told', 'nonsense'],
  ['version 2', BALANCER, V2, 'told', 'told', 'nonsense'],
  ['version 1, IPv6', BALANCER, V1_IPV6, 'told', 'told', 'nonsense'],
  ['version 2, IPv6', BALANCER, V2_IPV6, 'told', 'told', 'nonsense'],
  ['version 2, as long as can be', BALANCER, LONGEST, 'told', 'told', 'nonsense'],
  ['UNKNOWN', BALANCER, Buffer.from('PROXY UNKNOWN\r\n'), 'own', 'own', 'nonsense'],
  ['LOCAL', BALANCER, LOCAL, 'own', 'own', 'nonsense'],
  ['no header', BALANCER, NONE, 'missing', 'own', 'own'],
  ['malformed', BALANCER, MALFORMED, 'malformed', 'malformed', 'nonsense'],
  ['version 3', BALANCER, VERSION_3, 'malformed', 'malformed', 'nonsense'],
  ['version 1 without end', BALANCER, ENDLESS, 'malformed', 'malformed', 'nonsense'],
  ['version 2, too long', BALANCER, OVERSIZED, 'malformed', 'malformed', 'nonsense'],
  ['a stranger, version 1', STRANGER, V1, 'untrusted', 'nonsense', 'nonsense'],
  ['a stranger, version 2', STRANGER, V2, 'untrusted', 'nonsense', 'nonsense'],
  ['a stranger without header', STRANGER, NONE, 'untrusted', 'own', 'own'],
];

/** Why the log says that a connection was refused. */
const REASONS: Partial<Record<Fate, string>> = {
  missing: 'proxyHeaderMissing',
  malformed: 'proxyHeaderMalformed',
  untrusted: 'proxyUntrusted',
};

async function headersCount(t: Test, scene: Scene): Promise<void> {
  const before = refusals(scene);
  const { upstream, here, optional, optionalHere, off, offHere } = scene.ports;
  let expected = 0;
  for (const [name, from, header, required, ifOptional, ifOff] of HEADERS) {
    const listeners = [
      [upstream, here, required],
      [optional, optionalHere, ifOptional],
      [off, offHere, ifOff],
    ] as const;
    for (const [plain, secure, fate] of listeners) {
      for (const port of [plain, secure]) {
        for (const pieces of cutsOf(header)) {
          const opening = { from, pieces, isSecure: port === secure };
          const { outcome, itself } = await outcomeOf(t, port, opening);
          const told = header === V1_IPV6 || header === V2_IPV6 ? SOURCE6 : SOURCE;
          const wanted = { told: told.toString(), own: itself }[fate as 'told' | 'own'];
          const where = `${opening.isSecure ? 'TLS' : 'plain'}, pieces: ${pieces.length}`;
          t.equal(outcome, wanted ?? 'closed', `${name}: ${where}`);
          const reason = REASONS[fate];
          if (reason === undefined) continue;
          expected++;
          await recorded(scene, { msg: 'connection refused', client: itself, reason });
        }
      }
    }
  }
  t.equal(refusals(scene) - before, expected, 'nothing else is refused in the log');
}

/** In one segment with what follows, and, when that is not too long, byte by byte. */
function cutsOf(header: Buffer): Buffer[][] {
  const isShort = header.length > 0 && header.length < 100;
  return [[header], ...(isShort ? [[...header].map((byte) => Buffer.of(byte))] : [])];
}

interface Opening {
  /** Local address of the connection. */
  readonly from: string;
  /** Pieces of the header. */
  readonly pieces: readonly Uint8Array[];
  readonly isSecure: boolean;
}

/** The address that a client is told, or `closed`; and the one that it has itself. */
async function outcomeOf(
  t: Test,
  port: number,
  { from, pieces, isSecure }: Opening,
): Promise<{ readonly outcome: string; readonly itself: string }> {
  const socket = await openSocket(t, port, from);
  const itself = addressFrom(from, socket.localPort!).toString();
  const prefixed = new PrefixedConnection(socket, pieces);
  prefixed.on('error', () => {});
  const connection = isSecure ? connectTls({ socket: prefixed, ...TRUSTING }) : prefixed;
  connection.on('error', () => {});
  const client = await TurnClient.open({
    server: { host: BALANCER, port },
    connection,
  });
  const outcome = await client
    .binding()
    .then(String, ({ message }: Error) => (message.includes('no answer') ? 'silence' : 'closed'));
  socket.destroy();
  return { outcome, itself };
}

function refusals(scene: Scene): number {
  return records(scene).filter(({ msg }) => msg === 'connection refused').length;
}

async function iceSaysTurns(t: Test, { ports }: Scene): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${ports.ice}/ice?service=turn&username=alice`);
  const { iceServers } = (await response.json()) as { iceServers: IceServer[] };
  const urls = iceServers[0]?.urls ?? [];
  t.same(urls.slice(0, 3), [
    'turns:turn.example.org:443?transport=tcp',
    `turns:turn.example.org:${ports.here}?transport=tcp`,
    `turn:203.0.113.7:${ports.udp}?transport=udp`,
  ]);
}

const TRUSTING = { ca: authority.certificatePem, servername: 'localhost' } as const;

async function openClient(t: Test, port: number, from: string) {
  const tcp = await openSocket(t, port, from);
  const socket = connectTls({ socket: tcp, ...TRUSTING, ALPNProtocols: ['stun.turn'] });
  await once(socket, 'secureConnect');
  const server = { host: BALANCER, port };
  const credential = ephemeralCredential(SECRET, 'alice');
  const client = await TurnClient.open({ server, connection: socket, credential });
  return { client, socket, localPort: tcp.localPort! };
}

async function openSocket(t: Test, port: number, localAddress: string): Promise<Socket> {
  const host = localAddress.includes(':') ? '::1' : '127.0.0.1';
  const socket = connect({ host, port, localAddress, noDelay: true });
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

function uclient({ peers }: Scene, port: number, from: string): Promise<void> {
  const credential = ['-u', 'user', '-W', SECRET];
  const peer = ['-c', '-e', '127.0.0.1', '-r', `${peers.port}`];
  const secure = ['-t', '-S', '-E', caFile, '-L', from, '-p', `${port}`];
  return relayThroughBalancer([...credential, ...peer, ...secure, '127.0.0.1'], MESSAGES);
}

async function openScene(t: Test, mode: 'reactor' | 'portable'): Promise<Scene> {
  const ports = await gatewayPorts();
  const gateway = await startReady(
    await gatewayConfiguration({ ports, certFile, keyFile, secret: SECRET, limits: LIMITS }),
    flagsFor({ mode }),
  );
  t.teardown(() => gateway.child.isAlive && gateway.stop());
  const peers = await startEchoPeers(['127.0.0.1']);
  t.teardown(() => peers.stop());
  return { gateway, ports, peers };
}

async function startFronts(t: Test, gateway: GatewayPorts): Promise<readonly Front[]> {
  const kinds = {
    'haproxy, version 2': [missingHaproxy(), (place: Place) => startHaproxy(place, 2)],
    'haproxy, version 1': [missingHaproxy(), (place: Place) => startHaproxy(place, 1)],
    'nginx, version 1': [missingNginx(), startNginx],
  } as const;
  const fronts: Front[] = [];
  for (const [name, [missing, start]] of Object.entries(kinds)) {
    if (missing) {
      void t.test(name, { skip: missing }, () => {});
      continue;
    }
    const upstream = await freePorts(2);
    const balancer = await start({ upstream, here: upstream + 1, gateway, pemFile });
    t.teardown(() => balancer.stop());
    fronts.push({ name, balancer, upstream, here: upstream + 1 });
  }
  return fronts;
}

interface Line {
  readonly msg: string;
  readonly client?: string;
  readonly reason?: string;
}

function records({ gateway }: Scene): Line[] {
  return gateway.child.lines
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);
}

/** Waits until the log says something of a client. */
async function recorded({ gateway }: Scene, wanted: Line): Promise<void> {
  await gateway.child.waitForLine((line) => {
    if (!line.startsWith('{')) return false;
    const { msg, client, reason } = JSON.parse(line) as Line;
    const isReason = wanted.reason === undefined || reason === wanted.reason;
    return msg === wanted.msg && client === wanted.client && isReason;
  });
}
