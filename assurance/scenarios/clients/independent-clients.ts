import { cleanup as endLibjuice } from 'node-datachannel';
import { missingTool, within } from '../../../test/support/child-process.ts';
import { missingChromium } from '../../../test/support/chromium.ts';
import { startEchoPeers } from '../../../test/support/coturn-tools.ts';
import { ephemeralCredential } from '../../../test/support/credentials.ts';
import { missingBuild } from '../../../test/support/gateway-process.ts';
import { startSecureGateway, TestPki, tlsKeys } from '../../../test/support/secure-gateway.ts';
import type { Finding, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Cleanup } from '../../support/cleanup.ts';
import {
  CLIENTS,
  type CalledGateway,
  type ClientTransport,
  type IndependentClient,
} from './calls.ts';

const RUNS = 20;
const CALL_MS_MAX = 30_000;

/** Clients of others reach a peer through the gateway, and nowhere else, every time. */
export const independentClients: Scenario = {
  name: 'independent-clients',
  promise: 'clients of others call through the gateway, over every transport they know, every time',
  missing: () =>
    missingBuild() ||
    missingChromium() ||
    missingTool('certutil', 'turnutils_uclient', 'turnutils_peer'),
  run: (options) => Cleanup.around((cleanup) => callWithAll(cleanup, options)),
};

async function callWithAll(
  cleanup: Cleanup,
  { scale, progress }: ScenarioOptions,
): Promise<readonly Finding[]> {
  const gateway = await startGateway(cleanup);
  const findings: Finding[] = [];
  for (const client of CLIENTS) {
    for (const transport of client.transports) {
      progress(`${client.name} over ${transport}`);
      findings.push(await callOften(gateway, client, transport, Math.ceil(RUNS * scale)));
    }
  }
  endLibjuice();
  return findings;
}

async function callOften(
  gateway: CalledGateway,
  client: IndependentClient,
  transport: ClientTransport,
  runs: number,
): Promise<Finding> {
  const faults: string[] = [];
  const opened = await client.open(gateway);
  try {
    for (let run = 0; run < runs; run++) {
      const fault = await within(
        CALL_MS_MAX,
        opened.call(transport),
        () => 'it takes too long',
      ).catch((error: unknown) => String(error));
      if (fault !== undefined) faults.push(fault);
    }
  } finally {
    await opened.close();
  }
  const reasons = faults.length === 0 ? '' : `: ${[...new Set(faults)].join('; ')}`;
  return {
    what: `${client.name} over ${transport}`,
    figure: `${runs - faults.length} of ${runs} calls${reasons}`,
    bound: 'all',
    holds: faults.length === 0,
  };
}

async function startGateway(cleanup: Cleanup): Promise<CalledGateway> {
  const pki = await TestPki.create(cleanup);
  const tls = tlsKeys(await pki.server());
  const gateway = await startSecureGateway(cleanup, {
    listeners: {
      udp: { protocol: 'TURN-UDP' },
      tcp: { protocol: 'TURN-TCP' },
      tls: { protocol: 'TURN-TLS', tls },
      dtls: { protocol: 'TURN-DTLS', tls },
    },
  });
  const echoPeers = await startEchoPeers(['127.0.0.1']);
  cleanup.teardown(() => echoPeers.stop());
  const { username, password } = ephemeralCredential(gateway.secret, 'alice');
  const portOf = (transport: ClientTransport): number => gateway.server(transport).port;
  return {
    secret: gateway.secret,
    portOf,
    authorityFile: pki.caFile,
    echoPort: echoPeers.port,
    iceServer: (transport) => ({
      urls: [uriOf(transport, portOf(transport))],
      username,
      credential: password,
    }),
  };
}

/** Certificates are for names. */
function uriOf(transport: ClientTransport, port: number): string {
  return transport === 'tls'
    ? `turns:localhost:${port}?transport=tcp`
    : `turn:127.0.0.1:${port}?transport=${transport}`;
}
