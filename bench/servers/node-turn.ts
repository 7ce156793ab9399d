import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Addresses, CREDENTIAL, RELAY_PORTS, SERVER_PORTS } from '../settings.ts';
import { ROOT } from '../root.ts';
import type { MeasuredServer } from './server.ts';

const MANIFEST = join(ROOT, 'node_modules/node-turn/package.json');

/**
 * The npm package node-turn on one thread, the only way it runs.
 *
 * Version 0.0.6 drops ChannelData of clients, so they send Send indications; and to clients it sends every packet
 * twice, as ChannelData and as a Data indication, of which the sink counts the former.
 */
export const nodeTurn: MeasuredServer = {
  name: 'node-turn',
  framing: 'sendIndication',
  transports: ['udp'],
  features: ['allocations'],
  absence: () => (existsSync(MANIFEST) ? undefined : 'the package is not installed: run npm ci'),
  version: () => (JSON.parse(readFileSync(MANIFEST, 'utf8')) as { version: string }).version,
  prepare: ({ addresses }) => ({
    file: process.execPath,
    args: ['-e', SCRIPT, join(ROOT, 'node_modules/node-turn'), JSON.stringify(options(addresses))],
  }),
};

function options({ server }: Addresses): object {
  return {
    listeningIps: [server],
    relayIps: [server],
    listeningPort: SERVER_PORTS.udp,
    minPort: RELAY_PORTS.min,
    maxPort: RELAY_PORTS.max,
    authMech: 'long-term',
    realm: CREDENTIAL.realm,
    credentials: { [CREDENTIAL.username]: CREDENTIAL.password },
    debugLevel: 'OFF',
  };
}

const SCRIPT = `
const Turn = require(process.argv[1]);
new Turn(JSON.parse(process.argv[2])).start();
`;
