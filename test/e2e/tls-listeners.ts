import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { missingBuild } from '../support/gateway-process.ts';
import {
  ALPN_CASES,
  caseListeners,
  CIPHER_CASES_1_2,
  CIPHER_CASES_1_3,
  CURVE_CASES,
  SNI_CASES,
  testHandshakes,
} from '../support/handshake-cases.ts';
import {
  awaitCertificate,
  bindOnce,
  missingOpenSsl,
  OpenSslClient,
  refusedOutput,
} from '../support/openssl-client.ts';
import { startSecureGateway, TestPki, tlsKeys } from '../support/secure-gateway.ts';

const VERSIONS = [
  { flag: '-tls1_2', name: 'TLSv1.2' },
  { flag: '-tls1_3', name: 'TLSv1.3' },
] as const;
/** So many connections reach both of two workers. */
const RESUMPTIONS = 8;
/** Debian's OpenSSL speaks old versions only when it is told that nothing matters. */
const OLD_CLIENT = ['-cipher', 'ALL:@SECLEVEL=0'];

const RENEGOTIATION_REFUSED = /<<< TLS 1\.2, Alert \[length 0002\], warning no_renegotiation/;
const CLOSE_NOTIFY = /<<< TLS 1\.[23], Alert \[length 0002\], warning close_notify/;

const skip = missingBuild() || missingOpenSsl();

for (const mode of ['reactor', 'portable'] as const) {
  t.test(`handshakes of openssl s_client in ${mode} mode`, { skip }, async (t) => {
    const pki = await TestPki.create(t);
    const keys = tlsKeys(await pki.server());
    const rotated = await pki.server();
    const gateway = await startSecureGateway(t, {
      mode,
      workers: mode === 'reactor' ? 2 : 1,
      listeners: {
        ...(await caseListeners(pki, 'TURN-TLS')),
        'tls1.3': { protocol: 'TURN-TLS', tls: { ...keys, min_version: 'TLSv1.3' } },
        rotated: { protocol: 'TURN-TLS', tls: tlsKeys(rotated) },
      },
    });
    const listener = gateway.server('default');

    await t.test('versions', async (t) => {
      for (const { flag, name } of VERSIONS) {
        const client = new OpenSslClient(listener, [flag, '-CAfile', pki.caFile]);
        t.equal((await client.binding()).ip(), '127.0.0.1');
        const output = await client.quit();
        t.match(output, new RegExp(`New, ${name}, Cipher is `));
        t.match(output, /Verify return code: 0 \(ok\)/);
        t.match(output, /Compression: NONE/);
      }
      for (const flag of ['-tls1', '-tls1_1']) {
        const output = await refusedOutput(listener, [flag, ...OLD_CLIENT]);
        t.match(output, /alert protocol version/, flag);
        t.match(output, /New, \(NONE\), Cipher is \(NONE\)/, flag);
      }
      const strict = gateway.server('tls1.3');
      t.match(await bindOnce(strict, ['-tls1_3']), /New, TLSv1\.3/);
      t.match(await refusedOutput(strict, ['-tls1_2']), /alert protocol version/);
      await gateway.recorded('handshake failed', {
        listener: 'tls1.3',
        transport: 'tls',
        reason: 'unsupported protocol',
      });
    });

    await t.test('server names, application protocols, ciphers, curves', async (t) => {
      const always = [...SNI_CASES, ...ALPN_CASES, ...CURVE_CASES];
      const check = (version: string, cases: typeof SNI_CASES) =>
        testHandshakes(t, gateway, version, pki.caFile, cases);
      await check('-tls1_2', [...always, ...CIPHER_CASES_1_2]);
      await check('-tls1_3', [...always, ...CIPHER_CASES_1_3]);
      const other = await bindOnce(listener, ['-alpn', 'h2,http/1.1']);
      // Node.js can only say yes to one of them, or refuse.
      t.match(other, mode === 'portable' ? /ALPN protocol: h2\n/ : /No ALPN negotiated/);
    });

    for (const { flag, name } of VERSIONS) {
      await t.test(`${name} sessions are resumed`, async (t) => {
        const session = join(pki.folder, `${mode}${flag}.session`);
        const early = join(pki.folder, 'early-data');
        await writeFile(early, 'GET / HTTP/1.1\r\n\r\n');
        const server = gateway.server('rotated');
        const reused = new RegExp(`Reused, ${name}, Cipher is `);
        const first = await bindOnce(server, [flag, '-sess_out', session]);
        t.match(first, new RegExp(`New, ${name}, Cipher is `));
        const resume = async (what: string): Promise<void> => {
          const runs = Array.from({ length: RESUMPTIONS }, () =>
            bindOnce(server, [flag, '-sess_in', session]),
          );
          for (const output of await Promise.all(runs)) t.match(output, reused, what);
        };
        await resume('at once');
        await awaitCertificate(server, await pki.replace(rotated));
        await resume('with a new certificate');
        const elsewhere = await bindOnce(listener, [flag, '-sess_in', session]);
        t.match(elsewhere, new RegExp(`New, ${name}, Cipher is `), 'not by another listener');
        if (flag !== '-tls1_3') return;
        t.match(first, /Max Early Data: 0/);
        const args = [flag, '-sess_in', session, '-early_data', early];
        t.match(await bindOnce(server, args), /Early data was (not sent|rejected)/);
      });
    }

    await t.test('no renegotiation', async (t) => {
      const client = new OpenSslClient(listener, ['-tls1_2', '-msg']);
      await client.binding();
      client.write('R\n');
      const output = await client.end();
      t.match(output, /RENEGOTIATING/);
      t.match(output, RENEGOTIATION_REFUSED);
      t.match(await bindOnce(listener, []), /New, TLSv1\.3/, 'it serves on');
    });

    await t.test('new keys in TLS 1.3', async (t) => {
      const client = new OpenSslClient(listener, ['-tls1_3']);
      const updates = ['k', 'K', 'K'];
      for (const [index, command] of updates.entries()) {
        await client.binding();
        client.write(`${command}\n`);
        await client.printed(new RegExp(`(KEYUPDATE[^]*){${index + 1}}`));
      }
      t.ok(await client.binding());
      await client.quit();
    });

    await t.test('close_notify', async (t) => {
      for (const { flag } of VERSIONS) {
        const client = new OpenSslClient(listener, [flag, '-msg']);
        await client.binding();
        client.write('no TURN message begins like this\n');
        t.match(await client.end(), CLOSE_NOTIFY, `${flag}: after nonsense`);
      }
      const clients = VERSIONS.map(({ flag }) => new OpenSslClient(listener, [flag, '-msg']));
      for (const client of clients) await client.binding();
      await gateway.process.child.stop();
      for (const client of clients) t.match(await client.end(), CLOSE_NOTIFY, 'at the end');
    });
  });
}
