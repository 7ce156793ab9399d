import type { ConformanceCase, Topic } from '../conformance-case.ts';
import { expectError, expectSuccess, expectThat } from '../expectations.ts';
import { withForbiddenPeer, withLoopbackPeer, withOtherUser } from '../requirements.ts';
import type { Session } from '../session.ts';
import { familyOf, IPV4, IPV6, type Address, type Family } from '../wire/address.ts';
import { attribute, xorPeerAddress, type Attribute } from '../wire/attributes.ts';
import { ATTRIBUTE, METHOD } from '../wire/numbers.ts';

const RFC = 'RFC 8656';
const LOOPBACK_NEIGHBOUR = '127.0.0.2';

/** Whom an allocation exchanges data with. */
export const PERMISSION: Topic = {
  name: 'permission',
  cases: [
    {
      id: 'permission-success',
      rfc: RFC,
      section: '10.2',
      title: 'CreatePermission for a peer succeeds',
      run: async (session) => void (await session.scene()),
    },
    {
      id: 'permission-signed',
      rfc: 'RFC 8489',
      section: '9.2.4',
      title: 'its response is signed',
      run: async (session) => {
        const { client, peer } = await session.scene();
        const reply = expectSuccess(await client.createPermission(peer.address));
        expectThat(reply.isSigned(ATTRIBUTE.MESSAGE_INTEGRITY, client.key()), 'it is not');
      },
    },
    {
      id: 'permission-no-allocation',
      rfc: RFC,
      section: '5',
      title: 'CreatePermission without an allocation is refused with 437',
      run: async (session) => {
        const peer = await session.peer();
        expectError(await (await session.client()).createPermission(peer.address), 437);
      },
    },
    {
      id: 'permission-other-user',
      rfc: RFC,
      section: '5',
      title: 'CreatePermission by another user is refused with 441',
      requires: [withOtherUser],
      run: async (session) => {
        const { client, peer } = await session.scene();
        const attributes = [xorPeerAddress(peer.address)];
        const account = session.setup.other!;
        expectError(await client.request(METHOD.CREATE_PERMISSION, attributes, { account }), 441);
      },
    },
    ...malformed(),
    ...several(),
    ...refused(),
    {
      id: 'permission-any-port',
      rfc: RFC,
      section: '9',
      title: 'a permission is for all ports of an IP address',
      run: async (session) => {
        const { client } = await session.scene();
        const other = await session.peer();
        client.sendTo(other.address, 'to another port');
        await other.expect('to another port');
      },
    },
    {
      id: 'permission-port-ignored',
      rfc: RFC,
      section: '10.2',
      title: 'the port in XOR-PEER-ADDRESS may be 0',
      run: async (session) => {
        const peer = await session.peer();
        const client = await session.allocatedFor(familyOf(peer.address.ip));
        await client.permit({ ...peer.address, port: 0 });
        client.sendTo(peer.address, 'permitted without a port');
        await peer.expect('permitted without a port');
      },
    },
    {
      id: 'permission-again',
      rfc: RFC,
      section: '10.2',
      title: 'a permission can be had again',
      run: async (session) => {
        const { client, peer } = await session.scene();
        await client.permit(peer.address, peer.address);
      },
    },
    {
      id: 'permission-own',
      rfc: RFC,
      section: '9',
      title: 'the permission of one allocation is none of another',
      run: async (session) => {
        const { peer, client } = await session.scene();
        const other = await session.allocatedFor(familyOf(peer.address.ip));
        other.sendTo(peer.address, 'not permitted');
        expectSuccess(await other.binding());
        client.sendTo(peer.address, 'permitted');
        await peer.expect('permitted');
      },
    },
  ],
};

function malformed(): ConformanceCase[] {
  const { XOR_PEER_ADDRESS } = ATTRIBUTE;
  const good = (peer: Address): Attribute => xorPeerAddress(peer);
  const table: readonly (readonly [string, string, (peer: Address) => Attribute[]])[] = [
    ['none', 'without XOR-PEER-ADDRESS', () => []],
    [
      'family',
      'with a peer of an unknown family',
      () => [attribute(XOR_PEER_ADDRESS, [0, 3, 0, 9, 1, 2, 3, 4])],
    ],
    ['short', 'with a peer of 4 bytes', () => [attribute(XOR_PEER_ADDRESS, [0, 1, 0, 9])]],
    ['empty', 'with a peer of no bytes', () => [attribute(XOR_PEER_ADDRESS)]],
    [
      'long',
      'with an IPv4 peer of 20 bytes',
      () => [attribute(XOR_PEER_ADDRESS, [0, 1, ...new Array<number>(18).fill(0)])],
    ],
    [
      'second',
      'with a second peer that is malformed',
      (peer) => [good(peer), attribute(XOR_PEER_ADDRESS, [0, 1, 0, 9])],
    ],
  ];
  return table.map(([id, what, attributesOf]) => ({
    id: `permission-malformed-${id}`,
    rfc: RFC,
    section: '10.2',
    title: `CreatePermission ${what} is refused with 400`,
    run: async (session) => {
      const peer = await session.peer();
      const client = await session.allocatedFor(familyOf(peer.address.ip));
      const attributes = attributesOf(peer.address);
      expectError(await client.request(METHOD.CREATE_PERMISSION, attributes), 400);
    },
  }));
}

/** Several peers in one request get permissions together, or none of them does. */
function several(): ConformanceCase[] {
  const noneInstalled = async (session: Session, bad: Attribute, code: number): Promise<void> => {
    const peer = await session.peer();
    const client = await session.allocatedFor(familyOf(peer.address.ip));
    const attributes = [xorPeerAddress(peer.address), bad];
    expectError(await client.request(METHOD.CREATE_PERMISSION, attributes), code);
    client.sendTo(peer.address, 'not permitted');
    expectSuccess(await client.binding());
    await client.permit(peer.address);
    client.sendTo(peer.address, 'permitted');
    await peer.expect('permitted');
  };
  return [
    {
      id: 'permission-several',
      rfc: RFC,
      section: '10.2',
      title: 'one request permits several peers',
      requires: [withLoopbackPeer],
      run: async (session) => {
        const peers = [await session.peer(IPV4), await session.peerAt(LOOPBACK_NEIGHBOUR)];
        const client = await session.allocated();
        await client.permit(...peers.map(({ address }) => address));
        for (const peer of peers) {
          client.sendTo(peer.address, 'to each');
          await peer.expect('to each');
        }
      },
    },
    {
      id: 'permission-several-malformed',
      rfc: RFC,
      section: '10.2',
      title: 'of several peers of which one is malformed none gets a permission',
      run: (session) =>
        noneInstalled(session, attribute(ATTRIBUTE.XOR_PEER_ADDRESS, [0, 1, 0, 9]), 400),
    },
    {
      id: 'permission-several-forbidden',
      rfc: RFC,
      section: '10.2',
      title: 'of several peers of which one is forbidden none gets a permission',
      requires: [withForbiddenPeer],
      run: (session) =>
        noneInstalled(session, xorPeerAddress({ ip: session.setup.forbidden!, port: 9 }), 403),
    },
  ];
}

function refused(): ConformanceCase[] {
  const table: readonly (readonly [string, string, string, string])[] = [
    ['6to4', '21.4', 'a 6to4 address', '2002:7f00:1::1'],
    ['teredo', '21.4', 'a Teredo address', '2001::7f00:1'],
  ];
  const otherFamily = (family: Family): ConformanceCase => ({
    id: `permission-family-${family === IPV4 ? 'ipv6' : 'ipv4'}`,
    rfc: RFC,
    section: '10.2',
    title: `an allocation of IPv${family === IPV4 ? 4 : 6} refuses a peer of the other family with 443`,
    run: async (session) => {
      const client = await session.allocatedFor(family);
      const ip = family === IPV4 ? '2001:db8::1' : '192.0.2.1';
      expectError(await client.createPermission({ ip, port: 9 }), 443);
    },
  });
  return [
    otherFamily(IPV4),
    otherFamily(IPV6),
    {
      id: 'permission-forbidden',
      rfc: RFC,
      section: '10.2',
      title: 'a forbidden peer is refused with 403',
      requires: [withForbiddenPeer],
      run: async (session) => {
        const ip = session.setup.forbidden!;
        const client = await session.allocatedFor(familyOf(ip));
        expectError(await client.createPermission({ ip, port: 9 }), 403);
      },
    },
    ...table.map(([id, section, what, ip]): ConformanceCase => ({
      id: `permission-${id}`,
      rfc: RFC,
      section,
      title: `${what} is no peer (403)`,
      run: async (session) => {
        const client = await session.allocatedFor(IPV6);
        expectError(await client.createPermission({ ip, port: 9 }), 403);
      },
    })),
  ];
}
