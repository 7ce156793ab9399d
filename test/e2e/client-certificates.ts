import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:tls';
import t, { type Test } from 'tap';
import { CertificateAuthority, type CertificateFiles } from '../support/certificate-authority.ts';
import { missingTool } from '../support/child-process.ts';
import { relayFault, runUclient, startEchoPeers } from '../support/coturn-tools.ts';
import { ephemeralCredential } from '../support/credentials.ts';
import { openUdpEchoPeer } from '../support/echo-peer.ts';
import { PEER_PORTS } from '../support/free-ports.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { missingOpenSsl, OpenSslClient } from '../support/openssl-client.ts';
import {
  startSecureGateway,
  TestPki,
  tlsKeys,
  type SecureGateway,
} from '../support/secure-gateway.ts';
import { addressFrom, TurnClient } from '../support/turn-client.ts';
import type { ServerAddress } from '../support/turn-transport.ts';

const EDGE_PEER = '127.0.0.2';
const OTHER_PEER = '127.0.0.3';
const CHANNEL = 0x4001;
/** coturn's client needs two allocations for one. */
const USER_QUOTA = 3;
const CLIENT_RUN_MS_MAX = 30_000;

const BAD_KINDS = [
  'expired',
  'not yet valid',
  'wrong authority',
  'revoked',
  'wrong usage',
] as const;
const KINDS = ['good', ...BAD_KINDS] as const;

/** What a client hears of its certificate. */
const ALERTS: Readonly<Record<(typeof BAD_KINDS)[number] | 'none', RegExp>> = {
  expired: /alert certificate expired/,
  'not yet valid': /alert bad certificate/,
  'wrong authority': /alert unknown ca/,
  revoked: /alert certificate revoked/,
  'wrong usage': /alert unsupported certificate/,
  none: /alert (certificate required|handshake failure)/,
};
/** What the log says of them. */
const REASONS = {
  reactor: ['certificate verify failed', 'peer did not return a certificate'],
  portable: [
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'CERT_REVOKED',
    'INVALID_PURPOSE',
    'peer did not return a certificate',
  ],
} as const;

const skip = missingBuild() || missingOpenSsl();

for (const mode of ['reactor', 'portable'] as const) {
  t.test(`client certificates in ${mode} mode`, { skip }, async (t) => {
    const pki = await TestPki.create(t);
    const clients = await clientCertificates(pki);
    const crl = await pki.authority.writeRevocationListTo(pki.folder, [
      clients.revoked.serialNumber,
    ]);
    const keys = tlsKeys(await pki.server());
    const transports = mode === 'reactor' ? (['TLS', 'DTLS'] as const) : (['TLS'] as const);
    const gateway = await startSecureGateway(t, {
      mode,
      listeners: Object.fromEntries(
        transports.flatMap((transport) =>
          ['none', 'request', 'require'].map((auth) => [
            `${transport} ${auth}`,
            {
              protocol: `TURN-${transport}` as const,
              tls: { ...keys, client_ca_file: pki.caFile, client_crl_file: crl, client_auth: auth },
            },
          ]),
        ),
      ),
    });

    for (const transport of transports) {
      const versions = transport === 'TLS' ? ['-tls1_2', '-tls1_3'] : ['-dtls1_2'];
      for (const version of versions) {
        await t.test(version, async (t) => {
          const attempt = (auth: string, files: CertificateFiles | undefined): Promise<Attempt> =>
            attemptBinding(gateway.server(`${transport} ${auth}`), version, files);
          await Promise.all([
            testAccepted(t, 'none', KINDS, (kind) => attempt('none', clients[kind])),
            testAccepted(t, 'request', ['good', 'none'], (kind) =>
              attempt('request', clients[kind]),
            ),
            testAccepted(t, 'require', ['good'], (kind) => attempt('require', clients[kind])),
            ...['request', 'require'].map(async (auth) => {
              for (const kind of [
                ...BAD_KINDS,
                ...(auth === 'require' ? (['none'] as const) : []),
              ]) {
                const { isBound, output } = await attempt(auth, clients[kind]);
                t.notOk(isBound, `${auth}: ${kind} is refused`);
                if (mode === 'reactor') t.match(output, ALERTS[kind], `${auth}: ${kind}`);
                else t.match(output, /alert|closed|errno|read:|unexpected eof/, `${auth}: ${kind}`);
              }
            }),
          ]);
        });
      }
      await t.test(`the log of ${transport}`, async (t) => {
        for (const reason of REASONS[mode]) {
          const fields = { listener: `${transport} require`, reason };
          const { client } = await gateway.recorded('handshake failed', fields);
          t.match(client, /^127\.0\.0\.1:\d+$/, reason);
        }
      });
    }
  });

  t.test(`identities by certificate in ${mode} mode`, { skip }, async (t) => {
    const pki = await TestPki.create(t);
    const tls = {
      ...tlsKeys(await pki.server()),
      client_ca_file: pki.caFile,
      client_auth: 'request',
      client_identities: [
        { subject: 'O=Example,OU=edge', user: '{CN}', routes: ['edge'] },
        { subject: 'O=Example', user: 'somebody' },
        { subject: '*', routes: [] },
      ],
    };
    const gateway = await startIdentityGateway(t, mode, tls);
    const edgeOf = (name: string) => pki.client({ subject: `CN=${name},O=Example,OU=edge` });
    const connectAs = (user: string, files?: CertificateFiles): Promise<TurnClient> =>
      openClient(t, gateway, pki.caFile, user, files);
    const created = (user: string) =>
      gateway.recorded('allocation created', { listener: 'TLS', user });
    const inside = await openUdpEchoPeer(EDGE_PEER);
    t.teardown(() => inside.close());
    const outside = addressFrom(OTHER_PEER, 9);

    await t.test('user and routes', async (t) => {
      const client = await connectAs('from-credential', await edgeOf('alice'));
      await client.allocate();
      t.match(await created('alice'), { transport: 'tls' });
      await client.channelBind(CHANNEL, inside.address);
      client.sendOnChannel(CHANNEL, Buffer.from('to the edge'));
      t.equal((await client.receive()).data.toString(), 'to the edge');
      await t.rejects(client.createPermission(outside), { code: 403 });
      await t.rejects(client.channelBind(CHANNEL + 1, outside), { code: 403 });
      await gateway.recorded('peer denied', { listener: 'TLS', user: 'alice' });
    });

    await t.test('the first entry that fits', async (t) => {
      const client = await connectAs('c', await pki.client({ subject: 'CN=x,O=Example' }));
      await client.allocate();
      await created('somebody');
      await client.createPermission(inside.address, outside);
      const stranger = await connectAs('stranger', await pki.client({ subject: 'CN=stranger' }));
      await stranger.allocate();
      t.ok(await created('stranger'));
      await t.rejects(stranger.createPermission(inside.address), { code: 403 });
    });

    await t.test('no certificate', async (t) => {
      const client = await connectAs('dave');
      await client.allocate();
      t.ok(await created('dave'));
      await client.createPermission(inside.address, outside);
    });

    await t.test('the quota of the mapped user', async (t) => {
      const files = await edgeOf('carol');
      for (let count = 0; count < USER_QUOTA; count++) {
        await (await connectAs(`credential-${count}`, files)).allocate();
      }
      await t.rejects((await connectAs('another', files)).allocate(), { code: 486 });
      const fields = { listener: 'TLS', user: 'carol', reason: 'userQuotaReached' };
      t.ok(await gateway.recorded('allocation refused', fields));
      await (await connectAs('another', await edgeOf('erin'))).allocate();
    });

    const noTools = missingTool('turnutils_uclient', 'turnutils_peer');
    if (mode === 'portable') return;
    await t.test('the same over DTLS', { skip: noTools }, async (t) => {
      const peers = await startEchoPeers([EDGE_PEER, OTHER_PEER]);
      t.teardown(() => peers.stop());
      const target = { ...gateway.server('DTLS'), secret: gateway.secret };
      const run = async (user: string, peer: string) => {
        const { certFile, keyFile } = await edgeOf(user);
        const flags = ['-i', certFile, '-k', keyFile, '-E', pki.caFile, '-S', '-c', '-n', '5'];
        const peerFlags = ['-e', peer, '-r', `${peers.port}`];
        return runUclient(target, [...flags, ...peerFlags], CLIENT_RUN_MS_MAX);
      };
      const [relayed, refused] = await Promise.all([
        run('frank', EDGE_PEER),
        run('grace', OTHER_PEER),
      ]);
      t.equal(relayFault(relayed), undefined, 'inside', { output: relayed.output });
      t.match(refused.output, /error 403/, 'outside');
      for (const user of ['frank', 'grace']) {
        const fields = { listener: 'DTLS', transport: 'dtls', user };
        t.ok(await gateway.recorded('allocation created', fields), user);
      }
    });
  });
}

async function clientCertificates(pki: TestPki) {
  const stranger = await CertificateAuthority.create({ name: 'Stranger' });
  return {
    good: await pki.client(),
    expired: await pki.client({ validity: 'expired' }),
    'not yet valid': await pki.client({ validity: 'not-yet-valid' }),
    'wrong authority': await pki.write(await stranger.issueClient()),
    revoked: await pki.client(),
    'wrong usage': await pki.client({ usage: 'server' }),
    none: undefined,
  };
}

interface Attempt {
  /** The Binding request was answered. */
  readonly isBound: boolean;
  readonly output: string;
}

async function attemptBinding(
  server: ServerAddress,
  version: string,
  files: CertificateFiles | undefined,
): Promise<Attempt> {
  const flags = files === undefined ? [] : ['-cert', files.certFile, '-key', files.keyFile];
  const client = new OpenSslClient(server, [version, ...flags]);
  const isBound = await client.binding().then(
    () => true,
    () => false,
  );
  return { isBound, output: await (isBound ? client.vanish() : client.quit()) };
}

async function testAccepted(
  t: Test,
  auth: string,
  kinds: readonly (keyof Awaited<ReturnType<typeof clientCertificates>>)[],
  attempt: (kind: (typeof kinds)[number]) => Promise<Attempt>,
): Promise<void> {
  for (const kind of kinds) {
    const { isBound, output } = await attempt(kind);
    t.ok(isBound, `${auth}: ${kind}`);
    const names = /Acceptable client certificate CA names\nCN = Test Root\n/;
    if (auth === 'none') t.match(output, /No client certificate CA names sent/);
    else t.match(output, names);
  }
}

function startIdentityGateway(t: Test, mode: 'reactor' | 'portable', tls: object) {
  const listener = { routes: ['edge', 'other'], tls };
  const cluster = (name: string, address: string) => ({
    name,
    endpoints: [`${address}:${PEER_PORTS}`],
    dangerously_allow: [`${address}/32`],
  });
  return startSecureGateway(t, {
    mode,
    userQuota: USER_QUOTA,
    listeners: {
      TLS: { protocol: 'TURN-TLS', ...listener },
      ...(mode === 'reactor' && { DTLS: { protocol: 'TURN-DTLS', ...listener } }),
    },
    changes: { clusters: [cluster('edge', EDGE_PEER), cluster('other', OTHER_PEER)] },
  });
}

async function openClient(
  t: Test,
  gateway: SecureGateway,
  caFile: string,
  user: string,
  files: CertificateFiles | undefined,
): Promise<TurnClient> {
  const server = gateway.server('TLS');
  const connection = connect({
    ...server,
    ca: await readFile(caFile),
    cert: files && (await readFile(files.certFile)),
    key: files && (await readFile(files.keyFile)),
  });
  await once(connection, 'secureConnect');
  const credential = ephemeralCredential(gateway.secret, user);
  const client = await TurnClient.open({ server, connection, credential });
  t.teardown(() => client.close());
  return client;
}
