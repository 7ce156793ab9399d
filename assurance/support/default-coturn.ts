import { TestProcess } from '../../test/support/child-process.ts';
import type { TurnCredential } from '../../test/support/credentials.ts';
import { freePorts, RELAY_PORTS } from '../../test/support/free-ports.ts';
import type { Owner } from '../../test/support/owner.ts';
import type { ServerAddress } from '../../test/support/turn-transport.ts';

/** Starts coturn with its own defaults about peers: only what it needs to listen and to know a user. */
export async function startDefaultCoturn(
  owner: Owner,
  { username, password }: TurnCredential,
): Promise<ServerAddress> {
  const port = await freePorts();
  const child = new TestProcess('turnserver', [
    '-n',
    '--no-cli',
    '--no-tls',
    '--no-dtls',
    '--lt-cred-mech',
    '--log-file=stdout',
    '--pidfile=/dev/null',
    '--listening-ip=127.0.0.1',
    '--relay-ip=127.0.0.1',
    '--relay-ip=::1',
    '--realm=example.org',
    `--listening-port=${port}`,
    `--min-port=${RELAY_PORTS.min}`,
    `--max-port=${RELAY_PORTS.max}`,
    `--user=${username}:${password}`,
  ]);
  owner.teardown(() => child.stop());
  await child.waitForLine((line) => line.includes('IO method (admin thread)'));
  return { host: '127.0.0.1', port };
}
