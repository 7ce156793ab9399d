import t from 'tap';
import type { TransportAddress } from '../../src/stun/transport-address.ts';
import { within } from '../support/child-process.ts';
import { ephemeralCredential } from '../support/credentials.ts';
import { openDnsServer } from '../support/dns-server.ts';
import { openUdpEchoPeer } from '../support/echo-peer.ts';
import { freePorts, PEER_PORTS } from '../support/free-ports.ts';
import {
  configurationFor,
  flagsFor,
  missingBuild,
  startReady,
} from '../support/gateway-process.ts';
import { LOOPBACK_SERVER } from '../support/server-under-test.ts';
import { addressFrom, TurnClient, TurnError } from '../support/turn-client.ts';

const PRELOAD = new URL('../support/test-dns.mjs', import.meta.url).href;
const NAME = 'media.test';
const METADATA_SERVICE = '169.254.169.254';
const OLD_CHANNEL = 0x4000;
const NEW_CHANNEL = 0x4001;
const ADMISSION_MS_MAX = 10_000;

for (const mode of ['reactor', 'portable'] as const) {
  await t.test(`routes by name in ${mode} mode`, { skip: missingBuild() }, async (t) => {
    const [oldPeer, newPeer] = [await openUdpEchoPeer(), await openUdpEchoPeer('127.0.0.2')];
    t.teardown(() => [oldPeer, newPeer].forEach((peer) => peer.close()));
    const dns = await openDnsServer(['127.0.0.1']);
    t.teardown(() => dns.close());
    const port = await freePorts(2);
    const cluster = {
      name: 'peers',
      type: 'STRICT_DNS',
      endpoints: [`${NAME}:${PEER_PORTS}`],
      dangerously_allow: ['127.0.0.1', '127.0.0.2'],
    };
    const options = { ...LOOPBACK_SERVER, mode };
    const gateway = await startReady(
      { ...configurationFor(options, port, port + 1), clusters: [cluster] },
      flagsFor(options),
      { NODE_OPTIONS: `--import ${PRELOAD}`, TEST_DNS_SERVER: dns.address },
    );
    t.teardown(() => {
      if (!t.passing()) t.comment(gateway.child.output);
      return gateway.stop();
    });
    const { child } = gateway;
    const client = await TurnClient.open({
      server: { host: '127.0.0.1', port },
      credential: ephemeralCredential(LOOPBACK_SERVER.secret, 'alice'),
    });
    t.teardown(() => client.close());
    const relayed = (await client.allocate()).relayed[0]!;
    /** Waits for a line of the log after those of the step before. */
    let seen = 0;
    const waitForRecord = async (record: object): Promise<void> => {
      const entries = Object.entries(record).map(([key, value]) => `"${key}":"${value}"`);
      await child.waitForLine(() =>
        child.lines.slice(seen).some((line) => entries.every((entry) => line.includes(entry))),
      );
    };
    const changeAnswer = (answer: typeof dns.answer): void => {
      seen = child.lines.length;
      dns.answer = answer;
    };
    const echo = async (channel: number, text: string): Promise<void> => {
      client.sendOnChannel(channel, Buffer.from(text));
      const { source, data } = await client.receive();
      t.same([source, data.toString()], [channel, text], text);
    };
    const refused = (peer: TransportAddress, why: string): Promise<unknown> =>
      t.rejects(client.createPermission(peer), { code: 403 }, why);

    await untilAdmitted(client, oldPeer.address);
    await client.channelBind(OLD_CHANNEL, oldPeer.address);
    await echo(OLD_CHANNEL, 'the name resolves');
    await refused(newPeer.address, 'another address');

    changeAnswer(['127.0.0.2', METADATA_SERVICE]);
    await waitForRecord({ msg: 'peer denied', request: 'routeChange', peer: '127.0.0.1' });
    await waitForRecord({ scope: 'dns', problem: 'forbiddenAnswer', detail: METADATA_SERVICE });
    await client.channelBind(NEW_CHANNEL, newPeer.address);
    client.sendOnChannel(OLD_CHANNEL, Buffer.from('too late'));
    oldPeer.send(relayed, 'too late');
    await echo(NEW_CHANNEL, 'the name resolves to another address');
    t.notOk(oldPeer.received.includes('too late'), 'nothing reaches the old address');
    await refused(oldPeer.address, 'the old address');
    await refused(addressFrom(METADATA_SERVICE, 80), 'a forbidden address of the answer');

    changeAnswer('SERVFAIL');
    await waitForRecord({ scope: 'dns', problem: 'lookUpFailed', detail: 'ESERVFAIL' });
    await client.createPermission(newPeer.address);
    await echo(NEW_CHANNEL, 'a failure keeps the last good answer');
    await refused(oldPeer.address, 'the old address while look-ups fail');

    changeAnswer([METADATA_SERVICE]);
    await waitForRecord({ scope: 'dns', problem: 'forbiddenAnswer' });
    await client.createPermission(newPeer.address);
    await echo(NEW_CHANNEL, 'so does an answer with nothing but forbidden addresses');

    changeAnswer(['127.0.0.2']);
    await waitForRecord({ scope: 'dns', msg: 'name resolves again' });
    await echo(NEW_CHANNEL, 'the name resolves again');
  });
}

/** Asks until the gateway, which may be ready before its first look-up is, admits the peer. */
async function untilAdmitted(client: TurnClient, peer: TransportAddress): Promise<void> {
  const deadline = new AbortController();
  const ask = async (): Promise<void> => {
    while (!deadline.signal.aborted) {
      try {
        return await client.createPermission(peer);
      } catch (error) {
        if (!(error instanceof TurnError) || error.code !== 403) throw error;
      }
    }
  };
  const tooLate = (): string => `${peer.toString()} is not admitted`;
  await within(ADMISSION_MS_MAX, ask(), tooLate).finally(() => deadline.abort());
}
