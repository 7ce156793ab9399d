import t, { type Test } from 'tap';
import { ephemeralCredential } from '../support/credentials.ts';
import { openUdpEchoPeer, type UdpEchoPeer } from '../support/echo-peer.ts';
import { freePorts } from '../support/free-ports.ts';
import { configurationFor, missingBuild, startReady } from '../support/gateway-process.ts';
import { poll } from '../support/poll.ts';
import { openDescriptors } from '../support/process-usage.ts';
import { LOOPBACK_SERVER } from '../support/server-under-test.ts';
import { TurnClient } from '../support/turn-client.ts';

/** More datagrams in a row to one peer than it takes for a socket of its own. */
const MANY = 300;
const CHANNELS = [0x4000, 0x4001] as const;

const skip =
  missingBuild() || (process.platform !== 'linux' && 'sockets are so used on Linux only');

t.test('a peer that gets nearly everything leaves the others their way', { skip }, async (t) => {
  const { client, pid } = await openClient(t);
  const peers = [await openPeer(t, '127.0.0.1'), await openPeer(t, '127.0.0.2')] as const;
  const sibling = await openPeer(t, '127.0.0.1');
  const relayed = (await client.allocate()).relayed[0]!;
  for (const [index, { address }] of peers.entries()) {
    await client.channelBind(CHANNELS[index]!, address);
  }
  const before = openDescriptors(pid);

  const expectUnasked = async (peer: UdpEchoPeer, source: unknown): Promise<void> => {
    peer.send(relayed, 'unasked');
    t.same(await client.receive(), { data: Buffer.from('unasked'), source });
  };
  for (const [index, peer] of [...peers, peers[0]].entries()) {
    const channel = CHANNELS[index % 2]!;
    for (let count = 0; count < MANY; count++) {
      client.sendOnChannel(channel, Buffer.from(`${index}:${count}`));
      const { data, source } = await client.receive();
      if (data.toString() !== `${index}:${count}` || source !== channel) t.fail(`lost ${count}`);
    }
    t.equal(openDescriptors(pid), before + 1, 'one socket more, whichever the peer is');
    await expectUnasked(peers[0], CHANNELS[0]);
    await expectUnasked(peers[1], CHANNELS[1]);
    await expectUnasked(sibling, sibling.address);
    client.send(sibling.address, Buffer.from('to another port'));
    t.same(await client.receive(), {
      data: Buffer.from('to another port'),
      source: sibling.address,
    });
    t.equal(peer.received.at(-1), `${index}:${MANY - 1}`);
  }

  await client.refresh(0);
  await poll(
    () => openDescriptors(pid),
    (count) => count === before - 1,
  );
  t.pass('closed with the allocation');
});

async function openClient(t: Test): Promise<{ client: TurnClient; pid: number }> {
  const port = await freePorts(2);
  const clusters = [
    { name: 'peers', endpoints: ['127.0.0.0/29'], dangerously_allow: ['127.0.0.0/29'] },
  ];
  const configuration = configurationFor(LOOPBACK_SERVER, port, port + 1);
  const gateway = await startReady({ ...configuration, clusters });
  t.teardown(() => gateway.stop());
  const client = await TurnClient.open({
    server: { host: '127.0.0.1', port },
    transport: 'udp',
    credential: ephemeralCredential(LOOPBACK_SERVER.secret, 'alice'),
  });
  t.teardown(() => client.close());
  return { client, pid: gateway.child.pid };
}

async function openPeer(t: Test, ip: string): Promise<UdpEchoPeer> {
  const peer = await openUdpEchoPeer(ip);
  t.teardown(() => peer.close());
  return peer;
}
