import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { AcmeService, type AcmeClock } from '../../src/acme/acme-service.ts';
import { serveHttpAnswers } from '../../src/acme/http-challenge.ts';
import {
  CIPHER_SUITES_DEFAULT,
  CIPHERS_DEFAULT,
  CURVES_DEFAULT,
  TLS_VERSION_DEFAULT,
} from '../../src/config/default-values.ts';
import type { AcmeConfig, TlsConfig } from '../../src/config/gateway-config.ts';
import { HttpServers } from '../../src/http/server.ts';
import { Log } from '../../src/log.ts';
import { CertificateStore } from '../../src/tls/certificate-store.ts';
import type { TlsSettings } from '../../src/tls/tls-settings.ts';
import { CertificateAuthority } from '../support/certificate-authority.ts';
import { isPortFree, freePorts } from '../support/free-ports.ts';
import { missingPebble, startPebble, type Pebble } from '../support/pebble.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const skip = missingPebble();

interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly reason?: string;
  readonly [field: string]: unknown;
}

/** A clock that the test moves: what sleeps wakes when the test says so. */
class TestClock implements AcmeClock {
  shiftMs = 0;
  #wake: (() => void) | undefined;
  #slept: ((milliseconds: number) => void)[] = [];

  now(): number {
    return Date.now() + this.shiftMs;
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
      for (const slept of this.#slept.splice(0)) slept(milliseconds);
    });
  }

  /** Milliseconds of the next sleep. */
  nextSleep(): Promise<number> {
    return new Promise((resolve) => this.#slept.push(resolve));
  }

  /** Ends the sleep and returns how long the next one is. */
  async wake(): Promise<number> {
    const next = this.nextSleep();
    this.#wake?.();
    return next;
  }
}

interface Running {
  readonly service: AcmeService;
  readonly clock: TestClock;
  readonly lines: readonly LogLine[];
  /** Milliseconds that it sleeps after its first look. */
  readonly firstSleep: number;
}

async function open(config: AcmeConfig, clock = new TestClock()) {
  const lines: LogLine[] = [];
  const log = new Log(
    { format: 'json', levels: { all: 'DEBUG' } },
    { write: (line) => lines.push(JSON.parse(line) as LogLine) },
  );
  const service = await AcmeService.open(config, { log, clock });
  return { service, clock, lines };
}

/** Starts ACME and waits until it sleeps for the first time. */
async function run(
  t: Test,
  config: AcmeConfig,
  onChange: (service: AcmeService) => void | Promise<void> = () => undefined,
): Promise<Running> {
  const { service, clock, lines } = await open(config);
  const slept = clock.nextSleep();
  t.teardown(() => service.stop());
  service.start(() => onChange(service));
  return { service, clock, lines, firstSleep: await slept };
}

function configFor(pebble: Pebble, storage: string, changes: Partial<AcmeConfig> = {}): AcmeConfig {
  return {
    directory: pebble.directory,
    domains: ['gateway.example.org', 'turn.example.org'],
    email: 'operator@example.org',
    challenge: 'http-01',
    httpEndpoint: { host: '127.0.0.1', port: pebble.httpPort, path: '/' },
    storage,
    caFile: pebble.caFile,
    renewBeforeSeconds: 30 * 86_400,
    ...changes,
  };
}

function certificateOf({ certificate }: AcmeService): X509Certificate {
  if (certificate === undefined) throw new Error('there is no certificate');
  return new X509Certificate(certificate.certificatePem);
}

t.test('against an ACME directory', { skip }, async (t) => {
  const pebble = await startPebble();
  t.teardown(() => pebble.stop());
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-acme-'));
  t.teardown(() => rm(folder, { recursive: true }));

  await t.test('HTTP-01 issues, what is kept survives a restart, and is renewed', async (t) => {
    const storage = join(folder, 'http');
    const config = configFor(pebble, storage);
    let changes = 0;
    const first = await run(t, config, () => void changes++);
    t.equal(changes, 1, 'told once');
    t.same(first.service.certificate?.names, config.domains);
    const issued = certificateOf(first.service);
    await expectIssuedByDirectory(t, pebble, first.service);
    t.ok(await isPortFree(pebble.httpPort), 'answers are served only while an order runs');
    t.ok(first.firstSleep >= 60 * MINUTE_MS && first.firstSleep <= 66 * MINUTE_MS, 'hourly checks');
    t.same(
      first.lines.map(({ level, msg }) => `${level}: ${msg}`),
      [
        'warn: no certificate yet: until the directory issues one, clients get a generated one that they cannot trust',
        'info: ordering a certificate',
        'info: the directory has issued a certificate',
      ],
    );
    await first.service.stop();
    await expectPrivate(t, storage, new URL(pebble.directory).port);

    const second = await run(t, config);
    t.equal(certificateOf(second.service).serialNumber, issued.serialNumber, 'kept');
    t.same(
      second.lines.map(({ msg }) => msg),
      ['serving the certificate that was kept'],
      'no order',
    );
    const beforeRenewal = issued.validTo;
    second.clock.shiftMs = Date.parse(beforeRenewal) - Date.now() - 31 * DAY_MS;
    await second.clock.wake();
    t.equal(certificateOf(second.service).serialNumber, issued.serialNumber, 'not due yet');
    second.clock.shiftMs += 2 * DAY_MS;
    await second.clock.wake();
    const renewed = certificateOf(second.service);
    t.not(renewed.serialNumber, issued.serialNumber, 'renewed');
    t.notOk(renewed.publicKey.equals(issued.publicKey), 'with a new key');
    await second.service.stop();

    const wider = configFor(pebble, storage, { domains: [...config.domains, 'x.example.org'] });
    const { service } = await open(wider);
    t.equal(certificateOf(service).serialNumber, renewed.serialNumber, 'the old one serves on');
    const third = await run(t, wider);
    t.same(third.service.certificate?.names, wider.domains, 'other domains, another certificate');
    const accounts = pebble.lines.filter((line) => /There are now \d+ accounts/.test(line));
    t.equal(accounts.length, 1, 'always with the same account', { accounts });
  });

  await t.test('a failed order is tried again, and is logged once', async (t) => {
    const blocker = createServer().listen(pebble.httpPort, '127.0.0.1');
    await once(blocker, 'listening');
    t.teardown(() => blocker.close());
    const config = configFor(pebble, join(folder, 'failing'), { domains: ['lost.example.org'] });
    const { service, clock, lines, firstSleep } = await run(t, config);
    t.ok(firstSleep >= MINUTE_MS && firstSleep <= 1.1 * MINUTE_MS, 'after a minute');
    const secondSleep = await clock.wake();
    t.ok(secondSleep >= 2 * MINUTE_MS && secondSleep <= 2.2 * MINUTE_MS, 'after two');
    blocker.close();
    await once(blocker, 'close');

    await pebble.setAddress('lost.example.org', '127.0.0.2');
    const thirdSleep = await clock.wake();
    t.ok(thirdSleep >= 4 * MINUTE_MS && thirdSleep <= 4.4 * MINUTE_MS, 'after four');
    t.equal(service.certificate, undefined);
    t.ok(await isPortFree(pebble.httpPort), 'answers are not served any more');

    await pebble.setAddress('lost.example.org', undefined);
    await clock.wake();
    await expectIssuedByDirectory(t, pebble, service);
    const failures = lines.filter(({ reason }) => reason !== undefined);
    t.match(
      failures.map(({ level, reason }) => [level, reason]),
      [
        ['error', /^the answers to HTTP-01 cannot be served on http:.*EADDRINUSE/],
        ['debug', /^the answers to HTTP-01 cannot be served on /],
        ['error', /^the directory finds lost\.example\.org invalid: .+\(\w+\)$/],
      ],
    );
    t.equal(failures.length, 3);
  });

  await t.test('a directory that cannot be asked', async (t) => {
    const other = await CertificateAuthority.create();
    const otherCaFile = await other.writeTo(folder, 'other');
    const closedPort = await freePorts();
    const rows = [
      {
        name: 'nobody listens',
        changes: { directory: `https://127.0.0.1:${closedPort}/dir` },
        reason: /ECONNREFUSED/,
      },
      { name: 'an unknown authority', changes: { caFile: otherCaFile }, reason: /certificate/ },
      {
        name: 'not a directory',
        changes: { directory: pebble.directory.replace('/dir', '/nothing') },
        reason: /404/,
      },
      {
        name: 'a name that it refuses',
        changes: { domains: ['127.0.0.1'] },
        reason: /127\.0\.0\.1/,
      },
    ];
    for (const { name, changes, reason } of rows) {
      const config = configFor(pebble, join(folder, 'nobody'), changes);
      const { service, lines } = await run(t, config);
      t.match(lines.at(-1)?.reason, reason, name);
      await service.stop();
    }
  });

  await t.test('TLS-ALPN-01 is answered by HTTPS, which then has the certificate', async (t) => {
    const config = configFor(pebble, join(folder, 'tls'), {
      challenge: 'tls-alpn-01',
      httpEndpoint: { host: '127.0.0.1', port: 1, path: '/' },
    });
    const { service, clock, lines } = await open(config);
    t.teardown(() => service.stop());
    const { use, settingsOf } = acmeUse();
    const store = new CertificateStore({
      uses: [use],
      log: () => undefined,
      issued: service,
      onChange: (settings) => servers.replaceTls(settingsOf(settings)),
    });
    t.teardown(() => store.close());
    const servers = new HttpServers(settingsOf(await store.load()));
    const server = servers.create((_request, response) => response.end('served'));
    t.teardown(() => server.close());
    server.listen(pebble.tlsPort, '127.0.0.1');
    await once(server, 'listening');

    const [domain = ''] = config.domains;
    const generated = await shakeHands(pebble.tlsPort, { servername: domain });
    t.match(generated.getPeerCertificate().subject.CN, /^turnpike/, 'a generated one at first');
    const slept = clock.nextSleep();
    service.start(async () => {
      await store.reload();
      if (service.challenges.length > 0) await expectChallengesOnly(t, pebble.tlsPort, domain);
    });
    await slept;
    t.notMatch(lines.at(-1), { reason: String }, 'no failure', { lines });
    await expectIssuedByDirectory(t, pebble, service);
    t.same(service.challenges, [], 'challenges are over');
    const root = await pebble.root();
    const trusting = await shakeHands(pebble.tlsPort, { servername: domain, ca: root });
    t.ok(trusting.authorized, 'clients trust it');
    generated.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    t.match(await text(generated), /served$/, 'older connections live on');
    trusting.destroy();
    await t.rejects(
      shakeHands(pebble.tlsPort, { servername: domain, ALPNProtocols: ['acme-tls/1'] }),
      { code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' },
      'no challenge, no answer',
    );
  });

  await t.test('a stop ends an order under way', async (t) => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    t.teardown(() => silent.close());
    const { port } = silent.address() as { port: number };
    const directory = `https://127.0.0.1:${port}/dir`;
    const { service, lines } = await open(configFor(pebble, join(folder, 'stop'), { directory }));
    const connected = once(silent, 'connection');
    service.start(() => undefined);
    await connected;
    await service.stop();
    t.equal(lines.at(-1)?.msg, 'ordering a certificate', 'and is no failure');
  });
});

/** An endpoint with the certificate of the directory. */
function acmeUse() {
  const config: TlsConfig = {
    certificate: { kind: 'acme' },
    sni: [],
    minVersion: TLS_VERSION_DEFAULT,
    ciphers: CIPHERS_DEFAULT,
    cipherSuites: CIPHER_SUITES_DEFAULT,
    curves: CURVES_DEFAULT,
    clientAuth: 'none',
    clientCaFiles: [],
    clientCrlFiles: [],
    clientIdentities: [],
  };
  const settingsOf = (settings: ReadonlyMap<string, TlsSettings>): TlsSettings => {
    const found = settings.get('api');
    if (found === undefined) throw new Error('the store has no settings for the endpoint');
    return found;
  };
  return { use: { name: 'api', config }, settingsOf };
}

/** While an order runs: the challenge is shown to the directory only, and nothing is served after it. */
async function expectChallengesOnly(t: Test, port: number, servername: string): Promise<void> {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const options = { servername, maxVersion, ALPNProtocols: ['acme-tls/1'] };
    const directory = await shakeHands(port, options);
    t.equal(directory.alpnProtocol, 'acme-tls/1');
    const shown = directory.getPeerX509Certificate()?.subjectAltName;
    t.equal(shown, `DNS:${servername}`, `the challenge over ${maxVersion}`);
    directory.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    const answer = await text(directory).catch(() => '');
    t.equal(answer, '', 'no HTTP behind a challenge');
  }
  const client = await shakeHands(port, { servername });
  t.match(client.getPeerCertificate().subject.CN, /^turnpike/, 'clients never see it');
  client.destroy();
  const stranger = { servername: 'stranger.example.org', ALPNProtocols: ['acme-tls/1'] };
  await t.rejects(shakeHands(port, stranger), { code: /ALERT_NO_APPLICATION_PROTOCOL$/ });
}

async function shakeHands(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const rejectUnauthorized = options.ca !== undefined;
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

async function expectIssuedByDirectory(
  t: Test,
  pebble: Pebble,
  { certificate }: AcmeService,
): Promise<void> {
  const chain = certificate?.certificatePem.match(/-----BEGIN[^]+?-----END CERTIFICATE-----/g);
  const [leaf, intermediate] = (chain ?? []).map((pem) => new X509Certificate(pem));
  const root = new X509Certificate(await pebble.root());
  t.ok(intermediate && leaf?.verify(intermediate.publicKey), 'signed by the intermediate');
  t.ok(intermediate?.verify(root.publicKey), 'which is signed by the root');
}

async function expectPrivate(t: Test, storage: string, port: string): Promise<void> {
  const folder = join(storage, `127.0.0.1-${port}-dir`);
  const modes = await Promise.all(
    [storage, folder, join(folder, 'account.key'), join(folder, 'certificate.pem')].map(
      async (path) => ((await stat(path)).mode & 0o777).toString(8),
    ),
  );
  t.same(modes, ['700', '700', '600', '600'], 'nobody else may look');
}

t.test('HTTP-01 answers and nothing else', async (t) => {
  const port = await freePorts();
  const stop = await serveHttpAnswers({ host: '127.0.0.1', port, path: '/' })([
    { domain: 'a.example.org', token: 'token-a', keyAuthorization: 'token-a.thumb' },
    { domain: 'b.example.org', token: 'token-b', keyAuthorization: 'token-b.thumb' },
  ]);
  const rows: readonly [string, string, number, string][] = [
    ['GET', '/.well-known/acme-challenge/token-a', 200, 'token-a.thumb'],
    ['GET', '/.well-known/acme-challenge/token-b', 200, 'token-b.thumb'],
    ['HEAD', '/.well-known/acme-challenge/token-a', 200, ''],
    ['POST', '/.well-known/acme-challenge/token-a', 404, ''],
    ['GET', '/.well-known/acme-challenge/token-c', 404, ''],
    ['GET', '/.well-known/acme-challenge/', 404, ''],
    ['GET', '/.well-known/acme-challenge/token-a/', 404, ''],
    ['GET', '/.well-known/acme-challenge/token-a?x', 404, ''],
    ['GET', '/.well-known/acme-challenge/..%2Ftoken-a', 404, ''],
    ['GET', '/', 404, ''],
  ];
  for (const [method, path, status, body] of rows) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    t.equal(response.status, status, `${method} ${path}`);
    t.equal(await response.text(), body);
  }
  await stop();
  t.ok(await isPortFree(port), 'closed');
});
