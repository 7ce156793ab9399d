import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { loadAcmeLibrary } from '../../src/acme/acme-library.ts';
import { AcmeService } from '../../src/acme/acme-service.ts';
import { AcmeStorage } from '../../src/acme/acme-storage.ts';
import { formatIssuedCertificate, isFor } from '../../src/acme/issued-certificate.ts';
import { serveTlsAnswers } from '../../src/acme/tls-challenge.ts';
import type { CertificatePair } from '../../src/tls/tls-settings.ts';
import type { AcmeConfig } from '../../src/config/gateway-config.ts';
import { Log } from '../../src/log.ts';
import { CertificateAuthority, type TestCertificate } from '../support/certificate-authority.ts';

const DIRECTORY = 'https://acme.example.org/directory';
const FOLDER = 'acme.example.org-directory';

async function newFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-acme-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

function configFor(storage: string): AcmeConfig {
  return {
    directory: DIRECTORY,
    domains: ['Turn.example.org', 'gateway.example.org'],
    email: undefined,
    challenge: 'http-01',
    httpEndpoint: { host: '127.0.0.1', port: 80, path: '/' },
    storage,
    caFile: undefined,
    renewBeforeSeconds: 1,
  };
}

function logInto(lines: string[]): Log {
  const destination = { write: (line: string) => void lines.push(line) };
  return new Log({ format: 'json', levels: { all: 'TRACE' } }, destination);
}

t.test('the folder of a directory', async (t) => {
  const storage = join(await newFolder(t), 'a', 'b');
  const first = await AcmeStorage.open(storage, DIRECTORY);
  const key = await first.accountKey();
  t.match(key, /^-----BEGIN PRIVATE KEY-----/);
  t.equal(await first.accountKey(), key, 'one key for good');
  t.equal(await first.readCertificate(), undefined);
  for (const pem of ['old', 'new']) {
    await first.writeCertificate(pem);
    t.equal(await first.readCertificate(), pem);
  }
  t.same(await readdir(join(storage, FOLDER)), ['account.key', 'certificate.pem'], 'no leftovers');
  for (const [path, mode] of [
    [storage, 0o700],
    [join(storage, FOLDER), 0o700],
    [join(storage, FOLDER, 'account.key'), 0o600],
    [join(storage, FOLDER, 'certificate.pem'), 0o600],
  ] as const) {
    t.equal((await stat(path)).mode & 0o777, mode, path);
  }

  const again = await AcmeStorage.open(storage, DIRECTORY);
  t.equal(await again.accountKey(), key);
  t.equal(await again.readCertificate(), 'new');
  const other = await AcmeStorage.open(storage, 'https://acme.example.org:14000/staging?x=../../y');
  t.not(await other.accountKey(), key, 'another directory has its own');
  t.equal(await other.readCertificate(), undefined);
  t.same(
    (await readdir(storage)).toSorted(),
    ['acme.example.org-14000-staging-x-..-..-y', FOLDER].toSorted(),
  );
});

t.test('a folder that cannot be used', async (t) => {
  const folder = await newFolder(t);
  const file = join(folder, 'file');
  await writeFile(file, 'in the way');
  const code = 'GW_ERR_ACME';
  await t.rejects(AcmeStorage.open(file, DIRECTORY), { code, message: `acme.storage ${file} ` });

  const storage = await AcmeStorage.open(folder, DIRECTORY);
  await writeFile(join(folder, FOLDER, 'account.key'), 'nonsense');
  await t.rejects(storage.accountKey(), { code, message: /account\.key is no private key/ });
  t.equal(await readFile(join(folder, FOLDER, 'account.key'), 'utf8'), 'nonsense', 'it is kept');
  await rm(join(folder, FOLDER), { recursive: true });
  await t.rejects(storage.writeCertificate('pem'), { code, message: /cannot be written/ });
});

t.test('a missing package is named with its remedy', async (t) => {
  const load = () => Promise.reject(new Error("Cannot find package 'acme-client'"));
  await t.rejects(loadAcmeLibrary(load), {
    code: 'GW_ERR_ACME',
    message: 'the acme section needs the package acme-client: npm install acme-client@5',
  });
  const folder = await newFolder(t);
  await t.rejects(AcmeService.open(configFor(folder), { log: logInto([]), load }), {
    code: 'GW_ERR_ACME',
  });
  t.same(await readdir(folder), [], 'before anything is written');
  t.type((await loadAcmeLibrary()).Client, 'function', 'it is installed here');
});

t.test('a certificate authority file that cannot be read', async (t) => {
  const folder = await newFolder(t);
  const config = { ...configFor(folder), caFile: join(folder, 'missing.pem') };
  await t.rejects(AcmeService.open(config, { log: logInto([]) }), {
    code: 'GW_ERR_ACME',
    message: /^acme\.ca_file cannot be read: ENOENT/,
  });
});

t.test('what is kept is served when it can be', async (t) => {
  const authority = await CertificateAuthority.create();
  const names = ['gateway.example.org', 'turn.example.org'];
  const good = await authority.issueServer({ names });
  const stranger = await authority.issueServer({ names });
  const pemOf = ({ chainPem, keyPem }: Pick<TestCertificate, 'chainPem' | 'keyPem'>): string =>
    formatIssuedCertificate({ certificatePem: chainPem, keyPem });
  const rows = [
    { name: 'good', pem: pemOf(good), served: names },
    {
      name: 'for other domains',
      pem: pemOf(await authority.issueServer({ names: ['turn.example.org'] })),
      served: ['turn.example.org'],
    },
    {
      name: 'expired',
      pem: pemOf(await authority.issueServer({ names, validity: 'expired' })),
      served: undefined,
    },
    {
      name: 'another key',
      pem: pemOf({ ...good, keyPem: stranger.keyPem }),
      served: undefined,
      isDamaged: true,
    },
    { name: 'no key', pem: good.chainPem, served: undefined, isDamaged: true },
    { name: 'no certificate', pem: good.keyPem, served: undefined, isDamaged: true },
    { name: 'nonsense', pem: 'nonsense', served: undefined, isDamaged: true },
    { name: 'empty', pem: '', served: undefined, isDamaged: true },
  ];
  for (const { name, pem, served, isDamaged = false } of rows) {
    const folder = await newFolder(t);
    await (await AcmeStorage.open(folder, DIRECTORY)).writeCertificate(pem);
    const lines: string[] = [];
    const service = await AcmeService.open(configFor(folder), { log: logInto(lines) });
    t.same(service.certificate?.names, served, name);
    t.equal(lines.join('').includes('damaged'), isDamaged, `${name}: ${lines.join('')}`);
    t.notMatch(lines.join(''), 'PRIVATE KEY');
    t.same(service.challenges, []);
  }
});

t.test('which domains a certificate is for', (t) => {
  const pair = { certificatePem: '', keyPem: '', names: ['a.example', 'b.example'] };
  for (const [domains, expected] of [
    [['a.example', 'b.example'], true],
    [['b.example', 'a.example'], true],
    [['a.example', 'a.example', 'b.example'], true],
    [['a.example'], false],
    [['a.example', 'b.example', 'c.example'], false],
    [['a.example', 'c.example'], false],
  ] as const) {
    t.equal(isFor(pair, domains), expected, domains.join(' '));
  }
  t.end();
});

t.test('the certificate that answers a TLS-ALPN-01 challenge', async (t) => {
  const { crypto } = await loadAcmeLibrary();
  const keyAuthorization = 'token.thumbprint';
  const published: (readonly CertificatePair[])[] = [];
  const serve = serveTlsAnswers(async (challenges) => void published.push(challenges));
  const stop = await serve([{ domain: 'Turn.example.org', token: 'token', keyAuthorization }]);
  const pair = published[0]![0]!;
  await stop();
  t.same(published, [[pair], []], 'served until it is over');
  t.same(pair.names, ['turn.example.org']);
  const certificate = new X509Certificate(pair.certificatePem);
  t.equal(certificate.subjectAltName, 'DNS:Turn.example.org');
  t.ok(certificate.checkPrivateKey(createPrivateKey(pair.keyPem)));
  t.ok(crypto.isAlpnCertificateAuthorizationValid(pair.certificatePem, keyAuthorization));
  t.notOk(crypto.isAlpnCertificateAuthorizationValid(pair.certificatePem, 'token.other'));
});
