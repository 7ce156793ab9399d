import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CREDENTIAL, RELAY_PORTS, SERVER_IP, SERVER_PORT } from '../settings.ts';
import type { MeasuredServer } from './server.ts';

/** The coturn that the distribution installed, with one relay thread. */
export const coturn: MeasuredServer = {
  name: 'coturn',
  framing: 'channelData',
  absence: () => (installedVersion() === undefined ? 'turnserver is not installed' : undefined),
  version: () => installedVersion() ?? '',
  prepare: (folder) => {
    const file = join(folder, 'turnserver.conf');
    writeFileSync(file, configuration(folder));
    return { file: 'turnserver', args: ['-c', file] };
  },
};

function installedVersion(): string | undefined {
  const { status, stdout } = spawnSync('turnserver', ['--version'], { encoding: 'utf8' });
  return status === null ? undefined : stdout.trim().split('\n').at(-1);
}

function configuration(folder: string): string {
  const { realm, username, password } = CREDENTIAL;
  return [
    `listening-ip=${SERVER_IP}`,
    `relay-ip=${SERVER_IP}`,
    `listening-port=${SERVER_PORT}`,
    `min-port=${RELAY_PORTS.min}`,
    `max-port=${RELAY_PORTS.max}`,
    'relay-threads=1',
    'lt-cred-mech',
    `realm=${realm}`,
    `user=${username}:${password}`,
    'allow-loopback-peers',
    'no-tcp',
    'no-tls',
    'no-dtls',
    'no-cli',
    'no-stdout-log',
    'log-file=/dev/null',
    `pidfile=${join(folder, 'pid')}`,
    '',
  ].join('\n');
}
