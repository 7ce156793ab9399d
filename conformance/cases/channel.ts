import type { ConformanceCase, Topic } from '../conformance-case.ts';
import { expectError, expectSuccess, expectThat } from '../expectations.ts';
import { withForbiddenPeer, withOtherUser } from '../requirements.ts';
import { familyOf, IPV4, IPV6, type Address, type Family } from '../wire/address.ts';
import { attribute, channelNumber, xorPeerAddress, type Attribute } from '../wire/attributes.ts';
import { ATTRIBUTE, METHOD } from '../wire/numbers.ts';

const RFC = 'RFC 8656';
const CHANNEL = 0x4000;
const OTHER_CHANNEL = 0x4001;

/** Channels: a short name for a peer. */
export const CHANNELS: Topic = {
  name: 'channel',
  cases: [...numbers(), ...incomplete(), ...bound(), ...refused()],
};

function numbers(): ConformanceCase[] {
  const number = (value: number, isGood: boolean): ConformanceCase => {
    const name = `0x${value.toString(16).padStart(4, '0').toUpperCase()}`;
    return {
      id: `channel-number-${name.slice(2).toLowerCase()}`,
      rfc: RFC,
      section: '12',
      title: isGood ? `${name} is a channel number` : `${name} is no channel number (400)`,
      run: async (session) => {
        const peer = await session.peer();
        const client = await session.allocatedFor(familyOf(peer.address.ip));
        const reply = await client.channelBind(value, peer.address);
        if (isGood) expectSuccess(reply);
        else expectError(reply, 400);
      },
    };
  };
  return [
    ...[0x4000, 0x4001, 0x4fff].map((value) => number(value, true)),
    ...[0x0000, 0x0001, 0x3fff, 0x5000, 0x7fff, 0x8000, 0xffff].map((value) =>
      number(value, false),
    ),
    {
      id: 'channel-signed',
      rfc: 'RFC 8489',
      section: '9.2.4',
      title: 'the response to ChannelBind is signed',
      run: async (session) => {
        const { client, peer } = await session.scene();
        const reply = expectSuccess(await client.channelBind(CHANNEL, peer.address));
        expectThat(reply.isSigned(ATTRIBUTE.MESSAGE_INTEGRITY, client.key()), 'it is not');
      },
    },
    {
      id: 'channel-reserved-bits',
      rfc: RFC,
      section: '18.1',
      title: 'the reserved bits of CHANNEL-NUMBER are ignored',
      run: async (session) => {
        const { client, peer } = await session.scene();
        const attributes = [channelNumber(CHANNEL, 0xffff), xorPeerAddress(peer.address)];
        expectSuccess(await client.request(METHOD.CHANNEL_BIND, attributes));
      },
    },
  ];
}

function incomplete(): ConformanceCase[] {
  const { CHANNEL_NUMBER, XOR_PEER_ADDRESS } = ATTRIBUTE;
  const table: readonly (readonly [string, string, (peer: Address) => Attribute[]])[] = [
    ['no-number', 'without CHANNEL-NUMBER', (peer) => [xorPeerAddress(peer)]],
    ['no-peer', 'without XOR-PEER-ADDRESS', () => [channelNumber(CHANNEL)]],
    ['nothing', 'without either', () => []],
    [
      'number-short',
      'with CHANNEL-NUMBER of two bytes',
      (peer) => [attribute(CHANNEL_NUMBER, [0x40, 0]), xorPeerAddress(peer)],
    ],
    [
      'number-long',
      'with CHANNEL-NUMBER of eight bytes',
      (peer) => [attribute(CHANNEL_NUMBER, [0x40, 0, 0, 0, 0, 0, 0, 0]), xorPeerAddress(peer)],
    ],
    [
      'peer-short',
      'with a peer of four bytes',
      () => [channelNumber(CHANNEL), attribute(XOR_PEER_ADDRESS, [0, 1, 0, 9])],
    ],
    [
      'peer-family',
      'with a peer of an unknown family',
      () => [channelNumber(CHANNEL), attribute(XOR_PEER_ADDRESS, [0, 3, 0, 9, 1, 2, 3, 4])],
    ],
  ];
  return table.map(([id, what, attributesOf]) => ({
    id: `channel-${id}`,
    rfc: RFC,
    section: '12.2',
    title: `ChannelBind ${what} is refused with 400`,
    run: async (session) => {
      const { client, peer } = await session.scene();
      const attributes = attributesOf(peer.address);
      expectError(await client.request(METHOD.CHANNEL_BIND, attributes), 400);
    },
  }));
}

function bound(): ConformanceCase[] {
  return [
    {
      id: 'channel-again',
      rfc: RFC,
      section: '12.2',
      title: 'a channel can be bound again to its peer',
      run: async (session) => {
        const { client, peer } = await session.scene();
        await client.bind(CHANNEL, peer.address);
        await client.bind(CHANNEL, peer.address);
      },
    },
    {
      id: 'channel-other-peer',
      rfc: RFC,
      section: '12.2',
      title: 'a channel of one peer is refused for another with 400',
      run: async (session) => {
        const { client, peer } = await session.scene();
        const other = await session.peer();
        await client.bind(CHANNEL, peer.address);
        expectError(await client.channelBind(CHANNEL, other.address), 400);
      },
    },
    {
      id: 'channel-other-number',
      rfc: RFC,
      section: '12.2',
      title: 'a peer with a channel is refused another one with 400',
      run: async (session) => {
        const { client, peer } = await session.scene();
        await client.bind(CHANNEL, peer.address);
        expectError(await client.channelBind(OTHER_CHANNEL, peer.address), 400);
      },
    },
    {
      id: 'channel-refused-keeps',
      rfc: RFC,
      section: '12.2',
      title: 'a refused ChannelBind leaves the channel as it is',
      run: async (session) => {
        const { client, peer } = await session.scene();
        const other = await session.peer();
        await client.bind(CHANNEL, peer.address);
        expectError(await client.channelBind(CHANNEL, other.address), 400);
        client.sendOn(CHANNEL, 'still here');
        await peer.expect('still here');
      },
    },
    {
      id: 'channel-per-port',
      rfc: RFC,
      section: '12',
      title: 'two ports of one IP address have a channel each',
      run: async (session) => {
        const { client, peer } = await session.scene();
        const other = await session.peer();
        await client.bind(CHANNEL, peer.address);
        await client.bind(OTHER_CHANNEL, other.address);
        client.sendOn(OTHER_CHANNEL, 'to the other');
        await other.expect('to the other');
      },
    },
    {
      id: 'channel-permits',
      rfc: RFC,
      section: '12.2',
      title: 'ChannelBind installs a permission, too',
      run: async (session) => {
        const peer = await session.peer();
        const client = await session.allocatedFor(familyOf(peer.address.ip));
        await client.bind(CHANNEL, peer.address);
        client.sendTo(peer.address, 'permitted');
        await peer.expect('permitted');
      },
    },
    {
      id: 'channel-own',
      rfc: RFC,
      section: '12',
      title: 'the same number means another peer in another allocation',
      run: async (session) => {
        const [one, two] = [await session.scene(), await session.scene()];
        await one.client.bind(CHANNEL, one.peer.address);
        await two.client.bind(CHANNEL, two.peer.address);
        one.client.sendOn(CHANNEL, 'one');
        two.client.sendOn(CHANNEL, 'two');
        await one.peer.expect('one');
        await two.peer.expect('two');
      },
    },
  ];
}

function refused(): ConformanceCase[] {
  const otherFamily = (family: Family): ConformanceCase => ({
    id: `channel-family-${family === IPV4 ? 'ipv6' : 'ipv4'}`,
    rfc: RFC,
    section: '12.2',
    title: `an allocation of IPv${family === IPV4 ? 4 : 6} refuses a peer of the other family with 443`,
    run: async (session) => {
      const client = await session.allocatedFor(family);
      const ip = family === IPV4 ? '2001:db8::1' : '192.0.2.1';
      expectError(await client.channelBind(CHANNEL, { ip, port: 9 }), 443);
    },
  });
  return [
    otherFamily(IPV4),
    otherFamily(IPV6),
    {
      id: 'channel-forbidden',
      rfc: RFC,
      section: '12.2',
      title: 'a forbidden peer is refused with 403',
      requires: [withForbiddenPeer],
      run: async (session) => {
        const ip = session.setup.forbidden!;
        const client = await session.allocatedFor(familyOf(ip));
        expectError(await client.channelBind(CHANNEL, { ip, port: 9 }), 403);
      },
    },
    ...['2002:7f00:1::1', '2001::7f00:1'].map((ip): ConformanceCase => ({
      id: `channel-${ip.startsWith('2002') ? '6to4' : 'teredo'}`,
      rfc: RFC,
      section: '21.4',
      title: `a ${ip.startsWith('2002') ? '6to4' : 'Teredo'} address is no peer (403)`,
      run: async (session) => {
        const client = await session.allocatedFor(IPV6);
        expectError(await client.channelBind(CHANNEL, { ip, port: 9 }), 403);
      },
    })),
    {
      id: 'channel-no-allocation',
      rfc: RFC,
      section: '5',
      title: 'ChannelBind without an allocation is refused with 437',
      run: async (session) => {
        const peer = await session.peer();
        expectError(await (await session.client()).channelBind(CHANNEL, peer.address), 437);
      },
    },
    {
      id: 'channel-other-user',
      rfc: RFC,
      section: '5',
      title: 'ChannelBind by another user is refused with 441',
      requires: [withOtherUser],
      run: async (session) => {
        const { client, peer } = await session.scene();
        const account = session.setup.other!;
        expectError(await client.channelBind(CHANNEL, peer.address, { account }), 441);
      },
    },
  ];
}
