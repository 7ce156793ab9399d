import { missingTool } from '../../../test/support/child-process.ts';
import { ephemeralCredential } from '../../../test/support/credentials.ts';
import { missingBuild } from '../../../test/support/gateway-process.ts';
import { OperatedGateway } from '../../../test/support/operated-gateway.ts';
import { LOOPBACK_SERVER } from '../../../test/support/server-under-test.ts';
import type { Finding, Scenario } from '../../scenario.ts';
import { startDefaultCoturn } from '../../support/default-coturn.ts';
import { PeerAsker, type PeerAnswers } from '../../support/peer-asker.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { SPECIAL_PEERS, type SpecialPeer } from './special-peers.ts';

const FORBIDDEN = 403;
const PORTS = [80, 5000];
/** An address of no special purpose: shows that the route is as open as it is meant to be. */
const ORDINARY = ['203.0.113.7', '2001:db8::7'];
const OPEN_CLUSTER = [
  { name: 'peers', type: 'STATIC', endpoints: ['0.0.0.0/0:1-65535', '[::]/0:1-65535'] },
];

/** Special-purpose addresses as peers. */
export const peerBattery: Scenario = {
  name: 'peer-battery',
  promise: 'no special-purpose address is a peer, not even when a route names all addresses',
  missing: missingBuild,
  run: ({ progress }) =>
    Cleanup.around(async (cleanup) => {
      progress(`${SPECIAL_PEERS.length} addresses, gateway`);
      const own = [
        ...(await tryGateway(cleanup, 'reactor')),
        ...(await tryGateway(cleanup, 'portable')),
      ];
      const missing = missingTool('turnserver');
      if (missing !== false) return own;
      progress('the same, coturn');
      return [...own, await tryCoturn(cleanup)];
    }),
};

async function tryGateway(cleanup: Cleanup, mode: 'reactor' | 'portable'): Promise<Finding[]> {
  const gateway = await OperatedGateway.start(
    cleanup,
    { clusters: OPEN_CLUSTER },
    { mode, relayAddresses: ['127.0.0.1', '::1'] },
  );
  const credential = ephemeralCredential(LOOPBACK_SERVER.secret, 'alice');
  const asker = await PeerAsker.open(cleanup, gateway.server, credential);
  const odd = await askAll(asker, (code) => code !== FORBIDDEN);
  const open = await Promise.all(ORDINARY.map((ip) => asker.ask(ip, 5000)));
  const admitted = open.filter((answers) => isAny(answers, (code) => code === 0)).length;
  return [
    {
      what: `special-purpose peers, ${mode} mode`,
      figure: `${odd.length} of ${SPECIAL_PEERS.length} not refused with 403${named(odd)}`,
      bound: '0',
      holds: odd.length === 0,
    },
    {
      what: `ordinary peers of the same route, ${mode} mode`,
      figure: `${admitted} of ${ORDINARY.length} permitted`,
      bound: 'all',
      holds: admitted === ORDINARY.length,
    },
  ];
}

async function tryCoturn(cleanup: Cleanup): Promise<Finding> {
  const credential = { username: 'alice', password: 'a password for tests' };
  const server = await startDefaultCoturn(cleanup, credential);
  const asker = await PeerAsker.open(cleanup, server, credential);
  const permitted = await askAll(asker, (code) => code === 0);
  return {
    what: 'special-purpose peers, coturn with its defaults',
    figure: `${permitted.length} of ${SPECIAL_PEERS.length} permitted`,
    bound: 'none, for comparison',
    holds: true,
  };
}

/** The peers to which a permission or channel is answered as `matches` says. */
async function askAll(
  asker: PeerAsker,
  matches: (code: number) => boolean,
): Promise<SpecialPeer[]> {
  const found = new Set<SpecialPeer>();
  for (const port of PORTS) {
    for (const peer of SPECIAL_PEERS) {
      if (isAny(await asker.ask(peer.ip, port), matches)) found.add(peer);
    }
  }
  return [...found];
}

function isAny(
  { createPermission, channelBind }: PeerAnswers,
  matches: (code: number) => boolean,
): boolean {
  return matches(createPermission) || matches(channelBind);
}

function named(peers: readonly SpecialPeer[]): string {
  return peers.map(({ ip, what, source }) => `; ${ip} (${what}, ${source})`).join('');
}
