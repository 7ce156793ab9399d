import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Transport } from '../load/protocol.ts';
import { CREDENTIAL, PEER_IP, RELAY_PORTS, SERVER_IP, SERVER_PORTS } from '../settings.ts';
import { ROOT } from '../root.ts';
import { certificateFiles } from './certificate.ts';
import type { MeasuredServer } from './server.ts';

const MAIN = join(ROOT, 'dist/main.js');

/** This gateway as it was built last, with one relay worker. */
export const turnpike = turnpikeWith([]);

/** This gateway under a Node that is given more options. */
export function turnpikeWith(nodeOptions: readonly string[]): MeasuredServer {
  return {
    name: 'turnpike',
    framing: 'channelData',
    transports: ['udp', 'tcp', 'tls'],
    absence: () => (existsSync(MAIN) ? undefined : 'it is not built: run npm run build'),
    version: () => {
      const manifest = readFileSync(join(ROOT, 'package.json'), 'utf8');
      return (JSON.parse(manifest) as { version: string }).version;
    },
    prepare: (folder, transports) => {
      const file = join(folder, 'turnpike.yaml');
      const listeners = transports.map((transport) => listener(transport, folder));
      writeFileSync(file, stringify({ ...CONFIGURATION, listeners }));
      return { file: process.execPath, args: [...nodeOptions, MAIN, 'start', '-c', file] };
    },
  };
}

const CONFIGURATION = {
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
  relay: { min_port: RELAY_PORTS.min, max_port: RELAY_PORTS.max, workers: 1 },
  // All clients come from one address, and some send as much as they can.
  limits: {
    allocations_per_address_max: 100_000,
    handshakes_per_second_per_address: 1000,
    unauthenticated_per_second_per_address: 0,
    bytes_per_second_per_allocation: 0,
  },
  clusters: [{ name: 'peer', endpoints: [PEER_IP], dangerously_allow: [`${PEER_IP}/32`] }],
};

function listener(transport: Transport, folder: string): object {
  const plain = {
    name: transport,
    protocol: transport.toUpperCase(),
    port: SERVER_PORTS[transport],
    bind: SERVER_IP,
    routes: ['peer'],
  };
  if (transport !== 'tls') return plain;
  const { certificate, key } = certificateFiles(folder);
  return { ...plain, tls: { cert_file: certificate, key_file: key } };
}
