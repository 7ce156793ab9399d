import type { ConformanceCase, Topic } from '../conformance-case.ts';
import { expectAttribute, expectEqual, expectSuccess, expectThat } from '../expectations.ts';
import {
  withForbiddenPeer,
  withIpv4Peer,
  withLoopbackPeer,
  withPeersOfBothFamilies,
} from '../requirements.ts';
import { addressText, IPV4, IPV6, type Address } from '../wire/address.ts';
import {
  additionalFamily,
  attribute,
  data,
  lifetime,
  xorPeerAddress,
  type Attribute,
} from '../wire/attributes.ts';
import { MessageWriter } from '../wire/message-writer.ts';
import { ATTRIBUTE, CLASS, METHOD } from '../wire/numbers.ts';
import { counting, SIZES } from './payloads.ts';

const RFC = 'RFC 8656';
const STRANGER_IP = '127.0.0.2';
const MESSAGES_IN_ORDER = 50;
const ICMP_DESTINATION_UNREACHABLE = 3;
const ICMP_PORT_UNREACHABLE = 3;

/** Data both ways in indications, and what is not relayed. */
export const DATA: Topic = {
  name: 'data',
  cases: [...sent(), ...notSent(), ...received(), ...dual(), ...icmp()],
};

function sent(): ConformanceCase[] {
  const size = (length: number): ConformanceCase => ({
    id: `send-${length}`,
    rfc: RFC,
    section: '11.2',
    title: `a Send indication with ${length} bytes reaches the peer as a datagram of that size`,
    run: async (session) => {
      const { client, peer } = await session.scene();
      const payload = counting(length);
      client.sendTo(peer.address, payload);
      await peer.expect(payload);
    },
  });
  return [
    ...SIZES.map(size),
    {
      id: 'send-source',
      rfc: RFC,
      section: '11.2',
      title: 'it comes from the relayed address',
      run: async (session) => {
        const { client, peer } = await session.scene();
        client.sendTo(peer.address, 'from where?');
        const { from } = await peer.receive();
        expectEqual('the port', from.port, client.relayFor(peer.address).port);
      },
    },
    {
      id: 'send-dont-fragment',
      rfc: RFC,
      section: '11.2',
      title:
        'a Send indication with DONT-FRAGMENT is relayed where Allocate grants it, discarded elsewhere',
      run: async (session) => {
        const peer = await session.peer();
        const client = await session.client();
        const granted = await client.allocate([attribute(ATTRIBUTE.DONT_FRAGMENT)]);
        if (granted.errorCode !== undefined) expectSuccess(await client.allocate());
        await client.permit(peer.address);
        client.sendTo(peer.address, 'in one piece', [attribute(ATTRIBUTE.DONT_FRAGMENT)]);
        client.sendTo(peer.address, 'in any');
        if (granted.errorCode === undefined) await peer.expect('in one piece');
        await peer.expect('in any');
      },
    },
    {
      id: 'send-optional',
      rfc: 'RFC 8489',
      section: '6.3.2',
      title: 'a Send indication with an unknown optional attribute is relayed',
      run: async (session) => {
        const { client, peer } = await session.scene();
        client.sendTo(peer.address, 'optional', [attribute(0xfff1, 'x')]);
        await peer.expect('optional');
      },
    },
    {
      id: 'send-in-order',
      rfc: RFC,
      section: '11.2',
      title: `${MESSAGES_IN_ORDER} Send indications arrive in their order`,
      run: async (session) => {
        const { client, peer } = await session.scene();
        const texts = Array.from({ length: MESSAGES_IN_ORDER }, (_, index) => `message ${index}`);
        for (const text of texts) client.sendTo(peer.address, text);
        for (const text of texts) await peer.expect(text);
      },
    },
  ];
}

/** Send indications that are to be passed over: the next one that is not arrives alone. */
function notSent(): ConformanceCase[] {
  const table: readonly (readonly [string, string, (peer: Address) => readonly Attribute[]])[] = [
    ['no-data', 'without DATA', (peer) => [xorPeerAddress(peer)]],
    ['no-peer', 'without XOR-PEER-ADDRESS', () => [data('x')]],
    [
      'peer-short',
      'with a peer of 4 bytes',
      () => [attribute(ATTRIBUTE.XOR_PEER_ADDRESS, [0, 1, 0, 9]), data('x')],
    ],
    [
      'unknown',
      'with an unknown comprehension-required attribute',
      (peer) => [xorPeerAddress(peer), data('x'), attribute(0x7ff1, 'x')],
    ],
  ];
  const discarded = table.map(([id, what, attributesOf]): ConformanceCase => ({
    id: `send-${id}`,
    rfc: id === 'unknown' ? 'RFC 8489' : RFC,
    section: id === 'unknown' ? '6.3.2' : '11.2',
    title: `a Send indication ${what} is discarded`,
    run: async (session) => {
      const { client, peer } = await session.scene();
      const writer = new MessageWriter(METHOD.SEND, CLASS.INDICATION);
      await client.expectSilence(writer.add(...attributesOf(peer.address)).written());
      client.sendTo(peer.address, 'the next');
      await peer.expect('the next');
    },
  }));
  return [
    ...discarded,
    {
      id: 'send-no-permission',
      rfc: RFC,
      section: '11.2',
      title: 'a Send indication to a peer without a permission is discarded',
      requires: [withLoopbackPeer],
      run: async (session) => {
        const { client, peer } = await session.scene();
        const stranger = await session.peerAt(STRANGER_IP);
        client.sendTo(stranger.address, 'not permitted');
        expectSuccess(await client.binding());
        await client.permit(stranger.address, peer.address);
        client.sendTo(stranger.address, 'permitted');
        await stranger.expect('permitted');
      },
    },
    {
      id: 'send-forbidden',
      rfc: RFC,
      section: '11.2',
      title: 'a Send indication to a forbidden peer is discarded in silence',
      requires: [withForbiddenPeer],
      run: async (session) => {
        const { client } = await session.scene();
        const peer = { ip: session.setup.forbidden!, port: 9 };
        const writer = new MessageWriter(METHOD.SEND, CLASS.INDICATION);
        await client.expectSilence(writer.add(xorPeerAddress(peer), data('x')).written());
      },
    },
    {
      id: 'send-no-allocation',
      rfc: RFC,
      section: '5',
      title: 'a Send indication without an allocation is discarded',
      run: async (session) => {
        const peer = { ip: '192.0.2.1', port: 9 };
        const writer = new MessageWriter(METHOD.SEND, CLASS.INDICATION);
        const indication = writer.add(xorPeerAddress(peer), data('x')).written();
        await (await session.stranger()).expectSilence(indication);
      },
    },
    {
      id: 'send-after-delete',
      rfc: RFC,
      section: '8.2',
      title: 'after the end of an allocation nothing is relayed',
      run: async (session) => {
        const { client, peer } = await session.scene();
        const other = await session.scene();
        expectSuccess(await client.refresh([lifetime(0)]));
        client.sendTo(peer.address, 'too late');
        expectSuccess(await client.binding());
        await other.client.permit(peer.address);
        other.client.sendTo(peer.address, 'of another');
        await peer.expect('of another');
      },
    },
  ];
}

function received(): ConformanceCase[] {
  const size = (length: number): ConformanceCase => ({
    id: `data-${length}`,
    rfc: RFC,
    section: '11.3',
    title: `a datagram of ${length} bytes from a peer reaches the client in a Data indication`,
    run: async (session) => {
      const { client, peer } = await session.scene();
      const payload = counting(length);
      peer.send(payload, client.relayFor(peer.address));
      const { indication, payload: seen } = await client.nextData();
      expectThat(indication !== undefined, 'ChannelData');
      expectThat(seen?.equals(payload) ?? false, `DATA of ${seen?.length ?? 'no'} bytes`);
    },
  });
  return [
    ...SIZES.map(size),
    {
      id: 'data-peer',
      rfc: RFC,
      section: '11.3',
      title: 'its XOR-PEER-ADDRESS is the address and port of the peer',
      run: async (session) => {
        const { client, peer } = await session.scene();
        peer.send('from whom?', client.relayFor(peer.address));
        const { indication } = await client.nextData();
        const seen = indication?.addressText(ATTRIBUTE.XOR_PEER_ADDRESS);
        expectEqual('XOR-PEER-ADDRESS', seen, addressText(peer.address));
      },
    },
    {
      id: 'data-no-permission',
      rfc: RFC,
      section: '11.3',
      title: 'a datagram from an address without a permission is discarded',
      requires: [withLoopbackPeer],
      run: async (session) => {
        const peer = await session.peer(IPV4);
        const client = await session.allocated();
        await client.permit(peer.address);
        const stranger = await session.peerAt(STRANGER_IP);
        stranger.send('not permitted', client.relayFor(peer.address));
        expectSuccess(await client.binding());
        peer.send('permitted', client.relayFor(peer.address));
        expectEqual('the data', (await client.nextData()).payload?.toString(), 'permitted');
      },
    },
    {
      id: 'data-any-port',
      rfc: RFC,
      section: '9',
      title: 'a datagram from another port of a permitted address arrives',
      run: async (session) => {
        const { client } = await session.scene();
        const other = await session.peer();
        other.send('from another port', client.relayFor(other.address));
        const { indication } = await client.nextData();
        const seen = indication?.addressText(ATTRIBUTE.XOR_PEER_ADDRESS);
        expectEqual('XOR-PEER-ADDRESS', seen, addressText(other.address));
      },
    },
  ];
}
function dual(): ConformanceCase[] {
  return [
    {
      id: 'dual-data',
      rfc: RFC,
      section: '7.2',
      title: 'an allocation of both families relays to a peer of each',
      requires: [withPeersOfBothFamilies],
      run: async (session) => {
        const peers = [await session.peer(IPV4), await session.peer(IPV6)];
        const client = await session.allocated([additionalFamily(IPV6)]);
        await client.permit(...peers.map(({ address }) => address));
        for (const peer of peers) {
          client.sendTo(peer.address, 'to each family');
          const { from } = await peer.receive();
          expectEqual('the port', from.port, client.relayFor(peer.address).port);
        }
      },
    },
    ...([IPV4, IPV6] as const).map((family): ConformanceCase => ({
      id: `family-${family === IPV4 ? 'ipv4' : 'ipv6'}-echo`,
      rfc: RFC,
      section: '13',
      title: `data goes both ways between a peer of IPv${family === IPV4 ? 4 : 6} and whatever the client is of`,
      run: async (session) => {
        const peer = await session.peer(family);
        const client = await session.allocatedFor(family);
        await client.permit(peer.address);
        client.sendTo(peer.address, 'there');
        await peer.expect('there');
        peer.send('and back', client.relayFor(peer.address));
        const { indication, payload } = await client.nextData();
        expectEqual('the data', payload?.toString(), 'and back');
        const seen = indication?.addressText(ATTRIBUTE.XOR_PEER_ADDRESS);
        expectEqual('XOR-PEER-ADDRESS', seen, addressText(peer.address));
      },
    })),
  ];
}

function icmp(): ConformanceCase[] {
  return [
    {
      id: 'icmp-port-unreachable',
      rfc: RFC,
      section: '11.5',
      title: 'an ICMP error about relayed data reaches the client in a Data indication with ICMP',
      requires: [withIpv4Peer],
      run: async (session) => {
        const peer = await session.peer(IPV4);
        const gone = await session.peer(IPV4);
        const client = await session.allocated();
        await client.permit(peer.address);
        await gone.close();
        client.sendTo(gone.address, 'is anybody there?');
        const { indication, payload } = await client.nextData();
        expectThat(indication !== undefined && payload === undefined, 'data of a peer');
        const value = expectAttribute(indication, ATTRIBUTE.ICMP, 'ICMP');
        expectEqual('the type', value.readUInt16BE(2) >>> 9, ICMP_DESTINATION_UNREACHABLE);
        expectEqual('the code', value.readUInt16BE(2) & 0x1ff, ICMP_PORT_UNREACHABLE);
        const about = indication.addressText(ATTRIBUTE.XOR_PEER_ADDRESS);
        expectEqual('XOR-PEER-ADDRESS', about, addressText(gone.address));
      },
    },
  ];
}
