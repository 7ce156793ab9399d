import { randomBytes, X509Certificate } from 'node:crypto';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { GatewayError } from '../../src/errors.ts';
import { CertificateStore, type CertificateUse } from '../../src/tls/certificate-store.ts';
import type { IssuedCertificates } from '../../src/tls/certificate-origin.ts';
import type { CertificatePair } from '../../src/tls/tls-settings.ts';
import {
  CertificateAuthority,
  writeCertificate,
  type CertificateFiles,
  type TestCertificate,
} from '../support/certificate-authority.ts';
import { StoreObserver, tlsConfig } from '../support/tls-config.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const authority = await CertificateAuthority.create();
const first = await authority.issueServer({ names: ['first.example.org'] });
const second = await authority.issueServer({ names: ['second.example.org'] });

interface OpenStore {
  readonly store: CertificateStore;
  readonly observer: StoreObserver;
  /** Moves the clock of the store. */
  readonly advance: (milliseconds: number) => void;
}

/** Unless told otherwise, the store reads files only when it is told to. */
function open(
  t: Test,
  uses: readonly CertificateUse[],
  issued?: IssuedCertificates,
  quietMs = HOUR_MS,
): OpenStore {
  const observer = new StoreObserver();
  let now = Date.now();
  const { log, onChange } = observer;
  const store = new CertificateStore({ uses, log, onChange, issued, now: () => now, quietMs });
  t.teardown(() => store.close());
  return { store, observer, advance: (milliseconds) => void (now += milliseconds) };
}

function fileSource(files: CertificateFiles, passphrase?: string) {
  return { kind: 'files', ...files, passphrase } as const;
}

function inlineSource({ chainPem, keyPem }: TestCertificate) {
  return { kind: 'inline', certificatePem: chainPem, keyPem, passphrase: undefined } as const;
}

function served(store: CertificateStore, use = 'turn'): readonly CertificatePair[] {
  return store.settings.get(use)!.certificates;
}

t.test('settings of every use', async (t) => {
  const folder = t.testdir();
  const files = await writeCertificate(first, folder);
  const caFile = await authority.writeTo(folder);
  const crlFile = await authority.writeRevocationListTo(folder);
  const identity = { subject: '*', userId: undefined, routes: ['media'] };
  const { store, observer } = open(t, [
    {
      name: 'turn',
      config: tlsConfig(fileSource(files), {
        sni: [
          { names: ['other.example.org', '*.example.net'], source: inlineSource(second) },
          { names: [], source: inlineSource(second) },
        ],
        clientAuth: 'require',
        clientCaFiles: [caFile],
        clientCrlFiles: [crlFile],
        clientIdentities: [identity],
      }),
    },
    {
      name: 'ice',
      config: tlsConfig(fileSource(files), { minVersion: 'TLSv1.3', ciphers: 'HIGH' }),
    },
  ]);
  const settings = await store.load();
  t.equal(settings, store.settings);
  t.same([...settings.keys()], ['turn', 'ice']);
  const turn = settings.get('turn')!;
  const ice = settings.get('ice')!;
  t.same(
    turn.certificates.map(({ names }) => names),
    [['first.example.org'], ['other.example.org', '*.example.net'], ['second.example.org']],
  );
  t.equal(turn.certificates[0], ice.certificates[0], 'one pair for one source');
  t.match(turn, { minVersion: 'TLSv1.2', clientAuth: 'require', clientIdentities: [identity] });
  t.equal(turn.clientCaPem, authority.certificatePem);
  t.match(turn.clientCrlPem, /^-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----\n$/);
  t.match(ice, { minVersion: 'TLSv1.3', ciphers: 'HIGH', clientAuth: 'none' });
  t.match(ice, { clientCaPem: '', clientCrlPem: '', challenges: [] });
  t.match(ice.curves, /(?:^|:)X25519:P-256:P-384$/);
  for (const { ticketKeys } of [turn, ice]) t.equal(ticketKeys.length, 80);
  t.notSame(turn.ticketKeys, ice.ticketKeys, 'ticket keys of their own');
  t.doesNotThrow(() => structuredClone(turn), 'plain data');
  t.same(observer.records, [], 'nothing to say');
  t.same(observer.passedOn, [], 'nothing to pass on');
  const { certificates, clientTrusts } = store.status();
  const { fingerprint256, validTo } = new X509Certificate(first.certificatePem);
  t.same(certificates[0], {
    kind: 'files',
    names: ['first.example.org'],
    subject: 'CN=first.example.org',
    fingerprint256,
    notAfter: Date.parse(validTo) / 1000,
    files: [files.certFile, files.keyFile],
    uses: ['turn', 'ice'],
    failures: 0,
    lastError: undefined,
  });
  t.match(certificates[1], { kind: 'inline', uses: ['turn'], files: [] });
  t.equal(certificates.length, 2);
  t.same(clientTrusts, [
    { files: [caFile, crlFile], uses: ['turn'], failures: 0, lastError: undefined },
  ]);
});

t.test('what stops the start', async (t) => {
  const folder = t.testdir();
  const missing = { certFile: join(folder, 'a.crt'), keyFile: join(folder, 'a.key') };
  const source = inlineSource(first);
  const caFile = await authority.writeTo(folder);
  const trust = { clientAuth: 'require', clientCaFiles: [caFile] } as const;
  const damagedList = join(folder, 'damaged.crl');
  await writeFile(damagedList, '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n');
  const cases: readonly [string, CertificateUse['config'], string, RegExp][] = [
    [
      'no file',
      tlsConfig(fileSource(missing)),
      'GW_ERR_CERTIFICATE',
      /a\.(?:crt|key): no such file/,
    ],
    [
      'no folder',
      tlsConfig(fileSource({ ...missing, certFile: join(folder, 'none', 'a.crt') })),
      'GW_ERR_CERTIFICATE',
      /none\/a\.crt: no such file/,
    ],
    [
      'of a server name',
      tlsConfig(source, { sni: [{ names: [], source: fileSource(missing) }] }),
      'GW_ERR_CERTIFICATE',
      /a\.crt: no such file/,
    ],
    ['cipher', tlsConfig(source, { ciphers: 'NONSENSE' }), 'GW_ERR_TLS_POLICY', /"NONSENSE"/],
    [
      'authority',
      tlsConfig(source, { ...trust, clientCaFiles: [caFile, join(folder, 'b.crt')] }),
      'GW_ERR_CERTIFICATE',
      /b\.crt: no such file/,
    ],
    [
      'revocation list',
      tlsConfig(source, { ...trust, clientCrlFiles: [caFile] }),
      'GW_ERR_CERTIFICATE',
      /ca\.crt: holds no revocation list/,
    ],
    [
      'damaged revocation list',
      tlsConfig(source, { ...trust, clientCrlFiles: [damagedList] }),
      'GW_ERR_CERTIFICATE',
      /damaged\.crl: revocation list 1 of the file is damaged/,
    ],
  ];
  for (const [what, config, code, message] of cases) {
    const { store, observer } = open(t, [
      { name: 'fine', config: tlsConfig(source) },
      { name: 'default/turn', config },
    ]);
    const error = await store.load().then(
      () => t.fail(`${what}: has started`),
      (reason: unknown) => reason,
    );
    t.type(error, GatewayError, what);
    t.match(error, { code, message }, what);
    t.match((error as Error).message, /^TLS of "default\/turn": /, `${what}: names the endpoint`);
    t.equal(store.settings.size, 0);
    await store.reload();
    t.same(observer.passedOn, [], `${what}: nothing goes on`);
  }
});

t.test('a bad pair keeps the old one', async (t) => {
  const folder = t.testdir();
  const files = await writeCertificate(first, folder);
  const { store, observer } = open(t, [
    { name: 'turn', config: tlsConfig(fileSource(files)) },
    { name: 'quiet', config: tlsConfig(inlineSource(second)) },
  ]);
  await store.load();
  const [before] = served(store);
  const [quiet] = served(store, 'quiet');
  const status = () => store.status().certificates[0]!;

  await writeFile(files.certFile, second.chainPem);
  for (let look = 0; look < 3; look++) await store.reload();
  t.equal(served(store)[0], before, 'the old one stays');
  t.match(status(), { failures: 1, lastError: /does not belong/, names: ['first.example.org'] });
  t.same(observer.messages('warn'), [
    'new certificate files cannot be used, what was in use stays in use',
  ]);
  const [record] = observer.records;
  t.match(record, { scope: 'tls', fields: { uses: ['turn'], reason: /does not belong/ } });

  await rm(files.keyFile);
  for (let look = 0; look < 3; look++) await store.reload();
  t.match(status(), { failures: 2, lastError: /tls\.key: no such file/ });
  t.equal(observer.messages('warn').length, 1, 'a second way to be bad is no news');
  t.equal(observer.passedOn.length, 0);

  await writeCertificate(first, folder);
  await store.reload();
  t.match(status(), { failures: 2, lastError: undefined });
  t.match(observer.messages('info'), ['certificate files hold again what is in use']);
  t.equal(observer.passedOn.length, 0, 'the same again is nothing to pass on');

  await writeCertificate(second, folder);
  await store.reload();
  t.match(observer.messages('info').slice(1), ['new certificates are in use']);
  t.same(served(store)[0]?.names, ['second.example.org']);
  t.equal(observer.passedOn.length, 1);
  t.equal(observer.passedOn[0]?.get('quiet')?.certificates[0], quiet, 'the other is the same');
  t.same(
    observer.passedOn[0]?.get('turn')?.ticketKeys,
    store.settings.get('turn')?.ticketKeys,
    'sessions stay resumable',
  );

  await writeFile(files.keyFile, '');
  await store.reload();
  t.equal(observer.messages('warn').length, 2, 'bad again is said again');
  t.equal(status().failures, 3);
});

t.test('a chain that is cut off keeps the old one', async (t) => {
  const folder = t.testdir();
  const files = await writeCertificate(first, folder);
  const { store } = open(t, [{ name: 'turn', config: tlsConfig(fileSource(files)) }]);
  await store.load();
  const [before] = served(store);
  const half = authority.certificatePem.slice(0, 200);
  await writeFile(files.certFile, `${first.chainPem}${half}`);
  await store.reload();
  t.equal(served(store)[0], before, 'the old one stays');
  t.match(store.status().certificates[0], { failures: 1, lastError: /is cut off/ });
});

t.test('random damage never gets through', async (t) => {
  const folder = t.testdir();
  const files = await writeCertificate(first, folder);
  const { store, observer } = open(t, [{ name: 'turn', config: tlsConfig(fileSource(files)) }]);
  await store.load();
  const [before] = served(store);
  for (let round = 0; round < 100; round++) {
    const path = round % 2 === 0 ? files.certFile : files.keyFile;
    await writeFile(path, randomBytes(1 + round * 7));
    await store.reload();
  }
  t.equal(served(store)[0], before);
  t.equal(store.status().certificates[0]?.failures, 100);
  t.equal(observer.messages('warn').length, 1);
  t.equal(observer.passedOn.length, 0);
});

t.test('authorities and revocation lists are followed', async (t) => {
  const folder = t.testdir();
  const caFile = await authority.writeTo(folder);
  const crlFile = await authority.writeRevocationListTo(folder);
  const trust = {
    clientAuth: 'request',
    clientCaFiles: [caFile],
    clientCrlFiles: [crlFile],
  } as const;
  const use = { name: 'turn', config: tlsConfig(inlineSource(first), trust) };
  const { store, observer } = open(t, [use], undefined, 1);
  await store.load();
  const settings = () => store.settings.get('turn')!;
  const list = settings().clientCrlPem;
  await authority.writeRevocationListTo(folder, [second.serialNumber]);
  await observer.until(() => settings().clientCrlPem !== list);
  t.equal(settings(), observer.passedOn.at(-1)?.get('turn'), 'noticed without being told');

  await writeFile(caFile, 'nonsense');
  const reason = () => store.status().clientTrusts[0]!.lastError ?? '';
  await observer.until(() => reason().includes('ca.crt: holds neither PEM'));
  t.equal(settings().clientCaPem, authority.certificatePem, 'the old authorities stay');

  const other = await CertificateAuthority.create({ name: 'Other Root' });
  await writeFile(caFile, authority.certificatePem + other.certificatePem);
  await observer.until(() => settings().clientCaPem.includes(other.certificatePem));
  t.equal(reason(), '');
  t.match(observer.records.at(-1), {
    level: 'warn',
    message: /an authority has no revocation list/,
    fields: { authority: 'CN=Other Root' },
  });
});

t.test('a revocation list that is out of date', async (t) => {
  const folder = t.testdir();
  const config = tlsConfig(inlineSource(first), {
    clientAuth: 'require',
    clientCaFiles: [await authority.writeTo(folder)],
    clientCrlFiles: [await authority.writeRevocationListTo(folder)],
  });
  const { store, observer, advance } = open(t, [{ name: 'turn', config }]);
  await store.load();
  t.same(observer.messages('warn'), []);
  advance(8 * DAY_MS);
  for (let look = 0; look < 2; look++) await store.reload();
  t.match(observer.messages('warn'), [/a revocation list is out of date/]);
});

t.test('warnings of certificates that expire', async (t) => {
  const soon = await authority.issueServer({ names: ['soon.example.org'], days: 15 });
  const { store, observer, advance } = open(t, [
    { name: 'turn', config: tlsConfig(inlineSource(soon)) },
    { name: 'tcp', config: tlsConfig(inlineSource(soon)) },
  ]);
  await store.load();
  const expected: string[] = [];
  t.same(observer.messages('warn'), expected, '15 days left');
  advance(2 * DAY_MS);
  for (let look = 0; look < 3; look++) await store.reload();
  expected.push('a certificate expires in less than 14 days');
  t.same(observer.messages('warn'), expected, '13 days left');
  const fields = { names: ['soon.example.org'], uses: ['turn', 'tcp'], expires: /^\d{4}-.*Z$/ };
  t.match(observer.records[0]?.fields, fields);
  advance(14 * DAY_MS);
  for (let look = 0; look < 3; look++) await store.reload();
  expected.push('a certificate has expired');
  t.same(observer.messages('warn'), expected, 'none left');

  const validities = {
    expired: 'a certificate has expired',
    'not-yet-valid': 'a certificate is not valid yet',
  } as const;
  for (const [validity, message] of Object.entries(validities)) {
    const bad = await authority.issueServer({ validity: validity as 'expired' });
    const started = open(t, [{ name: 'turn', config: tlsConfig(inlineSource(bad)) }]);
    await started.store.load();
    t.same(started.observer.messages('warn'), [message], `${validity} at start, which goes on`);
  }
});

t.test('key files that everybody can read', async (t) => {
  const folder = t.testdir();
  const files = await writeCertificate(first, folder);
  await chmod(files.keyFile, 0o644);
  const { store, observer } = open(t, [{ name: 'turn', config: tlsConfig(fileSource(files)) }]);
  await store.load();
  await store.reload();
  t.match(observer.records, [
    { level: 'warn', message: /the file of a private key/, fields: { keyFile: files.keyFile } },
  ]);
  t.equal(observer.records.length, 1);
});

t.test('a certificate made at start', async (t) => {
  const source = { kind: 'generated' } as const;
  const { store, observer, advance } = open(t, [
    { name: 'turn', config: tlsConfig(source), hosts: ['turn.example.org', '192.0.2.1'] },
    { name: 'tcp', config: tlsConfig(source), hosts: ['turn.example.org'] },
  ]);
  await store.load();
  t.match(observer.records, [
    { level: 'warn', message: /NO CLIENT TRUSTS IT/, fields: { uses: ['turn', 'tcp'] } },
  ]);
  t.equal(served(store, 'turn')[0], served(store, 'tcp')[0], 'one for all');
  t.same(served(store)[0]?.names, ['localhost', 'turn.example.org']);
  t.ok(new X509Certificate(served(store)[0]!.certificatePem).checkIP('192.0.2.1'));
  await store.reload();
  t.equal(observer.passedOn.length, 0, 'not made again for every look');
  const { fingerprint256 } = store.status().certificates[0]!;
  advance(16 * DAY_MS);
  await store.reload();
  const { kind, fingerprint256: next } = store.status().certificates[0]!;
  t.equal(kind, 'generated');
  t.not(next, fingerprint256, 'made again before it expires');
  t.equal(observer.messages('warn').length, 1, 'said once');
});

t.test('certificates of a directory', async (t) => {
  const issued: { certificate: CertificatePair | undefined; challenges: CertificatePair[] } = {
    certificate: undefined,
    challenges: [],
  };
  const { store, observer } = open(
    t,
    [
      { name: 'turn', config: tlsConfig({ kind: 'acme' }), hosts: ['turn.example.org'] },
      { name: 'ice', config: tlsConfig(inlineSource(second)) },
    ],
    issued,
  );
  await store.load();
  t.same(served(store)[0]?.names, ['localhost', 'turn.example.org'], 'a stand-in');
  const pairOf = ({ chainPem, keyPem }: TestCertificate, names: string[]): CertificatePair => ({
    certificatePem: chainPem,
    keyPem,
    names,
  });
  const challenge = pairOf(second, ['turn.example.org']);
  issued.challenges = [challenge];
  await store.reload();
  for (const name of ['turn', 'ice']) {
    t.same(observer.passedOn[0]?.get(name)?.challenges, [challenge], `challenge at ${name}`);
  }
  issued.challenges = [];
  issued.certificate = pairOf(first, []);
  await store.reload();
  t.same(observer.passedOn[1]?.get('turn')?.challenges, []);
  t.same(served(store)[0]?.names, ['first.example.org'], 'the real one');
  t.match(store.status().certificates[0], { kind: 'acme', failures: 0 });
  issued.certificate = { ...pairOf(first, []), keyPem: second.keyPem };
  await store.reload();
  t.same(served(store)[0]?.names, ['first.example.org'], 'a bad one is not taken');
  t.match(store.status().certificates[0], { failures: 1, lastError: /does not belong/ });
});

t.test('ticket keys are renewed', async (t) => {
  const { store, observer, advance } = open(t, [
    { name: 'turn', config: tlsConfig(inlineSource(first)) },
    { name: 'ice', config: tlsConfig(inlineSource(first)) },
  ]);
  const before = await store.load();
  advance(12 * HOUR_MS - 1000);
  await store.reload();
  t.equal(observer.passedOn.length, 0, 'not yet');
  advance(1000);
  await store.reload();
  t.equal(observer.passedOn.length, 1);
  for (const name of ['turn', 'ice']) {
    t.notSame(store.settings.get(name)?.ticketKeys, before.get(name)?.ticketKeys, name);
    t.equal(store.settings.get(name)?.certificates[0], before.get(name)?.certificates[0]);
  }
  await store.reload();
  t.equal(observer.passedOn.length, 1, 'once');
});

t.test('a listener that throws, and the end', async (t) => {
  const folder = t.testdir();
  const files = await writeCertificate(first, folder);
  const observer = new StoreObserver();
  const store = new CertificateStore({
    uses: [{ name: 'turn', config: tlsConfig(fileSource(files)) }],
    log: observer.log,
    onChange: (settings) => {
      observer.onChange(settings);
      throw new Error('out of order');
    },
    quietMs: HOUR_MS,
  });
  await store.load();
  await writeCertificate(second, folder);
  await store.reload();
  t.equal(observer.passedOn.length, 1);
  t.match(observer.records.at(-1), { level: 'error', fields: { reason: 'out of order' } });
  await writeCertificate(first, folder);
  await store.reload();
  t.equal(observer.passedOn.length, 2, 'goes on');
  await store.close();
  await writeCertificate(second, folder);
  await store.reload();
  t.equal(observer.passedOn.length, 2, 'nothing after the end');
  await store.close();
});
