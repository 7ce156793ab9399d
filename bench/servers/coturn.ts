import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CREDENTIAL, RELAY_PORTS, SERVER_PORTS } from '../settings.ts';
import { certificateFiles } from './certificate.ts';
import type { MeasuredServer, ServerSetup } from './server.ts';

/** The coturn that the distribution installed. */
export const coturn = coturnAt('turnserver');

/**
 * The coturn that some program is.
 *
 * @param program - path of its `turnserver`, or a name to look for in PATH.
 */
export function coturnAt(program: string): MeasuredServer {
  return {
    name: 'coturn',
    framing: 'channelData',
    absence: () =>
      versionOf(program) === '' ? `${program} is not installed or is no coturn` : undefined,
    version: () => versionOf(program),
    transports: ['udp', 'tcp', 'tls'],
    features: ['allocations', 'indications', 'workers'],
    prepare: (setup) => {
      const file = join(setup.folder, 'turnserver.conf');
      writeFileSync(file, configuration(setup));
      return { file: program, args: ['-c', file] };
    },
  };
}

function versionOf(program: string): string {
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  if (status === null) return '';
  return /^\d+(?:\.\d+)+$/m.exec(stdout)?.[0] ?? '';
}

function configuration({ folder, addresses, transports, workers }: ServerSetup): string {
  const { realm, username, password } = CREDENTIAL;
  return [
    `listening-ip=${addresses.server}`,
    `relay-ip=${addresses.server}`,
    `listening-port=${SERVER_PORTS.udp}`,
    `min-port=${RELAY_PORTS.min}`,
    `max-port=${RELAY_PORTS.max}`,
    `relay-threads=${workers}`,
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
