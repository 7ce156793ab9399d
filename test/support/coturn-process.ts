import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestProcess } from './child-process.ts';
import { ephemeralCredential } from './credentials.ts';
import { freePorts, RELAY_PORTS } from './free-ports.ts';
import type { IceServer, ServerOptions, ServerUnderTest } from './server-under-test.ts';

const REALM = 'example.org';

/** Starts coturn with the same secret, addresses and peers; it cannot filter peers by port. */
export async function startCoturn(options: ServerOptions): Promise<ServerUnderTest> {
  const port = await freePorts();
  const folder = await mkdtemp(join(tmpdir(), 'coturn-'));
  const file = join(folder, 'turnserver.conf');
  await writeFile(file, configurationText(options, port, folder));
  const child = new TestProcess('turnserver', ['-c', file]);
  const stop = async (): Promise<void> => {
    await child.stop();
    await rm(folder, { recursive: true });
  };
  try {
    await child.waitForLine((line) => line.includes('IO method (admin thread)'));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    realm: REALM,
    secret: options.secret,
    lines: child.lines,
    stop,
    iceServer: (user) => Promise.resolve(iceServer(options, port, user)),
    get isAlive() {
      return child.isAlive;
    },
  };
}

function configurationText(options: ServerOptions, port: number, folder: string): string {
  const peers = options.endpoints.map((endpoint) =>
    endpoint.replace(/^\[?([^\]]+?)\]?:[^:]*$/, '$1'),
  );
  return [
    ...options.listenAddresses.map((address) => `listening-ip=${address}`),
    ...options.relayAddresses.map((address) => `relay-ip=${address}`),
    ...peers.map((peer) => `allowed-peer-ip=${peer}`),
    `listening-port=${port}`,
    `min-port=${RELAY_PORTS.min}`,
    `max-port=${RELAY_PORTS.max}`,
    `realm=${REALM}`,
    ...authenticationLines(options),
    `user-quota=${options.userQuota}`,
    'denied-peer-ip=0.0.0.0-255.255.255.255',
    'allow-loopback-peers',
    'fingerprint',
    'no-tls',
    'no-dtls',
    'no-cli',
    'log-file=stdout',
    `pidfile=${join(folder, 'pid')}`,
    '',
  ].join('\n');
}

function authenticationLines({ secret, staticUser }: ServerOptions): string[] {
  if (staticUser === undefined) return ['use-auth-secret', `static-auth-secret=${secret}`];
  return ['lt-cred-mech', `user=${staticUser.username}:${staticUser.password}`];
}

function iceServer(options: ServerOptions, port: number, user: string): IceServer {
  const { username, password } = options.staticUser ?? ephemeralCredential(options.secret, user);
  const urls = options.listenAddresses.flatMap((address) => {
    const host = address.includes(':') ? `[${address}]` : address;
    return ['udp', 'tcp'].map((transport) => `turn:${host}:${port}?transport=${transport}`);
  });
  return { urls, username, credential: password };
}
