import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import { loadForCommand } from '../../src/cli/configuration.ts';
import { doctorCommand, type DoctorOptions } from '../../src/cli/doctor/command.ts';
import type { Check, TargetReport } from '../../src/cli/doctor/report.ts';
import type { Inspection } from '../../src/cli/inspect-commands.ts';
import { coloursFor, NO_COLOURS } from '../../src/cli/terminal/colours.ts';
import { resolveRouteTable } from '../../src/service/cluster-names.ts';
import { iceGateway } from '../../src/service/ice-gateway.ts';
import { readText } from '../../src/stun/attributes.ts';
import { StunWriter } from '../../src/stun/message-writer.ts';
import { StunMessage } from '../../src/stun/message.ts';
import { ATTRIBUTE, CLASS, METHOD, type MessageClass } from '../../src/stun/registry.ts';
import type { TransportAddress } from '../../src/stun/transport-address.ts';
import { CertificateAuthority } from '../support/certificate-authority.ts';
import { missingTool, runCommand } from '../support/child-process.ts';
import { ephemeralCredential } from '../support/credentials.ts';
import { openUdpEchoPeer } from '../support/echo-peer.ts';
import { freePorts } from '../support/free-ports.ts';
import { MAIN, missingBuild, type ConfigurationData } from '../support/gateway-process.ts';
import {
  startSecureGateway,
  TestPki,
  tlsKeys,
  type SecureGateway,
  type SecureListener,
} from '../support/secure-gateway.ts';
import { addressFrom, TurnClient } from '../support/turn-client.ts';

const skip = missingBuild();
const ESCAPE = '\u001B';
const COLOURED = coloursFor({ isTTY: true }, {});
const inspection: Inspection = { iceGateway, routeTable: resolveRouteTable };
const PLAIN: Readonly<Record<string, SecureListener>> = {
  udp: { protocol: 'TURN-UDP', public_address: '127.0.0.1' },
  tcp: { protocol: 'TURN-TCP', public_address: '127.0.0.1' },
};

interface Diagnosis {
  readonly exitCode: number;
  readonly targets: readonly TargetReport[];
  readonly text: string;
}

/** Runs the doctor and reads its JSON. */
async function diagnose(options: Partial<DoctorOptions>): Promise<Diagnosis> {
  const { exitCode, stdout } = await doctorCommand(
    { output: 'json', colours: NO_COLOURS, timeoutSeconds: 1, ...options },
    inspection,
  );
  const { targets, verdict } = JSON.parse(stdout) as { targets: TargetReport[]; verdict: string };
  if ((verdict === 'ok') !== (exitCode === 0)) throw new Error(`verdict ${verdict}, ${exitCode}`);
  return { exitCode, targets, text: stdout };
}

/** The steps that failed, each with what it says. */
function failures({ targets }: Diagnosis): [string, string][] {
  return targets
    .flatMap(({ checks }) => checks)
    .filter(({ status }) => status === 'failed')
    .map(({ step, detail }) => [step, detail]);
}

/** Expects one problem, found by this step, named like this, with a next step. */
function expectProblem(t: Test, diagnosis: Diagnosis, step: string, words: RegExp): void {
  t.equal(diagnosis.exitCode, 1);
  const found = failures(diagnosis);
  t.equal(found.length, 1, `one problem: ${JSON.stringify(found)}`);
  t.equal(found[0]?.[0], step);
  t.match(found[0]?.[1] ?? '', words);
  const failed = checksOf(diagnosis).find(({ status }) => status === 'failed');
  t.ok((failed?.next ?? '').length > 10, `says what to do: ${failed?.next}`);
}

function checksOf({ targets }: Diagnosis): Check[] {
  return targets.flatMap(({ checks }) => checks);
}

function statusesOf(diagnosis: Diagnosis): string[] {
  return checksOf(diagnosis).map(({ step, status }) => `${step} ${status}`);
}

function uriOf(gateway: SecureGateway, name: string, login = gateway.secret): string {
  const { host, port } = gateway.server(name);
  return `turn://${login}@${host}:${port}?transport=${name.replace(/-.*/, '')}`;
}

function startPlain(t: Test, changes: ConfigurationData = {}): Promise<SecureGateway> {
  return startSecureGateway(t, { listeners: PLAIN, changes });
}

const HEALTHY = [
  'resolve',
  'reach',
  'binding',
  'allocate',
  'relayed',
  'permission',
  'channel',
  'echo',
];

t.test('a healthy gateway', { skip }, async (t) => {
  const pki = await TestPki.create(t);
  const tls = tlsKeys(await pki.server());
  const gateway = await startSecureGateway(t, {
    listeners: {
      ...PLAIN,
      tls: { protocol: 'TURN-TLS', public_address: '127.0.0.1', tls },
      dtls: { protocol: 'TURN-DTLS', public_address: '127.0.0.1', tls },
    },
  });
  for (const transport of ['udp', 'tcp', 'tls']) {
    await t.test(`by URI over ${transport}`, async (t) => {
      const { username, password } = ephemeralCredential(gateway.secret, 'alice');
      const login = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
      for (const url of [uriOf(gateway, transport), uriOf(gateway, transport, login)]) {
        const diagnosis = await diagnose({ url, ca: pki.caFile });
        const steps = transport === 'tls' ? HEALTHY.toSpliced(2, 0, 'tls') : HEALTHY;
        t.strictSame(
          statusesOf(diagnosis),
          steps.map((step) => `${step} ok`),
        );
        t.equal(diagnosis.exitCode, 0);
        t.match(
          checksOf(diagnosis).find(({ step }) => step === 'allocate')?.detail ?? '',
          /SHA-256/,
        );
        t.notOk(diagnosis.text.includes(gateway.secret), 'no secret');
        t.notOk(diagnosis.text.includes(password), 'no password');
      }
    });
  }
  await t.test('by ICE API, and by configuration', async (t) => {
    const { file } = gateway.process;
    const { config } = loadForCommand({ file });
    const icePort = config.ice!.endpoint.port;
    for (const source of [{ url: `http://127.0.0.1:${icePort}/ice?service=turn` }, { config }]) {
      const diagnosis = await diagnose({ ...source, ca: pki.caFile });
      t.equal(diagnosis.exitCode, 0, diagnosis.text);
      const tested = diagnosis.targets.filter(({ target }) => target.startsWith('turn'));
      t.equal(tested.length, 4);
      const skipped = checksOf(diagnosis).filter(({ status }) => status === 'skipped');
      t.match(skipped, [{ step: 'reach', next: /openssl s_client -dtls1_2 -connect 127/ }], 'DTLS');
      t.equal(skipped.length, 1);
    }
  });
  await t.test('with a named echo backend', async (t) => {
    const peer = await openUdpEchoPeer();
    t.teardown(() => peer.close());
    const diagnosis = await diagnose({ url: uriOf(gateway, 'udp'), peer: peer.address.toString() });
    t.equal(diagnosis.exitCode, 0, diagnosis.text);
    t.match(checksOf(diagnosis).at(-1)?.detail ?? '', /sent back what was sent/);
  });
  await t.test('its own socket is not taken for a relay port', async (t) => {
    const changes = { relay: { addresses: [{ bind: '127.0.0.1' }], workers: 1 } };
    const everyPort = [
      { name: 'peers', endpoints: ['127.0.0.1'], dangerously_allow: ['127.0.0.1/32'] },
    ];
    const plain = await startPlain(t, { ...changes, clusters: everyPort });
    for (let round = 0; round < 20; round++) {
      const diagnosis = await diagnose({ url: uriOf(plain, 'udp') });
      t.equal(statusesOf(diagnosis).at(-1), 'echo ok', diagnosis.text);
    }
  });
  await t.test('without a credential', async (t) => {
    const url = uriOf(gateway, 'udp').replace(/\/\/.*@/, '');
    const diagnosis = await diagnose({ url });
    t.strictSame(statusesOf(diagnosis).slice(3), ['allocate skipped']);
    t.match(checksOf(diagnosis).at(-1)?.next ?? '', /turn:\/\/user:password@/);
  });
});

t.test('as a table', { skip }, async (t) => {
  const gateway = await startPlain(t);
  const options = { url: uriOf(gateway, 'udp', 'wrong-secret'), output: 'table' as const };
  const plain = await doctorCommand({ ...options, colours: NO_COLOURS }, inspection);
  t.match(plain.stdout, /^turn:127\.0\.0\.1:\d+\?transport=udp at 127\.0\.0\.1\n {2}ok +resolve /);
  t.match(plain.stdout, /\n {2}FAILED +allocate +the credential is refused.*\n +-> the app server/);
  t.match(plain.stdout, /\n3 ok, 1 failed, 0 skipped\n$/);
  t.notOk(plain.stdout.includes(ESCAPE));
  const coloured = await doctorCommand({ ...options, colours: COLOURED }, inspection);
  t.ok(coloured.stdout.includes(`${ESCAPE}[31mFAILED`));
  const yaml = await doctorCommand({ ...options, output: 'yaml', colours: COLOURED }, inspection);
  t.match(yaml.stdout, /^verdict: failed\ntargets:\n/);
});

t.test('wrong port', { skip }, async (t) => {
  const port = await freePorts();
  const at = (transport: string, on = port) => `turn://s@127.0.0.1:${on}?transport=${transport}`;
  expectProblem(t, await diagnose({ url: at('udp') }), 'reach', /nothing listens on UDP port/);
  expectProblem(
    t,
    await diagnose({ url: at('tcp') }),
    'reach',
    /nothing listens on TCP port.*refused/,
  );
  expectProblem(
    t,
    await diagnose({ url: at('tls') }),
    'reach',
    /nothing listens on TCP port.*refused/,
  );

  const mute = createSocket('udp4').bind(0, '127.0.0.1');
  await once(mute, 'listening');
  t.teardown(() => mute.close());
  const silence = await diagnose({ url: at('udp', mute.address().port) });
  expectProblem(t, silence, 'reach', /no answer on UDP port/);

  const web = createHttpServer().listen(0, '127.0.0.1');
  await once(web, 'listening');
  t.teardown(() => web.close());
  const webPort = (web.address() as AddressInfo).port;
  expectProblem(
    t,
    await diagnose({ url: at('tcp', webPort) }),
    'binding',
    /not like a TURN server/,
  );
  expectProblem(t, await diagnose({ url: at('tls', webPort) }), 'tls', /does not speak TLS/);

  const hole = createServer().listen(0, '127.0.0.1');
  await once(hole, 'listening');
  t.teardown(() => hole.close());
  const holePort = (hole.address() as AddressInfo).port;
  expectProblem(
    t,
    await diagnose({ url: at('tls', holePort) }),
    'reach',
    /handshake is not answered/,
  );
  const name = await diagnose({ url: 'turn://s@nothing.invalid' });
  expectProblem(t, name, 'resolve', /nothing\.invalid: /);
});

t.test('credentials', { skip }, async (t) => {
  const gateway = await startPlain(t, {
    auth: {
      realm: 'example.org',
      type: 'ephemeral',
      credentials: { secret: 'a-secret-for-tests-only' },
      users: [{ username: 'bob', password: 'canary-password' }],
    },
  });
  for (const name of ['udp', 'tcp']) {
    const secret = await diagnose({ url: uriOf(gateway, name, 'wrong') });
    expectProblem(t, secret, 'allocate', /wrong secret \(401\)/);
    const password = await diagnose({ url: uriOf(gateway, name, 'bob:wrong') });
    expectProblem(t, password, 'allocate', /wrong user name or password \(401\)/);
    const { username, password: old } = ephemeralCredential(gateway.secret, 'alice', 1_700_000_000);
    const login = `${encodeURIComponent(username)}:${encodeURIComponent(old)}`;
    const expired = await diagnose({ url: uriOf(gateway, name, login) });
    expectProblem(t, expired, 'allocate', /has expired: it was valid until 2023-11-14T22:13:20/);
    t.equal((await diagnose({ url: uriOf(gateway, name, 'bob:canary-password') })).exitCode, 0);
  }
});

t.test('route missing', { skip }, async (t) => {
  const gateway = await startPlain(t, {
    clusters: [
      {
        name: 'peers',
        endpoints: ['127.0.0.1:5000', '10.0.0.0/24'],
        dangerously_allow: ['127.0.0.1/32'],
      },
    ],
  });
  const url = uriOf(gateway, 'udp');
  const unknown = await diagnose({ url, peer: '10.0.1.7:5004' });
  expectProblem(t, unknown, 'permission', /route missing: .* refuses 10\.0\.1\.7:5004 \(403\)/);
  const port = await diagnose({ url, peer: '127.0.0.1:5001' });
  expectProblem(t, port, 'channel', /route missing: .* refuses 127\.0\.0\.1:5001 \(403\)/);

  const { config } = loadForCommand({ file: gateway.process.file });
  const explained = await diagnose({ config, peer: '10.0.1.7:5004' });
  t.strictSame(
    failures(explained).map(([step]) => step),
    ['permission', 'permission'],
    'on each listener',
  );
  t.match(
    failures(explained)[0]?.[1],
    /nearest is peers 10\.0\.0\.0\/24.*: the address is outside/,
  );
  const ownSocket = await diagnose({ url });
  t.equal(ownSocket.exitCode, 0, 'that the routes do not name this machine is no problem');
  t.strictSame(statusesOf(ownSocket).slice(-3), [
    'permission skipped',
    'channel skipped',
    'echo skipped',
  ]);

  // Nothing listens at the backend that the routes name.
  const backend = await diagnose({ config });
  t.match(failures(backend), [
    ['echo', /backend silent: nothing listens \(ICMP port unreachable\) at 127\.0\.0\.1:5000/],
    ['echo', /backend silent/],
  ]);
});

t.test('wrong advertised address', { skip }, async (t) => {
  const relayFor = (bind: string, advertise: string) => ({
    relay: { min_port: 61_000, max_port: 65_535, addresses: [{ bind, advertise }], workers: 1 },
  });
  const elsewhere = await startPlain(t, relayFor('127.0.0.1', '203.0.113.9'));
  for (const name of ['udp', 'tcp']) {
    const diagnosis = await diagnose({ url: uriOf(elsewhere, name) });
    expectProblem(
      t,
      diagnosis,
      'echo',
      /wrong advertised address: .* 127\.0\.0\.1 .* 203\.0\.113\.9/,
    );
  }
  const [host] = hostIpv4();
  if (host === undefined) return t.comment('this machine has no other address than loopback');
  const listeners = { udp: { protocol: 'TURN-UDP', bind: host, public_address: host } } as const;
  const loopback = await startSecureGateway(t, {
    listeners,
    changes: {
      ...relayFor('0.0.0.0', '127.0.0.1'),
      clusters: [{ name: 'peers', endpoints: [host], dangerously_allow: [`${host}/32`] }],
    },
  });
  const diagnosis = await diagnose({ url: uriOf(loopback, 'udp') });
  const problems = failures(diagnosis);
  t.equal(problems.length, 1);
  t.equal(problems[0]?.[0], 'relayed');
  t.match(problems[0]?.[1], /wrong advertised address: 127\.0\.0\.1:\d+ is a loopback address/);
});

t.test('certificates', { skip }, async (t) => {
  const pki = await TestPki.create(t);
  const stranger = await CertificateAuthority.create({ name: 'Stranger' });
  const secure = async (options: Parameters<typeof pki.server>[0]) => ({
    protocol: 'TURN-TLS' as const,
    tls: tlsKeys(await pki.server(options)),
  });
  const foreign = await pki.write(await stranger.issueServer());
  const gateway = await startSecureGateway(t, {
    listeners: {
      'tls-expired': await secure({ validity: 'expired' }),
      'tls-name': await secure({ names: ['turn.example.org'] }),
      'tls-both': await secure({ names: ['turn.example.org'], validity: 'expired' }),
      'tls-authority': { protocol: 'TURN-TLS', tls: tlsKeys(foreign) },
      'tls-generated': { protocol: 'TURN-TLS', tls: { certificate: 'generated' } },
      'tls-short': await secure({ days: 5 }),
    },
  });
  const cases: [string, RegExp][] = [
    ['tls-expired', /the certificate expired on /],
    ['tls-name', /another name: it says DNS:turn\.example\.org, not 127\.0\.0\.1/],
    ['tls-both', /expired on .*; the certificate is of another name/],
    ['tls-authority', /unknown authority, "Stranger"/],
    ['tls-generated', /unknown authority/],
  ];
  for (const [name, words] of cases) {
    const diagnosis = await diagnose({ url: uriOf(gateway, name), ca: pki.caFile });
    expectProblem(t, diagnosis, 'tls', words);
    t.equal(statusesOf(diagnosis).at(-1), 'echo ok', 'the steps behind it are taken all the same');
  }
  const sni = { url: uriOf(gateway, 'tls-name'), ca: pki.caFile, sni: 'turn.example.org' };
  t.equal((await diagnose(sni)).exitCode, 0, 'the name to check against can be given');
  const insecure = await diagnose({ url: uriOf(gateway, 'tls-generated'), insecure: true });
  t.equal(insecure.exitCode, 0);
  const short = await diagnose({ url: uriOf(gateway, 'tls-short'), ca: pki.caFile });
  t.match(
    checksOf(short).find(({ step }) => step === 'tls'),
    {
      status: 'ok',
      detail: /[45] days left/,
      next: /renew/,
    },
  );
  const mistaken = await diagnose({ url: uriOf(gateway, 'tls-short').replace('=tls', '=tcp') });
  expectProblem(t, mistaken, 'binding', /not like a TURN server/);
});

t.test('backend silent', { skip }, async (t) => {
  const gateway = await startPlain(t);
  const closed = await freePorts();
  const refused = await diagnose({ url: uriOf(gateway, 'udp'), peer: `127.0.0.1:${closed}` });
  expectProblem(t, refused, 'echo', /backend silent: nothing listens \(ICMP port unreachable\)/);

  const mute = createSocket('udp4').bind(0, '127.0.0.1');
  await once(mute, 'listening');
  t.teardown(() => mute.close());
  const peer = `127.0.0.1:${mute.address().port}`;
  const silent = await diagnose({ url: uriOf(gateway, 'tcp'), peer });
  expectProblem(t, silent, 'echo', /backend silent: nothing came back .* no ICMP error/);
});

t.test('quota, families, ICE API', { skip }, async (t) => {
  const gateway = await startSecureGateway(t, { listeners: PLAIN, userQuota: 1 });
  const client = await TurnClient.open({
    server: gateway.server('udp'),
    credential: ephemeralCredential(gateway.secret, 'busy'),
  });
  t.teardown(() => client.close());
  await client.allocate();
  const quota = await diagnose({ url: uriOf(gateway, 'udp'), user: 'busy' });
  expectProblem(t, quota, 'allocate', /refused with 486/);
  t.match(checksOf(quota).at(-1)?.next ?? '', /user_quota/);
  const family = await diagnose({ url: uriOf(gateway, 'tcp'), peer: '[fd00::7]:5000' });
  t.equal(family.exitCode, 1);
  t.match(failures(family)[0]?.[1], /440|route missing/);

  const { config } = loadForCommand({ file: gateway.process.file });
  const api = `http://127.0.0.1:${config.ice!.endpoint.port}`;
  const path = await diagnose({ url: `${api}/nowhere?key=canary-key` });
  expectProblem(t, path, 'ice', /answers 404/);
  t.notMatch(path.text, /canary-key/);
  const free = await freePorts();
  const refused = await diagnose({ url: `http://127.0.0.1:${free}/ice?service=turn` });
  expectProblem(t, refused, 'ice', /cannot be asked: .*ECONNREFUSED/);
});

/** A UDP server that answers each Allocate as the next step of a script says; Binding always works. */
async function openScripted(
  t: Test,
  script: readonly Step[],
): Promise<{ url: string; asked: string[] }> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  const asked: string[] = [];
  const steps = [...script];
  socket.on('message', (bytes, from) => {
    const request = new StunMessage();
    if (request.decode(bytes, 0, bytes.length) !== undefined) return;
    const writer = new StunWriter(new Uint8Array(1024));
    const begin = (messageClass: MessageClass): StunWriter =>
      writer.begin(request.method, messageClass, request.copyTransactionId());
    const client = addressFrom(from.address, from.port);
    if (request.method === METHOD.BINDING) {
      begin(CLASS.SUCCESS).xorAddress(ATTRIBUTE.XOR_MAPPED_ADDRESS, client);
    } else {
      asked.push(readText(request, request.find(ATTRIBUTE.NONCE), 763) ?? 'no nonce');
      const step = steps.shift() ?? 500;
      if (typeof step === 'number') begin(CLASS.ERROR).errorCode(step);
      else step(begin, client);
    }
    socket.send(writer.written(), from.port, from.address);
  });
  return { url: `turn://bob:canary-password@127.0.0.1:${socket.address().port}`, asked };
}

type Step =
  number | ((begin: (messageClass: MessageClass) => StunWriter, client: TransportAddress) => void);

const challenge =
  (code: number, nonce: string): Step =>
  (begin) => {
    begin(CLASS.ERROR).errorCode(code).text(ATTRIBUTE.REALM, 'r').text(ATTRIBUTE.NONCE, nonce);
  };

t.test('servers that answer otherwise', async (t) => {
  await t.test('a stale nonce is refreshed, and a redirection is told', async (t) => {
    const moved: Step = (begin) => {
      begin(CLASS.ERROR)
        .errorCode(300)
        .address(ATTRIBUTE.ALTERNATE_SERVER, addressFrom('192.0.2.7', 3479));
    };
    const server = await openScripted(t, [
      challenge(401, 'first'),
      challenge(438, 'second'),
      moved,
    ]);
    const diagnosis = await diagnose({ url: server.url });
    expectProblem(t, diagnosis, 'allocate', /sends clients to 192\.0\.2\.7:3479 \(300\)/);
    t.strictSame(server.asked, ['no nonce', 'first', 'second']);
  });
  await t.test('a nonce that is stale each time', async (t) => {
    const stale = Array.from({ length: 5 }, () => challenge(438, 'again'));
    const server = await openScripted(t, [challenge(401, 'first'), ...stale]);
    expectProblem(t, await diagnose({ url: server.url }), 'allocate', /438 Stale Nonce/);
    t.equal(server.asked.length, 3, 'tried no more than twice');
  });
  await t.test('an open relay', async (t) => {
    const open: Step = (begin, client) => {
      begin(CLASS.SUCCESS)
        .xorAddress(ATTRIBUTE.XOR_RELAYED_ADDRESS, addressFrom('127.0.0.1', 50_000))
        .xorAddress(ATTRIBUTE.XOR_MAPPED_ADDRESS, client)
        .uint32(ATTRIBUTE.LIFETIME, 600);
    };
    const server = await openScripted(t, [open, 403, 403, 403, 403, 403]);
    const diagnosis = await diagnose({ url: server.url });
    expectProblem(t, diagnosis, 'allocate', /open relay: 127\.0\.0\.1:50000 for 600 s without any/);
  });
  await t.test('an answer that the server we asked did not sign', async (t) => {
    const forged: Step = (begin, client) => {
      begin(CLASS.SUCCESS).xorAddress(ATTRIBUTE.XOR_RELAYED_ADDRESS, client);
    };
    const server = await openScripted(t, [challenge(401, 'first'), forged]);
    expectProblem(t, await diagnose({ url: server.url }), 'allocate', /not signed with our key/);
  });
});

const cannotFirewall =
  (process.getuid?.() !== 0 && 'needs root for network namespaces') ||
  missingTool('unshare', 'ip', 'sh');

t.test('firewalled relay range', { skip: skip || cannotFirewall }, async (t) => {
  if (!(await canLinkNamespaces())) {
    return t.comment('skipped: this kernel does not let us link network namespaces');
  }
  const file = join(
    t.testdir({ 'turnpike.yaml': stringify(NAMESPACE_CONFIGURATION) }),
    'turnpike.yaml',
  );
  const cases: [string[], RegExp | undefined][] = [
    [[], undefined],
    [['dport'], /firewalled relay range: data to the relayed address 10\.9\.0\.2:\d+ is lost/],
    [['sport'], /firewalled relay range: data from the relayed address 10\.9\.0\.2:\d+ is lost/],
    [['dport', 'sport'], /firewalled relay range: nothing comes from or to the relayed address/],
  ];
  const diagnoses = cases.map(async ([blocked, words]) => {
    const args = [
      '-n',
      process.execPath,
      '--input-type=module',
      '-e',
      firewallScript(file, blocked),
    ];
    const { output } = await runCommand('unshare', args, 60_000);
    const start = output.indexOf('{"exitCode"');
    if (start < 0) throw new Error(output);
    const { exitCode, stdout } = JSON.parse(output.slice(start)) as {
      exitCode: number;
      stdout: string;
    };
    const { targets } = JSON.parse(stdout) as { targets: TargetReport[] };
    if (words === undefined) t.equal(exitCode, 0, 'nothing is wrong without the rules');
    else expectProblem(t, { exitCode, targets, text: stdout }, 'echo', words);
  });
  await Promise.all(diagnoses);
});

const NAMESPACE_CONFIGURATION = {
  version: 'v1',
  admin: { healthcheck_endpoint: '' },
  auth: { type: 'ephemeral', credentials: { secret: 'a-secret-for-tests-only' } },
  listeners: [
    { name: 'udp', protocol: 'TURN-UDP', bind: '10.9.0.2', port: 3478, routes: ['peers'] },
  ],
  relay: { min_port: 61_000, max_port: 65_534, workers: 1 },
  clusters: [{ name: 'peers', endpoints: ['10.9.0.1'] }],
};

async function canLinkNamespaces(): Promise<boolean> {
  const trial =
    'ip link add t0 type veth peer name t1 && ip rule add ipproto udp dport 9 blackhole';
  return (await runCommand('unshare', ['-n', 'sh', '-c', trial], 10_000)).exitCode === 0;
}

/**
 * Runs the doctor in one network namespace and the gateway in another, which drops what its rules name: a packet
 * filter without packet filter.
 */
function firewallScript(file: string, blocked: readonly string[]): string {
  const rules = blocked.map(
    (side) => `ip rule add pref 0 ipproto udp ${side} 61000-65534 blackhole;`,
  );
  const inside =
    'echo here; read go; ip link set lo up; ip addr add 10.9.0.2/24 dev v1; ip link set v1 up;' +
    `${rules.join(' ')} ip rule add pref 1 lookup local; ip rule del pref 0 lookup local;` +
    'exec "$0" "$@"';
  const url = new URL('cli/doctor/command.js', `file://${MAIN}`).href;
  return `
    import { spawn, execFileSync } from 'node:child_process';
    import { createInterface } from 'node:readline';
    import { doctorCommand } from ${JSON.stringify(url)};
    const ip = (...words) => execFileSync('ip', words.join(' ').split(' '));
    const args = ['-n', 'sh', '-c', ${JSON.stringify(inside)}, process.execPath, ${JSON.stringify(MAIN)}, 'start', '-c', ${JSON.stringify(file)}];
    const gateway = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface(gateway.stdout)[Symbol.asyncIterator]();
    const until = async (pattern) => {
      for (let line = await lines.next(); !line.done; line = await lines.next()) if (pattern.test(line.value)) return;
      throw new Error('the gateway ended');
    };
    await until(/here/);
    ip('link set lo up');
    ip('link add v0 type veth peer name v1 netns', gateway.pid);
    ip('addr add 10.9.0.1/24 dev v0');
    ip('link set v0 up');
    gateway.stdin.write('go\\n');
    await until(/ready/);
    const options = { url: 'turn://a-secret-for-tests-only@10.9.0.2', output: 'json', timeoutSeconds: 1 };
    const { exitCode, stdout } = await doctorCommand(options, {});
    console.log(JSON.stringify({ exitCode, stdout }));
    gateway.kill('SIGKILL');
    gateway.stdout.destroy();
  `;
}

function hostIpv4(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
}
