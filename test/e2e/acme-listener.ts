import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import t from 'tap';
import { missingBuild } from '../support/gateway-process.ts';
import { missingPebble, startPebble } from '../support/pebble.ts';
import { startSecureGateway } from '../support/secure-gateway.ts';
import { TurnClient } from '../support/turn-client.ts';

const DOMAIN = 'turn.example.org';

const skip = missingPebble() || missingBuild();

for (const mode of ['reactor', 'portable'] as const) {
  t.test(`${mode}: a TURN listener proves its name by TLS-ALPN-01`, { skip }, async (t) => {
    const pebble = await startPebble();
    t.teardown(() => pebble.stop());
    const storage = await mkdtemp(join(tmpdir(), 'turnpike-acme-'));
    t.teardown(() => rm(storage, { recursive: true }));
    const gateway = await startSecureGateway(t, {
      mode,
      workers: mode === 'reactor' ? 2 : 1,
      listeners: { tls: { protocol: 'TURN-TLS', port: pebble.tlsPort } },
      changes: {
        acme: {
          directory: pebble.directory,
          domains: [DOMAIN],
          accept_terms: true,
          challenge: 'tls-alpn-01',
          ca_file: pebble.caFile,
          storage,
        },
      },
    });
    await gateway.recorded('the directory has issued a certificate');
    const connection = await trustingConnection(pebble.tlsPort, await pebble.root());
    t.ok(connection.authorized, 'clients trust the certificate');
    const server = { host: '127.0.0.1', port: pebble.tlsPort };
    const client = await TurnClient.open({ server, connection });
    t.equal((await client.binding()).ip(), '127.0.0.1');
    await client.close();
  });
}

/** Workers hear of the certificate one after the other. */
async function trustingConnection(port: number, ca: string): Promise<TLSSocket> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const socket = connect({ host: '127.0.0.1', port, ca, servername: DOMAIN });
    const isTrusted = await new Promise<boolean>((resolve) => {
      socket.once('secureConnect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (isTrusted) return socket;
    socket.destroy();
  }
  throw new Error('the certificate is not served');
}
