import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Transport } from '../load/protocol.ts';
import { CREDENTIAL, SERVER_PORTS } from '../settings.ts';
import { certificateFiles } from './certificate.ts';
import { goModuleVersion } from './go-module-version.ts';
import { routeEndpoints } from './route-endpoints.ts';
import type { MeasuredServer, ServerSetup } from './server.ts';

const MODULE = 'github.com/l7mp/stunner';

/**
 * The dataplane of STUNner 1, without its optional offload.
 *
 * It listens on every address and takes relay ports from the kernel's range: it has no options for these. A relay
 * thread is a UDP socket with a goroutine that reads from it; every allocation and every stream has goroutines of its
 * own. How many of them run at a time is for Go's scheduler, which takes one for each processor that the process is
 * kept on.
 *
 * @param program - path of `stunnerd`.
 */
export function stunnerAt(program: string): MeasuredServer {
  return {
    name: 'stunner',
    framing: 'channelData',
    transports: ['udp', 'tcp', 'tls'],
    features: ['allocations', 'indications', 'workers', 'routes'],
    absence: () => undefined,
    version: () => goModuleVersion(program, MODULE),
    prepare: (setup) => {
      const file = join(setup.folder, 'stunner.yaml');
      writeFileSync(file, stringify(configuration(setup)));
      const args = [
        `--config=file://${file}`,
        `--udp-thread-num=${setup.workers}`,
        '--log=all:ERROR',
      ];
      return { file: program, args };
    },
  };
}

function configuration(setup: ServerSetup): object {
  const { realm, username, password } = CREDENTIAL;
  return {
    version: 'v1',
    admin: { healthcheck_endpoint: '' },
    auth: { type: 'static', realm, credentials: { username, password } },
    clusters: [{ name: 'peer', type: 'STATIC', endpoints: routeEndpoints(setup) }],
    listeners: setup.transports.map((transport) => listener(transport, setup)),
  };
}

function listener(transport: Transport, { folder, addresses }: ServerSetup): object {
  const plain = {
    name: transport,
    protocol: `TURN-${transport.toUpperCase()}`,
    address: addresses.server,
    port: SERVER_PORTS[transport],
    routes: ['peer'],
  };
  if (transport !== 'tls') return plain;
  const { certificate, key } = certificateFiles(folder);
  return { ...plain, cert: readFileSync(certificate, 'base64'), key: readFileSync(key, 'base64') };
}
