import { setTimeout as pause } from 'node:timers/promises';
import { DNS_TTL_MIN_SECONDS } from '../../../src/limits.ts';
import { ephemeralCredential } from '../../../test/support/credentials.ts';
import { openDnsServer } from '../../../test/support/dns-server.ts';
import { openUdpEchoPeer, type UdpEchoPeer } from '../../../test/support/echo-peer.ts';
import { PEER_PORTS } from '../../../test/support/free-ports.ts';
import { missingBuild } from '../../../test/support/gateway-process.ts';
import { OperatedGateway } from '../../../test/support/operated-gateway.ts';
import { poll } from '../../../test/support/poll.ts';
import { LOOPBACK_SERVER } from '../../../test/support/server-under-test.ts';
import { TurnClient, TurnError } from '../../../test/support/turn-client.ts';
import type { Finding, Scenario } from '../../scenario.ts';
import { Cleanup } from '../../support/cleanup.ts';

const PRELOAD = new URL('../../../test/support/test-dns.mjs', import.meta.url).href;
const FLIPS = 10_000;
const LOOK_UP_INTERVAL_MS = 3;
/** So long a flip may take on a busy machine. */
const FLIP_MS_MAX = 30;
const ALLOWED = '127.0.0.1';
/** On the hard deny list, without exception. */
const DENIED = '127.0.0.2';
const ANSWERS = [[ALLOWED], [DENIED], [DENIED, ALLOWED], [DENIED, '169.254.169.254']];

/** A name that changes its mind. */
export const dnsRebind: Scenario = {
  name: 'dns-rebind',
  promise:
    'no answer of a DNS server leads to an address of the deny list, however often it changes',
  missing: missingBuild,
  run: ({ scale, progress }) =>
    Cleanup.around(async (cleanup) => {
      const flips = Math.ceil(FLIPS * scale);
      const dns = { answered: 0 };
      const server = await openDnsServer([ALLOWED], (self) => {
        self.answer = ANSWERS[dns.answered++ % ANSWERS.length]!;
      });
      cleanup.teardown(() => server.close());
      const gateway = await startGateway(cleanup, server.address);
      const denied = await openUdpEchoPeer(DENIED);
      cleanup.teardown(() => denied.close());
      const client = await openClient(cleanup, gateway);
      const asked = { denied: 0, permitted: 0 };
      let next = 0;
      const deadline = performance.now() + FLIP_MS_MAX * flips;
      while (dns.answered < flips && performance.now() < deadline) {
        await tryBoth(client, gateway.peer, denied, asked);
        if (dns.answered >= next) progress(`${dns.answered} of ${flips} answers`);
        while (next <= dns.answered) next += flips / 10;
      }
      await pause(LOOK_UP_INTERVAL_MS * 10);
      return findings({ flips, answers: dns.answered }, gateway.peer, denied, asked);
    }),
};

function startGateway(cleanup: Cleanup, dnsServer: string): Promise<OperatedGateway> {
  const cluster = {
    name: 'peers',
    type: 'STRICT_DNS',
    endpoints: [`media.test:${PEER_PORTS}`],
    dangerously_allow: [ALLOWED],
  };
  return OperatedGateway.start(
    cleanup,
    { clusters: [cluster] },
    {},
    {
      NODE_OPTIONS: `--import ${PRELOAD}`,
      TEST_DNS_SERVER: dnsServer,
      TEST_DNS_INTERVAL_MS: `${LOOK_UP_INTERVAL_MS}`,
    },
  );
}

async function openClient(
  cleanup: Cleanup,
  { server, peer }: OperatedGateway,
): Promise<TurnClient> {
  const credential = ephemeralCredential(LOOPBACK_SERVER.secret, 'alice');
  const client = await TurnClient.open({ server, credential });
  cleanup.teardown(() => client.close());
  client.onData = () => undefined;
  await client.allocate();
  await poll(
    () => isPermitted(client, peer),
    (isAdmitted) => isAdmitted,
  );
  return client;
}

/** Sends to both peers whatever the answer to the request for a permission is. */
async function tryBoth(
  client: TurnClient,
  allowed: UdpEchoPeer,
  denied: UdpEchoPeer,
  asked: { denied: number; permitted: number },
): Promise<void> {
  asked.denied++;
  if (await isPermitted(client, denied)) asked.permitted++;
  for (const peer of [denied, allowed]) client.send(peer.address, Buffer.from('anything'));
}

async function isPermitted(client: TurnClient, { address }: UdpEchoPeer): Promise<boolean> {
  try {
    await client.createPermission(address);
    return true;
  } catch (error) {
    if (error instanceof TurnError && error.code === 403) return false;
    throw error;
  }
}

function findings(
  { flips, answers }: { flips: number; answers: number },
  allowed: UdpEchoPeer,
  denied: UdpEchoPeer,
  asked: { denied: number; permitted: number },
): Finding[] {
  const how = `one every ${LOOK_UP_INTERVAL_MS} ms in place of ${DNS_TTL_MIN_SECONDS} s`;
  return [
    {
      what: 'datagrams to an address of the deny list that a name resolved to',
      figure: `${denied.arrived}, over ${answers} answers (${how})`,
      bound: `0 over ${flips}`,
      holds: denied.arrived === 0 && answers >= flips,
    },
    {
      what: 'permissions for it',
      figure: `${asked.permitted} of ${asked.denied}`,
      bound: '0',
      holds: asked.permitted === 0,
    },
    {
      what: 'datagrams to the allowed address meanwhile',
      figure: `${allowed.arrived} of ${asked.denied}`,
      bound: '>= 90 %',
      holds: allowed.arrived >= asked.denied * 0.9,
    },
  ];
}
