import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request, type RequestOptions } from 'node:https';
import { connect as connectPlain, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import type { ClientAuth } from '../../src/config/gateway-config.ts';
import { createIceApp } from '../../src/http/ice/app.ts';
import { listen } from '../../src/http/listen.ts';
import { HttpServers } from '../../src/http/server.ts';
import { Log } from '../../src/log.ts';
import { HttpEndpoints } from '../../src/service/http-endpoints.ts';
import { planIceEndpoint } from '../../src/service/ice-endpoint.ts';
import type { TlsSettings } from '../../src/tls/tls-settings.ts';
import { CertificateAuthority, writeCertificate } from '../support/certificate-authority.ts';
import { missingTool, runCommand } from '../support/child-process.ts';
import { configFrom } from '../support/configuration.ts';
import { freePorts } from '../support/free-ports.ts';
import { tlsSettings } from '../support/tls-settings.ts';

const PATH = '/ice?service=turn';
const BODY = 'no STUNner configuration available\n';

const authority = await CertificateAuthority.create();
const otherAuthority = await CertificateAuthority.create({ name: 'Other Root' });
const ca = authority.certificatePem;
const server = await authority.issueServer({ subject: 'CN=first' });

/** Starts the API over HTTPS on loopback; its one answer is `BODY` with status 500. */
async function serve(t: Test, settings: TlsSettings) {
  const servers = new HttpServers(settings);
  const app = createIceApp({ source: { gateways: () => [] }, servers });
  t.teardown(() => app.close());
  const url = await listen(app, { host: '127.0.0.1', port: 0 });
  const port = Number(new URL(url).port);
  return { servers, port, url };
}

/** What a client is told: status and body, or why there is no answer. */
async function ask(port: number, options: RequestOptions = {}): Promise<string> {
  const agent = options.agent ?? new Agent({ ca, maxCachedSessions: 0 });
  return new Promise((resolve) => {
    const call = request(
      { host: '127.0.0.1', servername: 'localhost', port, path: PATH, ca, ...options, agent },
      (response) => {
        const { statusCode } = response;
        text(response).then(
          (body) => resolve(`${statusCode} ${body}`),
          (error) => resolve(String(error)),
        );
      },
    );
    call.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    call.end();
  });
}

/** Shakes hands as a client; rejects when the server refuses. */
async function shakeHands(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', servername: 'localhost', port, ca, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

async function subjectFor(port: number, options: ConnectionOptions): Promise<string | undefined> {
  const socket = await shakeHands(port, options);
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return [CN].flat()[0];
}

t.test('HTTPS answers as HTTP does', async (t) => {
  const { port, url } = await serve(t, tlsSettings([server]));
  t.equal(url, `https://127.0.0.1:${port}`);
  t.equal(await ask(port), `500 ${BODY}`);
  t.equal(await ask(port, { path: '/nope' }), '404 404 page not found\n');
  t.match(await ask(port, { headers: { x: 'x'.repeat(10_000) } }), /^431 /);

  const distrusted = /^(?:UNABLE_TO_|SELF_SIGNED_)/;
  t.match(await ask(port, { agent: new Agent(), ca: undefined }), distrusted, 'public authorities');
  const stranger = new Agent({ ca: otherAuthority.certificatePem });
  t.match(await ask(port, { agent: stranger, ca: undefined }), distrusted, 'wrong authority');
  t.equal(await ask(port, { servername: 'other.example.org' }), 'ERR_TLS_CERT_ALTNAME_INVALID');

  const plain = await fetch(`http://127.0.0.1:${port}${PATH}`).catch(() => 'refused');
  t.equal(plain, 'refused', 'plain HTTP');
  t.equal(await ask(port), `500 ${BODY}`, 'and it still serves');
});

t.test('an address that cannot be had is named as https', async (t) => {
  const { port, url } = await serve(t, tlsSettings([server]));
  const app = createIceApp({
    source: { gateways: () => [] },
    servers: new HttpServers(tlsSettings([server])),
  });
  t.teardown(() => app.close());
  await t.rejects(listen(app, { host: '127.0.0.1', port }), {
    code: 'GW_ERR_LISTEN',
    message: `the ICE API cannot listen on ${url}: address already in use; stop the other program, or choose another port`,
  });
});

t.test('versions and protocols', async (t) => {
  const { port } = await serve(t, tlsSettings([server]));
  const strict = await serve(t, tlsSettings([server], { minVersion: 'TLSv1.3' }));
  const accepted: readonly (ConnectionOptions & { readonly shows: readonly unknown[] })[] = [
    { shows: ['TLSv1.3', false] },
    { maxVersion: 'TLSv1.2', shows: ['TLSv1.2', false] },
    { ALPNProtocols: ['h2', 'http/1.1'], shows: ['TLSv1.3', 'http/1.1'] },
    { ALPNProtocols: ['http/1.0'], shows: ['TLSv1.3', 'http/1.0'] },
  ];
  for (const { shows, ...options } of accepted) {
    const socket = await shakeHands(port, options);
    t.same([socket.getProtocol(), socket.alpnProtocol], shows, JSON.stringify(options));
    socket.destroy();
  }
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const;
  const refused: readonly [number, ConnectionOptions][] = [
    [port, old],
    [strict.port, { maxVersion: 'TLSv1.2' }],
    [port, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' }],
    [port, { ALPNProtocols: ['h2'] }],
    [port, { ALPNProtocols: ['acme-tls/1'] }],
  ];
  for (const [where, options] of refused) {
    await t.rejects(
      shakeHands(where, options),
      { code: /^ERR_SSL_|EPROTO/ },
      JSON.stringify(options),
    );
  }
});

t.test('the certificate follows the name that is asked for', async (t) => {
  const wildcard = await authority.issueServer({
    names: ['*.example.org'],
    subject: 'CN=wildcard',
  });
  const exact = await authority.issueServer({ names: ['api.example.org'], subject: 'CN=exact' });
  const { port } = await serve(t, tlsSettings([server, wildcard, exact]));
  for (const [servername, subject] of [
    ['api.example.org', 'exact'],
    ['a.example.org', 'wildcard'],
    ['localhost', 'first'],
  ] as const) {
    t.equal(await subjectFor(port, { servername }), subject, servername);
  }
  for (const servername of ['a.b.example.org', 'unknown.test', '']) {
    const options = { servername, checkServerIdentity: () => undefined };
    t.equal(await subjectFor(port, options), 'first', `"${servername}"`);
  }
});

t.test('client certificates', async (t) => {
  const intermediate = await authority.createIntermediate();
  const revoked = await authority.issueClient({ subject: 'CN=revoked' });
  const chained = await intermediate.issueClient();
  const certificates = {
    none: undefined,
    good: await authority.issueClient(),
    'of an intermediate': { ...chained, certificatePem: chained.chainPem },
    expired: await authority.issueClient({ validity: 'expired' }),
    'not yet valid': await authority.issueClient({ validity: 'not-yet-valid' }),
    'of another authority': await otherAuthority.issueClient(),
    revoked,
    'for servers': await authority.issueServer(),
  };
  type Name = keyof typeof certificates;
  const admitted: Readonly<Record<ClientAuth, readonly Name[]>> = {
    none: Object.keys(certificates) as Name[],
    request: ['none', 'good', 'of an intermediate'],
    require: ['good', 'of an intermediate'],
  };
  const clientCaPem = ca;
  const clientCrlPem =
    (await authority.revocationList([revoked.serialNumber])) +
    (await intermediate.revocationList());
  for (const clientAuth of ['none', 'request', 'require'] as const) {
    const { port } = await serve(
      t,
      tlsSettings([server], { clientAuth, clientCaPem, clientCrlPem }),
    );
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      for (const [name, certificate] of Object.entries(certificates)) {
        const { certificatePem: cert, keyPem: key } = certificate ?? {};
        const answer = await ask(port, { cert, key, maxVersion });
        const isAdmitted = admitted[clientAuth].includes(name as Name);
        t.equal(answer.startsWith('500 '), isAdmitted, `${clientAuth}, ${maxVersion}: ${name}`, {
          answer,
        });
      }
    }
  }

  await t.test('a certificate that is revoked later', async (t) => {
    const { certificatePem: cert, keyPem: key } = revoked;
    const settings = tlsSettings([server], {
      clientAuth: 'require',
      clientCaPem,
      clientCrlPem: await authority.revocationList(),
    });
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { port, servers } = await serve(t, settings);
      const agent = new Agent({ ca, cert, key, maxVersion, keepAlive: false });
      t.equal(await ask(port, { agent }), `500 ${BODY}`, 'good at first');
      t.equal(await ask(port, { agent }), `500 ${BODY}`, 'and again');
      servers.replaceTls({ ...settings, clientCrlPem });
      t.notMatch(await ask(port, { agent }), /^500/, `${maxVersion}: not even by an old session`);
    }
  });
});

t.test('new settings while connections live on', async (t) => {
  const second = await authority.issueServer({ subject: 'CN=second' });
  const settings = tlsSettings([server]);
  const { port, servers } = await serve(t, settings);
  const agent = new Agent({ ca, keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  t.equal(await ask(port, { agent }), `500 ${BODY}`);
  const [socket] = Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? []);
  const shaking = connectPlain(port, '127.0.0.1');
  await once(shaking, 'connect');

  for (let round = 0; round < 20; round++) {
    const [next, name] = round % 2 === 0 ? [second, 'second'] : [server, 'first'];
    servers.replaceTls(tlsSettings([next], { ticketKeys: settings.ticketKeys }));
    const seen = await Promise.all([
      subjectFor(port, {}),
      subjectFor(port, { servername: '', checkServerIdentity: () => undefined }),
      ask(port, { agent }),
    ]);
    t.same(seen, [name, name, `500 ${BODY}`], `rotation ${round}`);
  }
  t.same(Object.values(agent.freeSockets).flat(), [socket], 'always over the same connection');
  const late = connect({ socket: shaking, servername: 'localhost', ca });
  await once(late, 'secureConnect');
  t.equal(late.getPeerCertificate().subject.CN, 'first', 'one that had only connected');
  late.destroy();

  const good = await authority.issueClient();
  servers.replaceTls(tlsSettings([server], { clientAuth: 'require', clientCaPem: ca }));
  t.notMatch(await ask(port), /^500/, 'a certificate is needed from now on');
  t.equal(await ask(port, { cert: good.certificatePem, key: good.keyPem }), `500 ${BODY}`);
  t.equal(await ask(port, { agent }), `500 ${BODY}`, 'but not on the old connection');
  servers.replaceTls(settings);
  t.equal(await ask(port), `500 ${BODY}`, 'and not any more');

  t.throws(() => new HttpServers().replaceTls(settings), TypeError, 'plain HTTP has none');
});

t.test('every server of an endpoint has the new settings', async (t) => {
  const second = await authority.issueServer({ subject: 'CN=second' });
  const servers = new HttpServers(tlsSettings([server]));
  const ports = await Promise.all(
    ['127.0.0.1', '::1'].map(async (host) => {
      const one = servers.create((_request, response) => response.end()).listen(0, host);
      t.teardown(() => one.close());
      await once(one, 'listening');
      return { host, port: (one.address() as AddressInfo).port };
    }),
  );
  servers.replaceTls(tlsSettings([second]));
  for (const { host, port } of ports) t.equal(await subjectFor(port, { host }), 'second', host);
});

t.test('a client that never shakes hands is disconnected', async (t) => {
  const { port } = await serve(t, tlsSettings([server]));
  const half = connectPlain(port, '127.0.0.1').on('error', () => undefined);
  half.write(Buffer.from([22, 3, 1, 1, 0]));
  const silent: Socket = connectPlain(port, '127.0.0.1').on('error', () => undefined);
  await Promise.all([once(half.resume(), 'close'), once(silent.resume(), 'close')]);
  t.equal(await ask(port), `500 ${BODY}`);
});

t.test('curl', { skip: missingTool('curl') }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-https-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const caFile = await authority.writeTo(folder);
  const { certFile, keyFile } = await writeCertificate(await authority.issueClient(), folder);
  const { url } = await serve(t, tlsSettings([server], { clientAuth: 'require', clientCaPem: ca }));
  const client = ['--cert', certFile, '--key', keyFile];
  const rows = [
    { args: ['--cacert', caFile, ...client], exitCode: 0 },
    { args: ['--cacert', caFile, ...client, '--tls-max', '1.2'], exitCode: 0 },
    { args: ['--cacert', caFile, ...client, '--http1.0'], exitCode: 0 },
    { args: client, exitCode: 60 },
    { args: ['--cacert', caFile, '--tls-max', '1.2'], exitCode: /35|56/ },
    { args: ['--cacert', caFile], exitCode: /35|56|52/ },
  ];
  for (const { args, exitCode } of rows) {
    const result = await runCommand('curl', ['-sS', ...args, url + PATH], 10_000);
    t.match(String(result.exitCode), exitCode, args.join(' '), { output: result.output });
    t.equal(result.output.trimEnd() === BODY.trimEnd(), exitCode === 0, result.output);
  }
});

t.test('the ICE service over HTTPS', async (t) => {
  const port = await freePorts();
  const config = configFrom(`
    version: v1
    auth: { type: ephemeral, credentials: { secret: a-secret-for-tests } }
    ice: { endpoint: 'http://127.0.0.1:${port}' }
    listeners: [{ name: udp, protocol: TURN-UDP, port: 3478, public_address: 192.0.2.1, routes: [] }]
  `);
  const { ice } = config;
  if (ice === undefined) throw new Error('no ice section');
  const lines: string[] = [];
  const log = new Log(
    { format: 'json', levels: { all: 'INFO' } },
    { write: (line) => lines.push(line) },
  );
  const tls = {
    certificate: { kind: 'generated' },
    sni: [],
    minVersion: 'TLSv1.2',
    ciphers: '',
    cipherSuites: '',
    curves: '',
    clientAuth: 'none',
    clientCaFiles: [],
    clientCrlFiles: [],
    clientIdentities: [],
  } as const;
  const settings = tlsSettings([server]);
  const subject = { config: () => config, log };
  t.throws(
    () => planIceEndpoint({ ...ice, tls }, undefined, subject),
    /TLS settings/,
    'never plain by mistake',
  );
  t.throws(() => planIceEndpoint(ice, settings, subject), /TLS settings/);
  const everywhere = { ...ice.endpoint, host: '0.0.0.0' };
  for (const clientAuth of ['none', 'request'] as const) {
    const exposed = { ...ice, endpoint: everywhere, tls: { ...tls, clientAuth } };
    t.throws(() => planIceEndpoint(exposed, settings, subject).createApp(), {
      code: 'GW_ERR_HTTP_UNPROTECTED',
    });
  }
  const required = {
    ...ice,
    endpoint: everywhere,
    tls: { ...tls, clientAuth: 'require' as const },
  };
  await (await planIceEndpoint(required, settings, subject).createApp()).close();

  const endpoints = new HttpEndpoints(log);
  await (await endpoints.prepare([planIceEndpoint({ ...ice, tls }, settings, subject)])).commit();
  t.teardown(() => endpoints.stop());
  t.match(lines.join(''), `https://127.0.0.1:${port}`);
  t.match(await ask(port), /^200 \{.*iceServers/s);
  t.match(await ask(port, { path: '/ice' }), /^400 /);
  const second = await authority.issueServer({ subject: 'CN=second' });
  endpoints.replaceTls('ice', tlsSettings([second]));
  t.equal(await subjectFor(port, {}), 'second');
});
