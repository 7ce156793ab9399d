import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Transport } from '../load/protocol.ts';
import { CREDENTIAL, RELAY_PORTS, SERVER_PORTS } from '../settings.ts';
import { ROOT } from '../root.ts';
import { certificateFiles } from './certificate.ts';
import { routeEndpoints } from './route-endpoints.ts';
import type { MeasuredServer, ServerSetup } from './server.ts';

const MAIN = join(ROOT, 'dist/main.js');

/** This gateway as it was built last. */
export const turnpike = turnpikeWith([]);

/** This gateway under a Node that is given more options. */
export function turnpikeWith(nodeOptions: readonly string[]): MeasuredServer {
  return {
    name: 'turnpike',
    framing: 'channelData',
    transports: ['udp', 'tcp', 'tls'],
    features: ['allocations', 'indications', 'workers', 'routes'],
    absence: () => (existsSync(MAIN) ? undefined : 'it is not built: run npm run build'),
    version: () => {
      const manifest = readFileSync(join(ROOT, 'package.json'), 'utf8');
      const { version } = JSON.parse(manifest) as { version: string };
      const commit = spawnSync('git', ['describe', '--always', '--dirty'], {
        cwd: ROOT,
        encoding: 'utf8',
      });
      return commit.status === 0 ? `${version} (${commit.stdout.trim()})` : version;
    },
    prepare: (setup) => {
      const file = join(setup.folder, 'turnpike.yaml');
      writeFileSync(file, stringify(configuration(setup)));
      return { file: process.execPath, args: [...nodeOptions, MAIN, 'start', '-c', file] };
    },
  };
}

function configuration(setup: ServerSetup): object {
  const { addresses, workers } = setup;
  return {
    version: 'v1',
    admin: {
      healthcheck_endpoint: '',
      api_endpoint: '',
      drain_timeout: 0,
      loglevel: 'all:ERROR',
    },
    auth: {
      type: 'static',
      realm: CREDENTIAL.realm,
      credentials: { username: CREDENTIAL.username, password: CREDENTIAL.password },
    },
    relay: { min_port: RELAY_PORTS.min, max_port: RELAY_PORTS.max, workers },
    // All clients come from one address, and some send as much as they can.
    limits: {
      allocations_per_address_max: 100_000,
      handshakes_per_second_per_address: 1000,
      unauthenticated_per_second_per_address: 0,
      bytes_per_second_per_allocation: 1_000_000_000,
    },
    clusters: [
      {
        name: 'peer',
        endpoints: routeEndpoints(setup),
        dangerously_allow: [`${addresses.peer}/32`],
      },
    ],
    listeners: setup.transports.map((transport) => listener(transport, setup)),
  };
}

function listener(transport: Transport, { folder, addresses }: ServerSetup): object {
  const plain = {
    name: transport,
    protocol: transport.toUpperCase(),
    port: SERVER_PORTS[transport],
    bind: addresses.server,
    routes: ['peer'],
  };
  if (transport !== 'tls') return plain;
  const { certificate, key } = certificateFiles(folder);
  return { ...plain, tls: { cert_file: certificate, key_file: key } };
}
