import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import t, { type Test } from 'tap';
import { GatewayError } from '../../src/errors.ts';
import { readContent } from '../../src/tls/file-content.ts';
import {
  parseCertificate,
  readCertificate,
  type LoadedCertificate,
  type StaticSource,
} from '../../src/tls/load-certificate.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import {
  CertificateAuthority,
  writeCertificate,
  type KeyKind,
} from '../support/certificate-authority.ts';
import { missingTool, runCommand } from '../support/child-process.ts';

const root = await CertificateAuthority.create();
const intermediate = await root.createIntermediate();
const server = await intermediate.issueServer({
  names: ['Turn.Example.org', '*.example.org', '192.0.2.1'],
});
const NAMES = ['turn.example.org', '*.example.org'];
const PASSPHRASE = 'correct horse';
const KEY_KINDS: readonly KeyKind[] = ['ecdsa-p256', 'rsa-2048'];

const encryptedKeyPem = String(
  createPrivateKey(server.keyPem).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: PASSPHRASE,
  }),
);

function inline(certificatePem: string, keyPem: string, passphrase?: string): StaticSource {
  return { kind: 'inline', certificatePem, keyPem, passphrase };
}

async function load(source: StaticSource): Promise<LoadedCertificate> {
  return parseCertificate(source, await readCertificate(source));
}

async function refusal(t: Test, source: StaticSource): Promise<string> {
  try {
    await load(source);
  } catch (error) {
    t.type(error, GatewayError);
    t.equal((error as GatewayError).code, 'GW_ERR_CERTIFICATE');
    return (error as GatewayError).message;
  }
  t.fail('has been accepted');
  return '';
}

t.test('certificates in every form', async (t) => {
  const { chainPem, certificatePem, keyPem } = server;
  const ecKeyPem = String(createPrivateKey(keyPem).export({ type: 'sec1', format: 'pem' }));
  const opensslKeyPem = String(
    createPrivateKey(keyPem).export({
      type: 'sec1',
      format: 'pem',
      cipher: 'aes-128-cbc',
      passphrase: PASSPHRASE,
    }),
  );
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const sources: Readonly<Record<string, StaticSource>> = {
    PEM: inline(chainPem, keyPem),
    'base64 of PEM': inline(base64(chainPem), base64(keyPem)),
    'base64 on several lines': inline(
      base64(chainPem).replaceAll(/.{64}/g, '$&\r\n'),
      ` ${base64(keyPem)}\n`,
    ),
    'PEM with Windows line ends': inline(
      chainPem.replaceAll('\n', '\r\n'),
      keyPem.replaceAll('\n', '\r\n'),
    ),
    'text around the blocks': inline(`subject: x\n${chainPem}\nend`, `# a key\n${keyPem}`),
    'certificate and key in one text': inline(keyPem + chainPem, keyPem + chainPem),
    'a SEC1 key': inline(chainPem, ecKeyPem),
    'a key behind its parameters': inline(
      chainPem,
      `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${ecKeyPem}`,
    ),
    'an encrypted key': inline(chainPem, encryptedKeyPem, PASSPHRASE),
    'an encrypted key as OpenSSL once wrote it': inline(chainPem, opensslKeyPem, PASSPHRASE),
    'a passphrase that is not needed': inline(chainPem, keyPem, PASSPHRASE),
  };
  for (const [what, source] of Object.entries(sources)) {
    const { pair, leaf } = await load(source);
    t.equal(pair.certificatePem, chainPem, `${what}: chain`);
    t.equal(pair.keyPem, keyPem, `${what}: key`);
    t.same(pair.names, NAMES, `${what}: names`);
    t.equal(leaf.toString().trim(), certificatePem.trim(), `${what}: leaf`);
  }
});

t.test('names of a certificate', async (t) => {
  const namesOf = async (options: Parameters<typeof root.issueServer>[0]) => {
    const { chainPem, keyPem } = await root.issueServer(options);
    return (await load(inline(chainPem, keyPem))).pair.names;
  };
  t.same(await namesOf({ subject: 'CN=Old.example.org.', names: [] }), ['old.example.org'], 'CN');
  t.same(
    await namesOf({ subject: 'CN=old.example.org', names: ['a.org', 'A.org'] }),
    ['a.org'],
    'SAN',
  );
  t.same(await namesOf({ subject: 'CN=old', names: ['192.0.2.1'] }), ['old'], 'addresses only');
  t.same(await namesOf({ subject: 'O=Example', names: [] }), [], 'none');
  t.same(await namesOf({ names: ['a.org, DNS:b.org'] }), ['a.org, dns:b.org'], 'forged');
});

t.test('expired certificates pass', async (t) => {
  for (const validity of ['expired', 'not-yet-valid'] as const) {
    const { chainPem, keyPem } = await root.issueServer({ validity });
    t.ok((await load(inline(chainPem, keyPem))).pair, validity);
  }
});

t.test('what is wrong with a pair', async (t) => {
  const other = await root.issueServer();
  const rsa = await root.issueServer({ keyKind: 'rsa-2048' });
  const { chainPem, keyPem, certificatePem } = server;
  const damaged = certificatePem.replace(/\n.{10}/, '\nAAAAAAAAAA');
  const cases: readonly [string, StaticSource, RegExp][] = [
    ['nothing', inline('', keyPem), /the certificate in the configuration: is empty/],
    ['no key', inline(chainPem, ''), /the key in the configuration: is empty/],
    ['no PEM', inline('MIIB', keyPem), /holds neither PEM nor base64 of PEM/],
    ['key for a certificate', inline(keyPem, keyPem), /holds no certificate/],
    ['certificate for a key', inline(chainPem, chainPem), /holds no private key/],
    ['damaged', inline(damaged, keyPem), /certificate 1 of the file is damaged/],
    ['damaged chain', inline(certificatePem + damaged, keyPem), /certificate 2 of the file/],
    ['half written', inline(chainPem.slice(0, 300), keyPem), /certificate .* is cut off/],
    ['half a key', inline(chainPem, keyPem.slice(0, 100)), /key .* is cut off/],
    ['damaged key', inline(chainPem, keyPem.replace(/\n.{10}/, '\nAAAAAAAAAA')), /key is damaged/],
    ['other key', inline(chainPem, other.keyPem), /the key does not belong to the certificate in/],
    ['other kind of key', inline(chainPem, rsa.keyPem), /the key does not belong/],
    [
      'chain in the wrong order',
      inline(intermediate.certificatePem + certificatePem, keyPem),
      /the key does not belong/,
    ],
    ['no passphrase', inline(chainPem, encryptedKeyPem), /the key is encrypted/],
    ['empty passphrase', inline(chainPem, encryptedKeyPem, ''), /the key is encrypted/],
    [
      'wrong passphrase',
      inline(chainPem, encryptedKeyPem, 'wrong'),
      /the passphrase does not open the key/,
    ],
  ];
  for (const [what, source, reason] of cases) {
    const message = await refusal(t, source);
    t.match(message, reason, what);
    t.notMatch(message, /correct horse|BEGIN|[\w+/]{40}/, `${what}: no secrets`);
  }
});

t.test('files', async (t) => {
  const folder = t.testdir();
  const files = await writeCertificate(server, folder);
  const source: StaticSource = { kind: 'files', ...files, passphrase: undefined };
  t.same((await load(source)).pair.names, NAMES);
  t.notOk((await readContent(files.keyFile)).isReadableByOthers, 'mode 0600');
  await chmod(files.keyFile, 0o640);
  t.notOk((await readContent(files.keyFile)).isReadableByOthers, 'mode 0640');
  await chmod(files.keyFile, 0o604);
  t.ok((await readContent(files.keyFile)).isReadableByOthers, 'mode 0604');
  const missing = join(folder, 'missing.crt');
  t.equal(await refusal(t, { ...source, certFile: missing }), `${missing}: no such file`);
  t.match(await refusal(t, { ...source, keyFile: folder }), /: is a folder, not a file/);
  t.match(await refusal(t, { ...source, keyFile: join(files.keyFile, 'x') }), /: no such file/);
});

const skip = missingTool('openssl');

t.test('PKCS #12 files of OpenSSL', { skip }, async (t) => {
  const folder = t.testdir();
  const caFile = join(folder, 'chain.crt');
  await writeFile(caFile, intermediate.certificatePem + root.certificatePem);
  for (const keyKind of KEY_KINDS) {
    const certificate = await intermediate.issueServer({ keyKind, names: ['p12.example.org'] });
    const { certFile, keyFile } = await writeCertificate(certificate, folder, keyKind);
    const variants: Readonly<Record<string, readonly string[]>> = {
      AES: [],
      legacy: ['-legacy'],
      'unencrypted certificates': ['-certpbe', 'NONE'],
      'nothing encrypted': ['-certpbe', 'NONE', '-keypbe', 'NONE'],
      'a name': ['-name', 'a friendly name'],
      'no check code': ['-nomac'],
    };
    for (const [what, flags] of Object.entries(variants)) {
      for (const passphrase of [PASSPHRASE, '']) {
        const file = join(folder, 'file.p12');
        const output = ['-out', file, '-passout', `pass:${passphrase}`];
        const input = ['-in', certFile, '-inkey', keyFile, '-certfile', caFile];
        const result = await runCommand(
          'openssl',
          ['pkcs12', '-export', ...input, ...output, ...flags],
          20_000,
        );
        t.equal(result.exitCode, 0, result.output);
        const label = `${keyKind}, ${what}, ${passphrase === '' ? 'no' : 'a'} passphrase`;
        const { pair } = await load({
          kind: 'pkcs12',
          file,
          passphrase: passphrase || undefined,
        });
        t.same(pair.names, ['p12.example.org'], `${label}: names`);
        t.equal(pair.keyPem, certificate.keyPem, `${label}: key`);
        const chain = certificate.chainPem + root.certificatePem;
        t.equal(pair.certificatePem, chain, `${label}: chain in its order`);
      }
    }
  }
});

t.test('PKCS #12 files that cannot be used', { skip }, async (t) => {
  const folder = t.testdir();
  const { certFile, keyFile } = await writeCertificate(server, folder);
  const file = join(folder, 'file.p12');
  const write = (...flags: string[]) =>
    runCommand('openssl', ['pkcs12', '-export', '-in', certFile, '-out', file, ...flags], 20_000);
  const source: StaticSource = { kind: 'pkcs12', file, passphrase: PASSPHRASE };
  await write('-inkey', keyFile, '-passout', `pass:${PASSPHRASE}`);
  t.ok((await load(source)).pair);
  for (const passphrase of ['wrong', '', undefined]) {
    t.match(await refusal(t, { ...source, passphrase }), /the passphrase does not open it/);
  }
  const content = await readFile(file);
  for (const length of [1, 10, 100, content.length - 1]) {
    await writeFile(file, content.subarray(0, length));
    t.match(await refusal(t, source), /file\.p12: /, `${length} bytes`);
  }
  await writeFile(file, '');
  t.match(await refusal(t, source), /is empty/);
  await writeFile(file, server.chainPem);
  t.match(await refusal(t, source), /is no PKCS #12 file/);
  await write('-nokeys', '-passout', `pass:${PASSPHRASE}`);
  t.match(await refusal(t, source), /holds no private key/);
  await write('-inkey', keyFile, '-nocerts', '-passout', `pass:${PASSPHRASE}`);
  t.match(await refusal(t, source), /holds no certificate/);
});

t.test('a certificate made here', async (t) => {
  const now = Date.now();
  const made = await createSelfSigned(['turn.example.org', '192.0.2.1', '::1', 'localhost'], now);
  const { leaf, pair } = await load(inline(made.certificatePem, made.keyPem));
  t.equal(leaf.subject, 'CN=turnpike-development');
  t.equal(leaf.issuer, leaf.subject);
  t.same(pair.names, ['localhost', 'turn.example.org']);
  for (const ip of ['127.0.0.1', '::1', '192.0.2.1']) t.ok(leaf.checkIP(ip), ip);
  t.equal(leaf.ca, false);
  t.same(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1'], 'for servers only');
  t.ok(leaf.verify(leaf.publicKey));
  t.match(leaf.publicKey.asymmetricKeyDetails, { namedCurve: 'prime256v1' });
  t.ok(Date.parse(leaf.validFrom) <= now - 3_600_000, 'clocks that are slow');
  t.equal(Math.round((Date.parse(leaf.validTo) - now) / 86_400_000), 30, 'days');
  t.doesNotThrow(() => createSecureContext({ cert: made.certificatePem, key: made.keyPem }));
  const again = await createSelfSigned([], now);
  t.not(new X509Certificate(again.certificatePem).serialNumber, leaf.serialNumber);
});
