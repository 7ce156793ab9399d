import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { runCommandLine, type Runners } from '../../src/cli/program.ts';
import { ADMIN_ANSWER_BYTES_MAX } from '../../src/limits.ts';
import { SESSION, STATUS } from '../support/admin-answers.ts';
import { captureOutput } from '../support/captured-output.ts';
import { CertificateAuthority } from '../support/certificate-authority.ts';
import { freePorts } from '../support/free-ports.ts';

const TOKEN = 'canary-token-that-is-long';
const EVENTS = [1, 2, 3].map((id) => ({
  id,
  at: '2030-01-01T00:00:00Z',
  type: 'peer.denied',
  data: { peer: `10.0.0.${id}:1` },
}));
const RELOADED = {
  outcome: 'applied',
  at: '2030-01-01T00:00:00Z',
  changes: [{ path: 'auth.realm', before: 'a', after: 'b', effect: 'update' }],
  kept: [],
  problems: [],
  milliseconds: 1,
};
const ROUTE = { listener: 'udp', peer: '10.0.0.7:5004' };
const CANDIDATE = 'version: v1\nauth: { type: none }\n';
const FAILED = { ...RELOADED, outcome: 'failed', changes: [], problems: ['a.yaml:1:2: is wrong'] };

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

/** Answers like an admin API, so that every answer can be had, and remembers what it was asked. */
class AnsweringServer {
  readonly asked: Asked[] = [];
  /** Answers by `METHOD /path`, without the query. */
  readonly answers = new Map<string, readonly [number, string]>();

  readonly answer = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const body = Buffer.concat(chunks).toString();
      this.asked.push({ method, url, authorization: headers.authorization, body });
      const key = `${method} ${url.replace(/\?.*/, '').replace('/api/v1', '')}`;
      const [status, text] = this.answers.get(key) ?? [200, '{}'];
      response.writeHead(status).end(text);
    });
  };
}

t.test('what is asked and what is printed', async (t) => {
  const server = new AnsweringServer();
  const api = await listen(t, createServer(server.answer));
  const json = (value: object): string => JSON.stringify(value);
  const folder = t.testdir({ 'new.yaml': CANDIDATE, 'broken.yaml': 'nonsense: 1\n' });
  const [candidate, broken] = [`${folder}/new.yaml`, `${folder}/broken.yaml`];
  server.answers.set('DELETE /sessions/a', [200, json({ ended: 1 })]);
  server.answers.set('DELETE /sessions/b', [
    404,
    json({ code: 'API_ERR_SESSION', message: 'there is no such session' }),
  ]);
  const cases: {
    args: string[];
    answer: [string, number, string];
    asks: string;
    body?: object;
    prints: RegExp;
    exitCode?: number;
    tells?: RegExp;
  }[] = [
    {
      args: ['status'],
      answer: ['GET /status', 200, json(STATUS)],
      asks: 'GET /api/v1/status',
      prints: /^gateway +under-test/,
    },
    {
      args: ['sessions', '--user', 'a b&c', '--listener', 'x/y', '--limit', '7'],
      answer: ['GET /sessions', 200, json({ sessions: [SESSION], total: 1 })],
      asks: 'GET /api/v1/sessions?user=a+b%26c&listener=x%2Fy&limit=7',
      prints: /^ID .*\n5f1d09c2a37be846 /,
    },
    {
      args: ['kick', '0-7'],
      answer: ['DELETE /sessions/0-7', 200, json({ ended: 1 })],
      asks: 'DELETE /api/v1/sessions/0-7',
      prints: /^1 session ended at http:\/\/127\.0\.0\.1:\d+\n$/,
    },
    {
      args: ['kick', '../drain'],
      answer: ['DELETE /sessions/..%2Fdrain', 200, json({ ended: 0 })],
      asks: 'DELETE /api/v1/sessions/..%2Fdrain',
      prints: /^0 sessions ended at /,
    },
    {
      args: ['kick', '--user', 'alice'],
      answer: ['DELETE /sessions', 200, json({ ended: 3 })],
      asks: 'DELETE /api/v1/sessions?user=alice',
      prints: /^3 sessions ended at /,
    },
    {
      args: ['revoke', 'alice', '--until', '2099-01-01T00:00:00Z'],
      answer: [
        'POST /revoke',
        200,
        json({ userId: 'alice', until: '2099-01-01T00:00:00.000Z', ended: 1 }),
      ],
      asks: 'POST /api/v1/revoke',
      body: { user: 'alice', until: Date.parse('2099-01-01T00:00:00Z') / 1000 },
      prints:
        /^user +alice\nuntil +2099-01-01T00:00:00\.000Z\nsessions +1 session ended\ngateway +http:\/\/127\.0\.0\.1:\d+\n$/,
    },
    {
      args: ['revoke', 'alice'],
      answer: ['POST /revoke', 200, json({ userId: 'alice', until: 'x', ended: 0 })],
      asks: 'POST /api/v1/revoke',
      body: { user: 'alice' },
      prints: /^user/,
    },
    {
      args: ['drain'],
      answer: ['POST /drain', 200, json({ state: 'draining' })],
      asks: 'POST /api/v1/drain',
      prints: /^draining: no new allocations.*\(http:\/\/127\.0\.0\.1:\d+\)\n$/,
    },
    {
      args: ['unrevoke', 'a/b c'],
      answer: ['DELETE /revocations/a%2Fb%20c', 200, json({ userId: 'a/b c' })],
      asks: 'DELETE /api/v1/revocations/a%2Fb%20c',
      prints: /^user +a\/b c\nuntil +not revoked any more\ngateway +http:/,
    },
    {
      args: ['kick', 'a', 'b', 'c'],
      answer: ['DELETE /sessions/c', 200, json({ ended: 1 })],
      asks: 'DELETE /api/v1/sessions/c',
      prints: /^2 sessions ended at /,
      exitCode: 1,
      tells: /^b: there is no such session\n$/,
    },
    {
      args: ['route', 'check', 'a/udp', '10.0.0.7:5004'],
      answer: ['GET /routes', 200, json({ ...ROUTE, verdict: 'admitted' })],
      asks: 'GET /api/v1/routes?listener=a%2Fudp&peer=10.0.0.7%3A5004',
      prints: /^listener +udp\npeer .*\nverdict +admitted\n$/,
    },
    {
      args: ['route', 'check', 'udp', '[fd00::7]:5004', '-o', 'json'],
      answer: ['GET /routes', 200, json({ ...ROUTE, verdict: 'noRoute' })],
      asks: 'GET /api/v1/routes?listener=udp&peer=%5Bfd00%3A%3A7%5D%3A5004',
      prints: /"verdict": "noRoute"/,
      exitCode: 1,
    },
    {
      args: ['undrain', '-o', 'yaml'],
      answer: ['POST /undrain', 200, json({ state: 'running' })],
      asks: 'POST /api/v1/undrain',
      prints: /^state: running\n$/,
    },
    {
      args: ['reload'],
      answer: ['POST /reload', 200, json(RELOADED)],
      asks: 'POST /api/v1/reload',
      body: { dryRun: false },
      prints:
        /^http:\/\/127\.0\.0\.1:\d+: the configuration is in force\nauth\.realm: a -> b \(in place\)\n$/,
    },
    {
      args: ['reload', '-o', 'json'],
      answer: ['POST /reload', 422, json(FAILED)],
      asks: 'POST /api/v1/reload',
      body: { dryRun: false },
      prints: /"outcome": "failed"/,
      exitCode: 2,
    },
    {
      args: ['config', 'diff'],
      answer: ['POST /reload', 200, json({ ...RELOADED, outcome: 'dryRun' })],
      asks: 'POST /api/v1/reload',
      body: { dryRun: true },
      prints: /: a reload would change this\nauth\.realm/,
    },
    {
      args: ['config', 'diff', '-c', candidate],
      answer: ['POST /reload', 200, json({ ...RELOADED, outcome: 'dryRun' })],
      asks: 'POST /api/v1/reload',
      body: { dryRun: true, config: CANDIDATE },
      prints: /: a reload would change this\nauth\.realm/,
    },
    {
      args: ['config', 'diff', '-c', broken],
      answer: ['POST /reload', 422, json(FAILED)],
      asks: 'POST /api/v1/reload',
      body: { dryRun: true, config: 'nonsense: 1\n' },
      prints: /: a reload would be refused.*\na\.yaml:1:2: is wrong\n$/,
      exitCode: 2,
    },
    {
      args: ['loglevel', 'turn=DEBUG', 'all:INFO'],
      answer: ['POST /loglevel', 200, json({ levels: { all: 'INFO', turn: 'DEBUG' } })],
      asks: 'POST /api/v1/loglevel',
      body: { levels: 'turn:DEBUG,all:INFO' },
      prints: /^all +INFO\nturn +DEBUG\n$/,
    },
  ];
  for (const { args, answer, asks, body, prints, exitCode = 0, tells = /^$/ } of cases) {
    const [key, status, text] = answer;
    server.answers.set(key, [status, text]);
    const { value, stdout, stderr } = await run([...args, '--api', api]);
    const name = args.join(' ');
    t.equal(value, exitCode, name, { stderr });
    t.match(stdout, prints, name);
    t.match(stderr, tells, name);
    const last = server.asked.at(-1)!;
    t.equal(`${last.method} ${last.url}`, asks);
    t.strictSame(last.body === '' ? undefined : JSON.parse(last.body), body, name);
    t.equal(last.authorization, undefined, 'no token is sent unasked');
  }
});

t.test('events', async (t) => {
  const stream = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('retry: 2000\n\n: heartbeat\n\nevent: stream.gap\ndata: {"missed":2}\n\n');
    const text = EVENTS.map((event) => `id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`).join(
      '',
    );
    // Cut where no event ends.
    response.write(text.slice(0, 25));
    response.end(text.slice(25));
  });
  const api = await listen(t, stream);
  const lines = await run(['events', '--api', api, '--count', '2']);
  t.equal(lines.value, 0, lines.stderr);
  t.match(
    lines.stdout,
    /^2030-01-01T00:00:00Z {2}peer\.denied {2}peer=10\.0\.0\.1:1\n.*10\.0\.0\.2:1\n$/,
  );
  const all = await run(['events', '--api', api, '-o', 'json']);
  t.same(
    all.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object),
    EVENTS,
  );
  t.equal(all.value, 1);
  t.match(all.stderr, /has ended the stream/);
});

t.test('a gateway that goes away', async (t) => {
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    if (request.url?.includes('events') === true) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify(EVENTS[0])}\n\n`, () => request.destroy());
      return;
    }
    if (requests === 3) request.socket.resetAndDestroy();
    else response.end(JSON.stringify(STATUS));
    if (requests === 4) process.emit('SIGINT');
  });
  const api = await listen(t, server);
  const events = await run(['events', '--api', api]);
  t.equal(events.value, 1);
  t.match(events.stdout, /peer\.denied/);
  t.match(events.stderr, /has gone away \(ECONNRESET\)\n$/);
  const watching = await run(['status', '--api', api, '--watch', '0.1']);
  t.equal(watching.value, 0, watching.stderr);
  t.match(watching.stderr, /^the gateway at .* has gone away \(ECONNRESET\)\n$/);
  t.equal(requests, 4, 'it goes on trying');
  server.removeAllListeners('request').on('request', ({ socket }) => socket.destroy());
  const never = await run(['status', '--api', api, '--watch', '0.1']);
  t.match(never, { value: 1, stdout: '', stderr: /does not speak HTTP/ });
});

t.test('refusals', async (t) => {
  const server = new AnsweringServer();
  const api = await listen(t, createServer(server.answer));
  const body = (code: string, message: string): string =>
    JSON.stringify({ statusCode: 0, code, error: 'x', message });
  const cases: [number, string, number, RegExp][] = [
    [
      401,
      body('API_ERR_UNAUTHENTICATED', 'no'),
      1,
      /does not accept this token.*\n\(API_ERR_UNAUTHENTICATED\)\n$/,
    ],
    [404, body('API_ERR_PATH', 'no'), 1, /too old for this command/],
    [404, body('API_ERR_SESSION', 'there is no such session'), 1, /^there is no such session\n/],
    [
      400,
      body('API_ERR_PARAMETER', 'until is in the past'),
      2,
      /^until is in the past\n\(GW_ERR_USAGE\)/,
    ],
    [503, body('GW_ERR_TOO_MANY_REVOCATIONS', 'full\u001B[2J'), 1, /^full\uFFFD\[2J\n\(GW_ERR_TOO/],
    [404, 'Not Found', 1, /is not the admin API/],
    [404, body('ICE_ERR_PATH', '404 page not found'), 1, /another endpoint .* not the admin API/],
    [404, body('HEALTH_ERR_PATH', 'there are /live'), 1, /another endpoint .* not the admin API/],
    [409, body('API_ERR_STATE', 'the gateway is stopping'), 1, /^the gateway is stopping\n\(API_/],
    [404, body('API_ERR_REVOCATION', 'the user is not revoked'), 1, /^the user is not revoked\n/],
    [200, '<html>', 1, /is not the admin API/],
    [302, '{}', 1, /answers 302 and is not the admin API/],
    [200, ' '.repeat(ADMIN_ANSWER_BYTES_MAX + 1), 1, /the answer is longer than 16777216 bytes/],
  ];
  for (const [status, text, exitCode, says] of cases) {
    server.answers.set('GET /status', [status, text]);
    const { value, stdout, stderr } = await run(['status', '--api', api], {
      TURNPIKE_ADMIN_TOKEN: TOKEN,
    });
    t.equal(value, exitCode, stderr);
    t.equal(stdout, '');
    t.match(stderr, says);
    t.notMatch(stderr, TOKEN);
  }
  t.equal(server.asked.at(-1)?.authorization, `Bearer ${TOKEN}`);
  server.answers.set('GET /status', [401, body('API_ERR_UNAUTHENTICATED', 'no')]);
  t.match((await run(['status', '--api', api])).stderr, /asks for a token/);
});

t.test('where the API is, and with which token', async (t) => {
  const server = new AnsweringServer();
  server.answers.set('GET /status', [200, JSON.stringify(STATUS)]);
  const api = await listen(t, createServer(server.answer));
  const dead = `http://127.0.0.1:${await freePorts()}`;
  const folder = t.testdir({
    token: `${TOKEN}-of-file\n`,
    empty: '',
    'a.yaml': `version: v1
auth: { type: none }
admin: { api_endpoint: '${api}', api_token: ${TOKEN}-of-config }
`,
    'none.yaml': `version: v1
auth: { type: none }
admin: { api_endpoint: '' }
`,
  });
  const config = ['-c', `${folder}/a.yaml`];
  const file = ['--token-file', `${folder}/token`];
  const environment = { TURNPIKE_API: api, TURNPIKE_ADMIN_TOKEN: `${TOKEN}-of-variable` };
  const found: [string[], Record<string, string>, string | undefined][] = [
    [config, {}, `${TOKEN}-of-config`],
    [[...config, ...file], environment, `${TOKEN}-of-file`],
    [config, { TURNPIKE_API: dead, TURNPIKE_ADMIN_TOKEN: 'other' }, `${TOKEN}-of-config`],
    [[], environment, `${TOKEN}-of-variable`],
    [['--api', api], { ...environment, TURNPIKE_API: dead }, `${TOKEN}-of-variable`],
    [config, { TURNPIKE_API: api }, `${TOKEN}-of-config`],
  ];
  for (const [args, variables, token] of found) {
    const { value, stderr } = await run(['status', ...args], variables);
    t.equal(value, 0, stderr);
    t.equal(server.asked.at(-1)?.authorization, `Bearer ${token}`);
  }
  for (const [variables, token] of [
    [{}, `${TOKEN}-of-config`],
    [environment, `${TOKEN}-of-variable`],
  ] as const) {
    server.answers.set('POST /reload', [200, JSON.stringify({ ...RELOADED, outcome: 'dryRun' })]);
    const { value, stderr } = await run(['config', 'diff', ...config], variables);
    t.equal(value, 0, stderr);
    const asked = server.asked.at(-1);
    t.equal(
      asked?.authorization,
      `Bearer ${token}`,
      'a new file is no word on where the gateway is',
    );
  }
  const elsewhere = await run(['config', 'diff', ...config], {
    ...environment,
    TURNPIKE_API: dead,
  });
  t.match(elsewhere, { value: 1, stderr: /no gateway answers/ });
  const refused: [string[], number, RegExp][] = [
    [['--api', dead], 1, /no gateway answers at .*ECONNREFUSED/],
    [['--api', 'nonsense'], 2, /--api is no URL/],
    [['--api', 'http://user:canary@127.0.0.1'], 2, /--api is no URL/],
    [['-c', `${folder}/none.yaml`], 2, /has no admin API/],
    [['-c', `${folder}/missing.yaml`], 2, /cannot read/],
    [['--token-file', `${folder}/empty`], 2, /holds no token/],
    [['--token-file', `${folder}/missing`], 2, /cannot read the file of --token-file/],
    [['--ca', `${folder}/missing`], 2, /cannot read .*missing/],
    [['--ca', `${folder}/token`], 2, /token holds no certificate in PEM form/],
    [['--cert', `${folder}/token`], 2, /both --cert and --key/],
    [['--limit', '0'], 2, /unknown option/],
  ];
  for (const [args, exitCode, says] of refused) {
    const { value, stderr } = await run(['status', ...args]);
    t.equal(value, exitCode, args.join(' '));
    t.match(stderr, says);
    t.notMatch(stderr, 'canary');
  }
});

t.test('over TLS', async (t) => {
  const server = new AnsweringServer();
  server.answers.set('GET /status', [200, JSON.stringify(STATUS)]);
  const authority = await CertificateAuthority.create();
  const [leaf, client] = [
    await authority.issueServer({ names: ['127.0.0.1'] }),
    await authority.issueClient({ subject: 'CN=operator' }),
  ];
  const other = await CertificateAuthority.create();
  const stranger = await authority.issueServer({ names: ['other.example.org'] });
  const folder = t.testdir({
    'ca.pem': authority.certificatePem,
    'other.pem': other.certificatePem,
    'client.pem': client.certificatePem,
    'client.key': client.keyPem,
  });
  const mutual = createTlsServer(
    {
      cert: leaf.certificatePem,
      key: leaf.keyPem,
      ca: authority.certificatePem,
      requestCert: true,
    },
    server.answer,
  );
  const api = await listen(t, mutual, 'https');
  const misnamed = await listen(
    t,
    createTlsServer({ cert: stranger.certificatePem, key: stranger.keyPem }, server.answer),
    'https',
  );
  const plain = await listen(t, createServer(server.answer));
  const ca = ['--ca', `${folder}/ca.pem`];
  const own = ['--cert', `${folder}/client.pem`, '--key', `${folder}/client.key`];
  const cases: [string[], number, RegExp][] = [
    [['--api', api, ...ca, ...own], 0, /^$/],
    [['--api', api, ...ca], 1, /may want a client certificate/],
    [['--api', api, ...own], 1, /is trusted by nobody here .*--ca/],
    [['--api', api, '--ca', `${folder}/other.pem`, ...own], 1, /is trusted by nobody here/],
    [['--api', misnamed, ...ca], 1, /is for other names/],
    [['--api', plain.replace('http:', 'https:'), ...ca], 1, /does not speak TLS; write http:/],
    [['--api', misnamed.replace('https:', 'http:')], 1, /does not speak HTTP/],
  ];
  for (const [args, exitCode, says] of cases) {
    const { value, stderr } = await run(['status', ...args]);
    t.equal(value, exitCode, stderr);
    t.match(stderr, says);
  }
  writeFileSync(`${folder}/client.key`, 'nonsense');
  t.equal((await run(['status', '--api', api, ...ca, ...own])).value, 1, 'a key that is none');
});

async function listen(test: Test, server: Server, scheme = 'http'): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function run(args: string[], variables: Record<string, string> = {}) {
  for (const name of ['TURNPIKE_API', 'TURNPIKE_ADMIN_TOKEN']) delete process.env[name];
  Object.assign(process.env, variables);
  return captureOutput(() => runCommandLine(args, '1.2.3', {} as Runners));
}
