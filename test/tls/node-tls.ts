import { duplexPair } from 'node:stream';
import {
  connect,
  createServer,
  TLSSocket,
  type ConnectionOptions,
  type TlsOptions,
} from 'node:tls';
import t, { type Test } from 'tap';
import { CIPHERS_DEFAULT, CIPHER_SUITES_DEFAULT } from '../../src/config/default-values.ts';
import { clientCertificateProblem, nodeTlsOptions } from '../../src/tls/node-tls.ts';
import {
  ACME_TLS_PROTOCOL,
  type CertificatePair,
  type TlsSettings,
} from '../../src/tls/tls-settings.ts';
import { CertificateAuthority, type TestCertificate } from '../support/certificate-authority.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const TURN_ALPN = ['stun.turn', 'stun.nat-discovery'];

const authority = await CertificateAuthority.create();
const clients = await CertificateAuthority.create({ name: 'Client Root' });
const strangers = await CertificateAuthority.create({ name: 'Client Root' });

function pairOf({ chainPem, keyPem }: TestCertificate, names: readonly string[]): CertificatePair {
  return { certificatePem: chainPem, keyPem, names };
}

async function serverPair(...names: readonly string[]): Promise<CertificatePair> {
  return pairOf(await authority.issueServer({ names }), names);
}

const main = await serverPair('main.example.org');
const wildcard = await serverPair('*.example.org');
const challenge = await serverPair('challenge.example.org');

function settingsWith(overrides: Partial<TlsSettings> = {}): TlsSettings {
  return {
    certificates: [main, wildcard],
    minVersion: 'TLSv1.2',
    ciphers: CIPHERS_DEFAULT,
    cipherSuites: CIPHER_SUITES_DEFAULT,
    curves: 'X25519:P-256',
    clientAuth: 'none',
    clientCaPem: '',
    clientCrlPem: '',
    clientIdentities: [],
    ticketKeys: new Uint8Array(80).fill(7),
    challenges: [],
    ...overrides,
  };
}

/** How a handshake ended on both sides; `undefined` where it succeeded. */
interface Outcome {
  readonly serverError: string | undefined;
  readonly clientError: string | undefined;
  readonly server: TLSSocket | undefined;
  readonly client: TLSSocket;
  /** What the client was shown. */
  readonly names: string | undefined;
}

/** Shakes hands in memory, and sends a byte back so that the client has read what follows a TLS 1.3 handshake. */
async function shakeHands(
  t: Test,
  serverOptions: TlsOptions,
  clientOptions: ConnectionOptions,
): Promise<Outcome> {
  const [near, far] = duplexPair();
  const tlsServer = createServer(serverOptions);
  const serverEnd = new Promise<TLSSocket | Error>((resolve) => {
    tlsServer.once('secureConnection', resolve);
    tlsServer.once('tlsClientError', resolve);
    far.once('close', () => resolve(new Error('closed')));
  });
  far.once('close', () => near.destroy());
  tlsServer.emit('connection', far);
  const client = connect({ socket: near, ca: authority.certificatePem, ...clientOptions });
  const clientEnd = new Promise<Error | undefined>((resolve) => {
    client.once('data', () => resolve(undefined));
    client.once('error', resolve);
    client.once('close', () => resolve(new Error('closed')));
  });
  client.on('error', () => undefined);
  const server = await serverEnd;
  if (server instanceof TLSSocket) {
    server.on('error', () => undefined);
    server.write('x');
  } else far.destroy();
  const clientError = await clientEnd;
  t.teardown(() => client.destroy());
  return {
    server: server instanceof TLSSocket ? server : undefined,
    serverError: server instanceof TLSSocket ? undefined : codeOf(server),
    clientError: clientError && codeOf(clientError),
    client,
    names: client.getPeerX509Certificate()?.subjectAltName,
  };
}

function codeOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message;
}

t.test('versions and ciphers', async (t) => {
  const CBC = 'ECDHE-ECDSA-AES128-SHA';
  const cases: readonly [string, Partial<TlsSettings>, ConnectionOptions, boolean][] = [
    ['TLS 1.3', {}, { minVersion: 'TLSv1.3' }, true],
    ['TLS 1.2', {}, { maxVersion: 'TLSv1.2' }, true],
    [
      'TLS 1.1',
      {},
      { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
      false,
    ],
    ['TLS 1.2 where 1.3 is the least', { minVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' }, false],
    ['CBC', {}, { maxVersion: 'TLSv1.2', ciphers: CBC }, false],
    ['CBC by name', { ciphers: CBC }, { maxVersion: 'TLSv1.2', ciphers: CBC }, true],
    ['a group', {}, { ecdhCurve: 'P-256' }, true],
    ['another group', {}, { ecdhCurve: 'P-521' }, false],
  ];
  for (const [what, overrides, clientOptions, isAccepted] of cases) {
    const options = nodeTlsOptions(settingsWith(overrides));
    const { server } = await shakeHands(t, options, {
      servername: 'main.example.org',
      ...clientOptions,
    });
    t.equal(server !== undefined, isAccepted, `${what}: ${isAccepted}`);
  }
});

t.test('certificates by server name, old and new', async (t) => {
  let settings = settingsWith();
  const options = nodeTlsOptions(() => settings);
  const shown = async (servername: string | undefined) => {
    const clientOptions = { rejectUnauthorized: false, ...(servername && { servername }) };
    return (await shakeHands(t, options, clientOptions)).names;
  };
  t.equal(await shown('main.example.org'), 'DNS:main.example.org');
  t.equal(await shown('OTHER.example.org'), 'DNS:*.example.org');
  t.equal(await shown('unknown.example.net'), 'DNS:main.example.org');
  t.equal(await shown(undefined), 'DNS:main.example.org');
  settings = settingsWith({ certificates: [challenge] });
  t.equal(await shown('main.example.org'), 'DNS:challenge.example.org', 'after a change');
  const contextFor = (name: string) =>
    new Promise((resolve) => options.SNICallback?.(name, (_error, context) => resolve(context)));
  t.equal(
    await contextFor('a.example.org'),
    await contextFor('b.example.org'),
    'contexts are made once',
  );
});

t.test('ALPN', async (t) => {
  const settings = settingsWith({ challenges: [challenge] });
  const cases: readonly [string, readonly string[], boolean, string | false | undefined][] = [
    ['the first', ['stun.turn'], false, 'stun.turn'],
    ['the second', ['x', 'stun.nat-discovery'], false, 'stun.nat-discovery'],
    ['ours is preferred', ['stun.nat-discovery', 'stun.turn'], false, 'stun.turn'],
    ['none offered', [], false, false],
    ['others are refused', ['h2', 'x'], false, undefined],
    ['others are accepted', ['h2', 'x'], true, 'h2'],
  ];
  for (const maxVersion of VERSIONS) {
    for (const [what, offered, acceptsOtherAlpn, chosen] of cases) {
      const options = nodeTlsOptions(settings, { alpn: TURN_ALPN, acceptsOtherAlpn });
      const { client, server } = await shakeHands(t, options, {
        maxVersion,
        servername: 'main.example.org',
        ...(offered.length > 0 && { ALPNProtocols: [...offered] }),
      });
      t.equal(server !== undefined, chosen !== undefined, `${maxVersion}, ${what}`);
      if (server !== undefined) t.equal(client.alpnProtocol, chosen, `${maxVersion}, ${what}`);
    }
    const plain = await shakeHands(t, nodeTlsOptions(settings), {
      maxVersion,
      servername: 'main.example.org',
      ALPNProtocols: ['h2'],
    });
    t.equal(plain.client.alpnProtocol, false, `${maxVersion}: without ALPN of ours`);
  }
});

t.test('challenges (RFC 8737)', async (t) => {
  for (const maxVersion of VERSIONS) {
    for (const acceptsOtherAlpn of [false, true]) {
      const options = nodeTlsOptions(settingsWith({ challenges: [challenge] }), {
        alpn: TURN_ALPN,
        acceptsOtherAlpn,
      });
      const ask = (servername: string, ...ALPNProtocols: string[]) =>
        shakeHands(t, options, {
          maxVersion,
          servername,
          ALPNProtocols,
          rejectUnauthorized: false,
        });
      const answered = await ask('Challenge.example.org', ACME_TLS_PROTOCOL);
      t.equal(answered.client.alpnProtocol, ACME_TLS_PROTOCOL);
      t.equal(answered.names, 'DNS:challenge.example.org');
      const other = await ask('main.example.org', ACME_TLS_PROTOCOL);
      t.equal(other.server, undefined, 'another name is refused');
      const plain = await ask('challenge.example.org', 'stun.turn');
      t.equal(plain.names, 'DNS:*.example.org', 'clients never see the answer to a challenge');
    }
  }
});

t.test('client certificates', async (t) => {
  const revoked = await clients.issueClient();
  const list = await clients.revocationList([revoked.serialNumber]);
  const shown: readonly [string, TestCertificate, string | undefined][] = [
    ['good', await clients.issueClient(), undefined],
    ['expired', await clients.issueClient({ validity: 'expired' }), 'CERT_HAS_EXPIRED'],
    [
      'not yet valid',
      await clients.issueClient({ validity: 'not-yet-valid' }),
      'CERT_NOT_YET_VALID',
    ],
    [
      'of another authority of the same name',
      await strangers.issueClient(),
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    ['for servers', await clients.issueClient({ usage: 'server' }), 'INVALID_PURPOSE'],
    ['revoked', revoked, 'CERT_REVOKED'],
  ];
  for (const maxVersion of VERSIONS) {
    for (const clientAuth of ['none', 'request', 'require'] as const) {
      const settings = settingsWith({
        clientAuth,
        clientCaPem: clients.certificatePem,
        clientCrlPem: list,
      });
      const problemOf = async (
        certificate: TestCertificate | undefined,
      ): Promise<string | undefined> => {
        const { server } = await shakeHands(t, nodeTlsOptions(settings), {
          maxVersion,
          servername: 'main.example.org',
          ...(certificate && { cert: certificate.chainPem, key: certificate.keyPem }),
        });
        return clientCertificateProblem(server!, settings);
      };
      const what = `${maxVersion}, ${clientAuth}`;
      const none = clientAuth === 'require' ? 'peer did not return a certificate' : undefined;
      t.equal(await problemOf(undefined), none, `${what}: no certificate`);
      for (const [name, certificate, problem] of shown) {
        const expected = clientAuth === 'none' ? undefined : problem;
        t.equal(await problemOf(certificate), expected, `${what}: ${name} -> ${expected}`);
      }
    }
  }
});

t.test('session resumption', async (t) => {
  const certificate = await clients.issueClient();
  const resumes = async (
    settings: TlsSettings,
    other: TlsSettings,
    maxVersion: 'TLSv1.2' | 'TLSv1.3',
  ) => {
    const options = {
      maxVersion,
      servername: 'main.example.org',
      cert: certificate.chainPem,
      key: certificate.keyPem,
    };
    const { client } = await shakeHands(t, nodeTlsOptions(settings), options);
    const session = client.getSession();
    t.notOk(client.isSessionReused());
    const again = await shakeHands(t, nodeTlsOptions(other), { ...options, session: session! });
    t.ok(again.server, 'connected again');
    return again.client.isSessionReused();
  };
  for (const version of VERSIONS) {
    const settings = settingsWith();
    t.ok(await resumes(settings, settingsWith(), version), `${version}: by another server`);
    const renewed = settingsWith({ ticketKeys: new Uint8Array(80).fill(8) });
    t.notOk(await resumes(settings, renewed, version), `${version}: not with other keys`);
    for (const clientAuth of ['request', 'require'] as const) {
      const strict = settingsWith({ clientAuth, clientCaPem: clients.certificatePem });
      t.notOk(await resumes(strict, strict, version), `${version}: not with ${clientAuth}`);
      t.notOk(await resumes(settings, strict, version), `${version}: not past ${clientAuth}`);
    }
  }
});

t.test('no renegotiation', async (t) => {
  const policy = nodeTlsOptions(settingsWith());
  const permissive = { ...policy, secureOptions: 0, SNICallback: undefined };
  for (const [options, expected] of [
    [policy, 'refused'],
    [permissive, 'renegotiated'],
  ] as const) {
    const { client, server } = await shakeHands(t, options, {
      maxVersion: 'TLSv1.2',
      servername: 'main.example.org',
    });
    const outcome = await new Promise<string>((resolve) => {
      client.renegotiate({}, (error) => resolve(error ? 'failed' : 'renegotiated'));
      server!.once('error', () => resolve('refused'));
    });
    t.equal(outcome, expected);
  }
});

t.test('a handshake must be over in time', (t) => {
  t.equal(nodeTlsOptions(settingsWith()).handshakeTimeout, 5000);
  t.throws(() => nodeTlsOptions(settingsWith({ certificates: [] })), RangeError);
  t.end();
});
