import { Agent, request } from 'node:https';
import { connect } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import type { ClientAuth } from '../../src/config/gateway-config.ts';
import { createAdminApp, type AdminAppOptions } from '../../src/http/admin/app.ts';
import type { AuditRecord } from '../../src/http/admin/audit.ts';
import type { ReloadResult, SessionList } from '../../src/http/admin/gateway-control.ts';
import { listen } from '../../src/http/listen.ts';
import { HttpServers } from '../../src/http/server.ts';
import { MemoryGateway } from '../http/fixtures/memory-gateway.ts';
import { CertificateAuthority, type TestCertificate } from '../support/certificate-authority.ts';
import { EventStreamReader } from '../support/event-stream.ts';
import { freePorts } from '../support/free-ports.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { OperatedGateway } from '../support/operated-gateway.ts';
import { tlsSettings } from '../support/tls-settings.ts';
import { TurnClient } from '../support/turn-client.ts';

const skip = missingBuild();
const authority = await CertificateAuthority.create();

t.test('without a token a request needs the name of this machine', async (t) => {
  const app = createAdminApp({ control: new MemoryGateway() });
  t.teardown(() => app.close());
  const port = Number(new URL(await listen(app, { host: '127.0.0.1', port: 0 })).port);
  const statusOf = async (lines: string): Promise<string | undefined> => {
    const socket = connect(port, '127.0.0.1');
    socket.write(`${lines}Connection: close\r\n\r\n`);
    return (await readText(socket)).split('\r\n')[0];
  };
  const target = 'GET /api/v1/status HTTP';
  const cases: readonly [string, RegExp][] = [
    [`${target}/1.1\r\nHost: localhost\r\n`, / 200 /],
    [`${target}/1.0\r\nHost: 127.0.0.1\r\n`, / 200 /],
    [`${target}/1.0\r\n`, / 403 /],
    [`${target}/1.1\r\nHost:\r\n`, / 403 /],
    [`${target}/1.1\r\nHost: evil.example\r\n`, / 403 /],
    [`${target}/1.1\r\nHost: evil.example\r\nHost: localhost\r\n`, / 40[03] /],
    [`GET http://evil.example/api/v1/status HTTP/1.1\r\nHost: evil.example\r\n`, / 40[034] /],
  ];
  for (const [lines, expected] of cases) t.match(await statusOf(lines), expected, lines);
});

t.test('client certificates', async (t) => {
  const other = await CertificateAuthority.create({ name: 'Other Root' });
  const server = await authority.issueServer({ subject: 'CN=server' });
  const operator = await authority.issueClient({ subject: 'CN=operator,O=Example' });
  const stranger = await other.issueClient({ subject: 'CN=operator,O=Example' });
  const ca = authority.certificatePem;

  const serve = async (t: Test, clientAuth: ClientAuth, options: Partial<AdminAppOptions> = {}) => {
    const audited: AuditRecord[] = [];
    const settings = tlsSettings([server], { clientAuth, clientCaPem: ca });
    const app = createAdminApp({
      control: new MemoryGateway(),
      servers: new HttpServers(settings),
      clientAuth,
      audit: (record) => audited.push(record),
      ...options,
    });
    t.teardown(() => app.close());
    const { port } = new URL(await listen(app, { host: '127.0.0.1', port: 0 }));
    const ask = async (client?: TestCertificate, headers: Record<string, string> = {}) =>
      new Promise<number | string | undefined>((resolve) => {
        const { certificatePem: cert, keyPem: key } = client ?? {};
        const agent = new Agent({ ca, cert, key, maxCachedSessions: 0, servername: 'localhost' });
        const target = { host: '127.0.0.1', port, path: '/api/v1/drain', method: 'POST' };
        request({ ...target, headers, agent }, (response) => {
          response.resume().once('close', () => resolve(response.statusCode));
        })
          .once('error', () => resolve('refused'))
          .end();
      });
    return { ask, audited };
  };

  await t.test('required ones admit, and say who it was', async (t) => {
    const { ask, audited } = await serve(t, 'require');
    t.equal(await ask(operator), 200);
    t.equal(await ask(operator, { host: 'gateway.example.org' }), 200);
    t.equal(await ask(operator, { origin: 'https://evil.example' }), 403, 'a page of another site');
    t.equal(await ask(operator, { 'sec-fetch-site': 'cross-site' }), 403);
    t.equal(await ask(), 'refused');
    t.equal(await ask(stranger), 'refused');
    t.strictSame(
      audited.map(({ actor }) => actor.kind),
      ['certificate', 'certificate'],
    );
    t.match(audited[0]?.actor.name, /CN=operator/);
    t.match(audited[0]?.actor.name, /O=Example/);
  });

  await t.test('those that are only asked for do not admit', async (t) => {
    const { ask } = await serve(t, 'request', { token: 'secret' });
    t.equal(await ask(operator), 401);
    t.equal(await ask(operator, { authorization: 'Bearer secret' }), 200);
    t.equal(await ask(undefined, { authorization: 'Bearer secret' }), 200);
  });

  await t.test('a wrong token is not made good by a certificate', async (t) => {
    const { ask } = await serve(t, 'require', { token: 'secret' });
    t.equal(await ask(operator), 200);
    t.equal(await ask(operator, { authorization: 'Bearer wrong' }), 401);
  });
});

const TOKEN = 'canary-admin-token';
const SECRETS = {
  admin: { api_token: TOKEN },
  auth: {
    credentials: { secret: 'canary-shared-secret' },
    users: [{ username: 'alice', password: 'canary-user-password' }],
  },
  ice: { api_keys: ['canary-ice-key'] },
};

const NEXT_AUTH = {
  credentials: { secret: 'canary-next-secret' },
  users: [{ username: 'alice', password: 'canary-next-password' }],
};

t.test('a running gateway', { skip }, async (t) => {
  const gateway = await OperatedGateway.start(t, SECRETS, { secret: 'canary-shared-secret' });
  const { ports, peer } = gateway;
  const base = `http://127.0.0.1:${ports.api}`;
  const bodies: string[] = [];
  /** Parts of a private key, as they would be seen. */
  const keyTexts: string[] = [];
  const ask = async (method: string, path: string, body?: object, token = TOKEN) => {
    const response = await fetch(path.startsWith('/') ? base + path : `${base}/api/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer = await response.text();
    bodies.push(answer, JSON.stringify([...response.headers]));
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
    return { status: response.status, body: (isJson ? JSON.parse(answer) : undefined) as unknown };
  };
  const credential = { username: 'alice', password: 'canary-user-password' };
  const connectAlice = async (): Promise<TurnClient> => {
    const client = await TurnClient.open({ server: gateway.server, transport: 'udp', credential });
    t.teardown(() => client.close());
    await client.allocate();
    await client.channelBind(0x4000, peer.address);
    return client;
  };

  const events = await EventStreamReader.open(`${base}/api/v1/events`, {
    authorization: `Bearer ${TOKEN}`,
  });
  t.teardown(() => events.close());
  await connectAlice();

  await t.test('tells how it does', async (t) => {
    const status = await ask('GET', 'status');
    t.match(status.body, { state: 'running', isReady: true, allocations: { active: 1 } });
    const { sessions, total } = (await ask('GET', 'sessions?user=alice')).body as SessionList;
    t.equal(total, 1);
    t.match(sessions, [{ user: 'alice', channels: [{ number: 0x4000 }] }]);
    t.match((await ask('GET', 'metrics/live')).body, { allocationsActive: 1 });
    t.match((await ask('GET', 'config')).body, { version: 'v1' });
    const [listener] = (await gatewayListeners()).filter((name) => name.includes('udp'));
    const route = `routes?listener=${encodeURIComponent(listener ?? '')}&peer=`;
    t.match((await ask('GET', `${route}127.0.0.1:${peer.address.port}`)).body, {
      cluster: 'peers',
    });
    const denied = (await ask('GET', `${route}192.0.2.1:5004`)).body as { cluster?: string };
    t.equal(denied.cluster, undefined);
    t.equal((await ask('GET', 'routes?listener=nope&peer=10.0.0.1:1')).status, 400);
  });

  async function gatewayListeners(): Promise<string[]> {
    const { body } = await ask('GET', 'routes');
    return (body as { listeners: { name: string }[] }).listeners.map(({ name }) => name);
  }

  await t.test('does what it is told', async (t) => {
    const { sessions } = (await ask('GET', 'sessions')).body as SessionList;
    t.strictSame((await ask('DELETE', `sessions/${sessions[0]?.id}`)).body, { ended: 1 });
    t.equal((await ask('DELETE', `sessions/${sessions[0]?.id}`)).status, 404);
    t.equal((await ask('DELETE', 'sessions/nonsense')).status, 404);
    await connectAlice();
    t.strictSame((await ask('DELETE', 'sessions?user=alice')).body, { ended: 1 });
    const { changes, problems } = (await ask('POST', 'reload', { dryRun: true }))
      .body as ReloadResult;
    t.strictSame([changes, problems], [[], []]);
    t.match((await ask('POST', 'drain')).body, { state: 'draining' });
    t.match((await ask('POST', 'undrain')).body, { state: 'running' });
    t.match((await ask('POST', 'loglevel', { levels: 'turn:DEBUG' })).body, {
      levels: { turn: 'DEBUG' },
    });
    const until = '2040-01-01T00:00:00Z';
    t.match((await ask('POST', 'revoke', { user: 'alice', until })).body, { ended: 0 });
    await t.rejects(connectAlice(), { code: 401 });
    t.match((await ask('GET', 'status')).body, { revocations: [{ userId: 'alice' }] });
  });

  await t.test('takes up a file with other secrets', async (t) => {
    const { certificatePem, keyPem } = await authority.issueServer();
    const port = await freePorts(1);
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    keyTexts.push(base64(keyPem).slice(0, 64), ...keyPem.split('\n').slice(1, 3));
    const listener = { protocol: 'TURN-TLS', bind: '127.0.0.1', port, routes: ['peers'] };
    const tls = { ...listener, name: 'tls', cert: base64(certificatePem), key: base64(keyPem) };
    await gateway.write(
      gateway.text({ ...SECRETS, auth: { ...SECRETS.auth, ...NEXT_AUTH }, listeners: [tls] }),
    );
    t.equal((await ask('POST', 'reload')).status, 200);
    t.strictSame(await gatewayListeners(), ['tls']);
    t.match((await ask('GET', 'config')).body, { listeners: [{ name: 'tls' }] });
    await ask('GET', 'status');
  });

  await t.test('refuses a broken file, and goes on', async (t) => {
    await gateway.write(`${gateway.text(SECRETS)}\nnonsense: canary-in-file\n`);
    const { status, body } = await ask('POST', 'reload');
    t.equal(status, 422);
    t.match(body, { outcome: 'failed', problems: [/nonsense/] });
    t.match((await ask('GET', 'status')).body, { state: 'running' });
  });

  await t.test('says what happened, and writes down who did it', async (t) => {
    await events.until((blocks) =>
      ['allocation.created', 'allocation.ended', 'config.reloaded'].every((type) =>
        blocks.some(({ event }) => event === type),
      ),
    );
    const { child } = gateway.process;
    const auditRecords = (): { scope?: string; action?: string; actor?: object }[] =>
      child.lines
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as { scope?: string; action?: string; actor?: object })
        .filter(({ scope }) => scope === 'audit');
    await child.waitForLine(() => auditRecords().length >= 11);
    const records = auditRecords();
    t.match(
      records.map(({ action }) => action),
      [
        'kick',
        'kick',
        'kick',
        'kick',
        'reload',
        'drain',
        'undrain',
        'loglevel',
        'revoke',
        'reload',
        'reload',
      ],
    );
    for (const { actor } of records) t.strictSame(actor, { kind: 'token', name: 'api_token' });
  });

  await t.test('tells no secret', async (t) => {
    t.equal((await ask('GET', 'status', undefined, 'canary-guess')).status, 401);
    await ask('GET', 'sessions?canary=1');
    for (const path of ['/openapi.json', '/docs/', '/nope']) await ask('GET', path);
    for (const check of ['live', 'ready', 'health', 'status']) {
      const response = await fetch(`http://127.0.0.1:${ports.health}/${check}`);
      bodies.push(await response.text());
    }
    const streamed = events.blocks.map(({ data }) => data ?? '');
    t.ok(bodies.length > 40 && streamed.length > 3);
    t.equal(keyTexts.length, 3);
    const isSecret = (text: string): boolean =>
      ['canary-', ...keyTexts].some((secret) => text.includes(secret));
    t.strictSame([...bodies, ...streamed].filter(isSecret), []);
    t.strictSame(gateway.process.child.lines.filter(isSecret), []);
  });
});
