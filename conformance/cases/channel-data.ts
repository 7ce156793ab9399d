import type { ConformanceCase, Topic } from '../conformance-case.ts';
import { expectEqual, expectThat } from '../expectations.ts';
import { onDatagrams, onUdp } from '../requirements.ts';
import { channelData } from '../wire/channel-data.ts';
import { counting, SIZES } from './payloads.ts';

const RFC = 'RFC 8656';
const CHANNEL = 0x4000;

/** Data both ways on channels, and what is not relayed. */
export const CHANNEL_DATA: Topic = {
  name: 'channel-data',
  cases: [...onChannels(), ...notOnChannels()],
};

function onChannels(): ConformanceCase[] {
  const both = (length: number): ConformanceCase[] => [
    {
      id: `channel-data-${length}`,
      rfc: RFC,
      section: '12.6',
      title: `ChannelData with ${length} bytes reaches the peer as a datagram of that size`,
      run: async (session) => {
        const { client, peer } = await session.scene();
        await client.bind(CHANNEL, peer.address);
        const payload = counting(length);
        client.sendOn(CHANNEL, payload);
        await peer.expect(payload);
      },
    },
    {
      id: `channel-data-back-${length}`,
      rfc: RFC,
      section: '12.7',
      title: `a datagram of ${length} bytes from a peer with a channel reaches the client as ChannelData`,
      run: async (session) => {
        const { client, peer } = await session.scene();
        await client.bind(CHANNEL, peer.address);
        const payload = counting(length);
        peer.send(payload, client.relayFor(peer.address));
        const { from, payload: seen } = await client.nextData();
        expectEqual('the channel', from, CHANNEL);
        expectThat(seen?.equals(payload) ?? false, `${seen?.length} bytes`);
      },
    },
  ];
  return [
    ...SIZES.flatMap(both),
    {
      id: 'channel-data-source',
      rfc: RFC,
      section: '12.6',
      title: 'it comes from the relayed address',
      run: async (session) => {
        const { client, peer } = await session.scene();
        await client.bind(CHANNEL, peer.address);
        client.sendOn(CHANNEL, 'from where?');
        const { from } = await peer.receive();
        expectEqual('the port', from.port, client.relayFor(peer.address).port);
      },
    },
    {
      id: 'channel-data-padded',
      rfc: RFC,
      section: '12.5',
      title: 'padding behind ChannelData in a datagram is not relayed',
      requires: [onDatagrams],
      run: async (session) => {
        const { client, peer } = await session.scene();
        await client.bind(CHANNEL, peer.address);
        client.link.send(Buffer.concat([channelData(CHANNEL, 'five!'), Buffer.alloc(3)]));
        await peer.expect('five!');
      },
    },
    {
      id: 'channel-data-unpadded',
      rfc: RFC,
      section: '12.5',
      title: 'ChannelData in a datagram needs no padding, either way',
      requires: [onUdp],
      run: async (session) => {
        const { client, peer } = await session.scene();
        await client.bind(CHANNEL, peer.address);
        client.sendOn(CHANNEL, 'five!');
        await peer.expect('five!');
        peer.send('five?', client.relayFor(peer.address));
        const { payload } = await client.nextData();
        expectEqual('the data', payload?.toString(), 'five?');
      },
    },
    {
      id: 'channel-data-largest',
      rfc: RFC,
      section: '12.6',
      title: 'ChannelData with 1472 bytes, a full Ethernet frame, arrives',
      run: async (session) => {
        const { client, peer } = await session.scene();
        await client.bind(CHANNEL, peer.address);
        client.sendOn(CHANNEL, counting(1472));
        await peer.expect(counting(1472));
      },
    },
    {
      id: 'channel-and-send',
      rfc: RFC,
      section: '12',
      title: 'a peer with a channel can still be sent to by Send indications',
      run: async (session) => {
        const { client, peer } = await session.scene();
        await client.bind(CHANNEL, peer.address);
        client.sendTo(peer.address, 'not on the channel');
        await peer.expect('not on the channel');
      },
    },
  ];
}

function notOnChannels(): ConformanceCase[] {
  const discarded = (
    id: string,
    what: string,
    message: Buffer,
    isOnUdp = false,
  ): ConformanceCase => ({
    id: `channel-data-${id}`,
    rfc: RFC,
    section: '12.6',
    title: `${what} is discarded`,
    ...(isOnUdp ? { requires: [onDatagrams] } : {}),
    run: async (session) => {
      const { client, peer } = await session.scene();
      await client.bind(CHANNEL, peer.address);
      await client.expectSilence(message);
      if (client.link.inbox.isEnded) return;
      client.sendOn(CHANNEL, 'the next');
      await peer.expect('the next');
    },
  });
  const beyond = channelData(CHANNEL, 'beyond');
  beyond.writeUInt16BE(100, 2);
  const firstBytes = Array.from({ length: 256 }, (_, byte) => byte).filter(isNoFirstByte);
  return [
    discarded('unbound', 'ChannelData on a number that is not bound', channelData(0x4001, 'none')),
    discarded('reserved', 'ChannelData on a reserved number', channelData(0x5000, 'none'), true),
    discarded('beyond', 'ChannelData that is longer than its datagram', beyond, true),
    discarded('header-cut', 'ChannelData of two bytes', beyond.subarray(0, 2), true),
    {
      id: 'channel-data-no-allocation',
      rfc: RFC,
      section: '5',
      title: 'ChannelData without an allocation is discarded',
      run: async (session) =>
        (await session.stranger()).expectSilence(channelData(CHANNEL, 'none')),
    },
    {
      id: 'first-bytes',
      rfc: RFC,
      section: '12',
      title: 'datagrams with a first byte that begins nothing are discarded, each of them',
      requires: [onUdp],
      run: async (session) => {
        const messages = firstBytes.map((byte) => Buffer.alloc(32, byte));
        await (await session.stranger()).expectSilence(...messages);
      },
    },
  ];
}

/** Begins neither STUN, nor DTLS, nor ChannelData (RFC 8656 §12, Table 3). */
function isNoFirstByte(byte: number): boolean {
  return (byte > 3 && byte < 20) || byte > 79;
}
