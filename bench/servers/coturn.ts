import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Transport } from '../load/protocol.ts';
import { CREDENTIAL, RELAY_PORTS, SERVER_IP, SERVER_PORTS } from '../settings.ts';
import { certificateFiles } from './certificate.ts';
import type { MeasuredServer } from './server.ts';

/** The coturn that the distribution installed, with one relay thread. */
export const coturn: MeasuredServer = {
  name: 'coturn',
  framing: 'channelData',
  absence: () => (installedVersion() === undefined ? 'turnserver is not installed' : undefined),
  version: () => installedVersion() ?? '',
  transports: ['udp', 'tcp', 'tls'],
  prepare: (folder, transports) => {
    const file = join(folder, 'turnserver.conf');
    writeFileSync(file, configuration(folder, transports));
    return { file: 'turnserver', args: ['-c', file] };
  },
};

function installedVersion(): string | undefined {
  const { status, stdout } = spawnSync('turnserver', ['--version'], { encoding: 'utf8' });
  return status === null ? undefined : stdout.trim().split('\n').at(-1);
}

function configuration(folder: string, transports: readonly Transport[]): string {
  const { realm, username, password } = CREDENTIAL;
  return [
    `listening-ip=${SERVER_IP}`,
    `relay-ip=${SERVER_IP}`,
    `listening-port=${SERVER_PORTS.udp}`,
    `min-port=${RELAY_PORTS.min}`,
    `max-port=${RELAY_PORTS.max}`,
    'relay-threads=1',
    'lt-cred-mech',
    `realm=${realm}`,
    `user=${username}:${password}`,
    'allow-loopback-peers',
    ...(transports.includes('tcp') ? [] : ['no-tcp']),
    ...(transports.includes('tls') ? tlsOptions(folder) : ['no-tls']),
    'no-dtls',
    'no-cli',
    'no-stdout-log',
    'log-file=/dev/null',
    `pidfile=${join(folder, 'pid')}`,
    '',
  ].join('\n');
}

function tlsOptions(folder: string): string[] {
  const { certificate, key } = certificateFiles(folder);
  return [`tls-listening-port=${SERVER_PORTS.tls}`, `cert=${certificate}`, `pkey=${key}`];
}
