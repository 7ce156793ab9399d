import { NotApplicable, type ConformanceCase, type Topic } from '../conformance-case.ts';
import {
  expectAttribute,
  expectEqual,
  expectError,
  expectNoAttribute,
  expectSuccess,
  expectThat,
} from '../expectations.ts';
import { onDatagrams } from '../requirements.ts';
import type { Session } from '../session.ts';
import { addressText, familyOf, IPV4, IPV6 } from '../wire/address.ts';
import {
  additionalFamily,
  attribute,
  lifetime,
  requestedFamily,
  requestedTransport,
  type Attribute,
} from '../wire/attributes.ts';
import { ATTRIBUTE, METHOD } from '../wire/numbers.ts';
import type { Reply } from '../wire/reply.ts';

const RFC = 'RFC 8656';
const LIFETIME_DEFAULT = 600;
const LIFETIME_MAX = 3600;
const ALLOCATIONS_COMPARED = 12;

/** Allocations: what is asked for, granted and refused. */
export const ALLOCATE: Topic = {
  name: 'allocate',
  cases: [
    ...successes(),
    ...repetitions(),
    ...transports(),
    ...lifetimes(),
    ...families(),
    ...extensions(),
  ],
};

function successes(): ConformanceCase[] {
  const section = '7.2';
  const seen = (id: string, title: string, look: (reply: Reply) => void): ConformanceCase => ({
    id: `allocate-${id}`,
    rfc: RFC,
    section,
    title,
    run: async (session) => {
      const client = await session.client();
      look(expectSuccess(await client.allocate()));
    },
  });
  return [
    seen('success', 'an Allocate request for UDP succeeds', () => undefined),
    seen('relayed-address', 'its response has one XOR-RELAYED-ADDRESS', (reply) => {
      expectEqual('the number', reply.addresses(ATTRIBUTE.XOR_RELAYED_ADDRESS).length, 1);
    }),
    seen('has-lifetime', 'its response has LIFETIME', (reply) => {
      expectThat(reply.lifetime !== undefined, 'no LIFETIME of 4 bytes');
    }),
    seen('no-token', 'its response has no RESERVATION-TOKEN that nobody asked for', (reply) => {
      expectNoAttribute(reply, ATTRIBUTE.RESERVATION_TOKEN, 'RESERVATION-TOKEN');
    }),
    seen('port-high', 'the relayed port is one of the dynamic ports, 49152 or above', (reply) => {
      const [{ port } = { port: 0 }] = reply.addresses(ATTRIBUTE.XOR_RELAYED_ADDRESS);
      expectThat(port >= 49_152, `port ${port}`);
    }),
    {
      id: 'allocate-mapped-address',
      rfc: RFC,
      section,
      title: 'its response has the address of the client as XOR-MAPPED-ADDRESS',
      run: async (session) => {
        const client = await session.client();
        const reply = expectSuccess(await client.allocate());
        const mapped = reply.addressText(ATTRIBUTE.XOR_MAPPED_ADDRESS);
        expectEqual('XOR-MAPPED-ADDRESS', mapped, addressText(client.link.local));
      },
    },
    {
      id: 'allocate-ports-random',
      rfc: RFC,
      section,
      title: 'relayed ports do not follow each other',
      run: async (session) => {
        const ports: number[] = [];
        for (let count = 0; count < ALLOCATIONS_COMPARED; count++) {
          const client = await session.allocated();
          ports.push(client.relayed[0]!.port);
        }
        const isNear = (port: number, index: number): boolean =>
          index > 0 && Math.abs(port - ports[index - 1]!) <= 2;
        expectThat(ports.filter(isNear).length < ALLOCATIONS_COMPARED / 2, `ports ${ports.join()}`);
      },
    },
    {
      id: 'allocate-own-address',
      rfc: RFC,
      section,
      title: 'two clients get two relayed addresses',
      run: async (session) => {
        const [one, two] = [await session.allocated(), await session.allocated()];
        expectThat(one.relayed[0]!.port !== two.relayed[0]!.port, 'one port for both');
      },
    },
  ];
}

function repetitions(): ConformanceCase[] {
  return [
    {
      id: 'allocate-second',
      rfc: RFC,
      section: '7.2',
      title: 'a second allocation of a 5-tuple is refused with 437',
      run: async (session) => {
        const client = await session.allocated();
        expectError(await client.request(METHOD.ALLOCATE, [requestedTransport()]), 437);
      },
    },
    {
      id: 'allocate-repeated',
      rfc: 'RFC 8489',
      section: '6.3.1',
      title: 'a repeated Allocate request gets the same relayed address again',
      requires: [onDatagrams],
      run: async (session) => {
        const client = await session.client();
        const request = client.build(METHOD.ALLOCATE, [requestedTransport()]);
        const first = expectSuccess(await client.ask(request));
        const second = expectSuccess(await client.ask(request));
        client.relayed = first.addresses(ATTRIBUTE.XOR_RELAYED_ADDRESS);
        const [one, two] = [first, second].map((each) => relayedText(each));
        expectEqual('the second XOR-RELAYED-ADDRESS', two, one);
      },
    },
    {
      id: 'allocate-after-delete',
      rfc: RFC,
      section: '8.2',
      title: 'a 5-tuple whose allocation was ended can have another',
      run: async (session) => {
        const client = await session.allocated();
        expectSuccess(await client.refresh([lifetime(0)]));
        expectSuccess(await client.allocate());
      },
    },
  ];
}

type Refused = readonly [id: string, what: string, code: number, attributes: readonly Attribute[]];

function transports(): ConformanceCase[] {
  const { REQUESTED_TRANSPORT, LIFETIME, REQUESTED_ADDRESS_FAMILY } = ATTRIBUTE;
  const table: readonly Refused[] = [
    ['transport-missing', 'without REQUESTED-TRANSPORT', 400, []],
    [
      'transport-short',
      'with REQUESTED-TRANSPORT of one byte',
      400,
      [attribute(REQUESTED_TRANSPORT, [17])],
    ],
    [
      'transport-long',
      'with REQUESTED-TRANSPORT of eight bytes',
      400,
      [attribute(REQUESTED_TRANSPORT, [17, 0, 0, 0, 0, 0, 0, 0])],
    ],
    ['transport-0', 'for protocol 0', 442, [requestedTransport(0)]],
    ['transport-sctp', 'for SCTP', 442, [requestedTransport(132)]],
    ['transport-255', 'for protocol 255', 442, [requestedTransport(255)]],
    [
      'lifetime-short',
      'with LIFETIME of two bytes',
      400,
      [requestedTransport(), attribute(LIFETIME, [2, 88])],
    ],
    [
      'lifetime-long',
      'with LIFETIME of eight bytes',
      400,
      [requestedTransport(), attribute(LIFETIME, [0, 0, 2, 88, 0, 0, 2, 88])],
    ],
    [
      'family-short',
      'with REQUESTED-ADDRESS-FAMILY of one byte',
      400,
      [requestedTransport(), attribute(REQUESTED_ADDRESS_FAMILY, [1])],
    ],
    [
      'family-unknown',
      'for an unknown address family',
      440,
      [requestedTransport(), requestedFamily(3)],
    ],
    ['family-0', 'for address family 0', 440, [requestedTransport(), requestedFamily(0)]],
    [
      'families-both',
      'with REQUESTED- and ADDITIONAL-ADDRESS-FAMILY',
      400,
      [requestedTransport(), requestedFamily(IPV4), additionalFamily(IPV6)],
    ],
    [
      'additional-ipv4',
      'for IPv4 as ADDITIONAL-ADDRESS-FAMILY',
      400,
      [requestedTransport(), additionalFamily(IPV4)],
    ],
  ];
  return [...table.map(refusedAllocate), tcpRelay()];
}

function refusedAllocate([id, what, code, attributes]: Refused): ConformanceCase {
  return {
    id: `allocate-${id}`,
    rfc: RFC,
    section: '7.2',
    title: `an Allocate request ${what} is refused with ${code}`,
    run: async (session) => {
      const client = await session.client();
      expectError(await client.request(METHOD.ALLOCATE, attributes), code);
    },
  };
}

function tcpRelay(): ConformanceCase {
  return {
    id: 'allocate-transport-tcp',
    rfc: RFC,
    section: '7.2',
    title: 'an Allocate request for TCP is refused with 442 where RFC 6062 is not offered',
    run: async (session) => {
      const client = await session.client();
      const reply = await client.request(METHOD.ALLOCATE, [requestedTransport(6)]);
      if (reply.errorCode === undefined) throw new NotApplicable('offers TCP relays');
      expectError(reply, 442);
    },
  };
}

function lifetimes(): ConformanceCase[] {
  const table: readonly (readonly [number | undefined, number])[] = [
    [undefined, LIFETIME_DEFAULT],
    [0, LIFETIME_DEFAULT],
    [1, LIFETIME_DEFAULT],
    [599, LIFETIME_DEFAULT],
    [600, 600],
    [601, 601],
    [3600, LIFETIME_MAX],
    [3601, LIFETIME_MAX],
    [0xffffffff, LIFETIME_MAX],
  ];
  return table.map(([wish, granted]) => ({
    id: `allocate-lifetime-${wish ?? 'none'}`,
    rfc: RFC,
    section: '7.2',
    title: `${wish === undefined ? 'no LIFETIME' : `LIFETIME ${wish}`} is granted as ${granted} seconds`,
    run: async (session) => {
      const client = await session.client();
      const reply = await client.allocate(wish === undefined ? [] : [lifetime(wish)]);
      expectEqual('LIFETIME', expectSuccess(reply).lifetime, granted);
    },
  }));
}

function families(): ConformanceCase[] {
  const one = (id: string, what: string, family: number, list: Attribute[]): ConformanceCase => ({
    id: `allocate-${id}`,
    rfc: RFC,
    section: '7.2',
    title: `${what} is granted as such, or refused with 440`,
    run: async (session) => {
      const client = await session.client();
      const reply = await client.allocate(list);
      if (reply.errorCode === 440) return;
      expectSuccess(reply);
      expectEqual('the family', familiesOf(reply), String(family));
    },
  });
  return [
    one('family-none', 'an allocation of no named family, which means IPv4,', IPV4, []),
    one('family-ipv4', 'an allocation of IPv4', IPV4, [requestedFamily(IPV4)]),
    one('family-ipv6', 'an allocation of IPv6', IPV6, [requestedFamily(IPV6)]),
    {
      id: 'allocate-dual',
      rfc: RFC,
      section: '7.2',
      title: 'ADDITIONAL-ADDRESS-FAMILY IPv6 gets an address of each family',
      run: async (session) => {
        const reply = await dual(session);
        const problem = reply.has(ATTRIBUTE.ADDRESS_ERROR_CODE);
        if (problem) throw new NotApplicable('has but one family');
        expectEqual('the families', familiesOf(reply), `${IPV4},${IPV6}`);
      },
    },
    {
      id: 'allocate-dual-partial',
      rfc: RFC,
      section: '7.2',
      title: 'whoever gets but one of two families is told about the other in ADDRESS-ERROR-CODE',
      run: async (session) => {
        const reply = await dual(session);
        if (familiesOf(reply).length > 1) throw new NotApplicable('has both families');
        const value = expectAttribute(reply, ATTRIBUTE.ADDRESS_ERROR_CODE, 'ADDRESS-ERROR-CODE');
        expectThat(value[2] === 4 || value[2] === 5, `class ${value[2]}`);
      },
    },
  ];
}

/** What other documents add, where it is not offered. */
function extensions(): ConformanceCase[] {
  return [
    {
      id: 'allocate-dont-fragment',
      rfc: RFC,
      section: '7.2',
      title: 'DONT-FRAGMENT is granted, or refused with 420 that names it',
      run: async (session) => {
        const client = await session.client();
        const reply = await client.allocate([attribute(ATTRIBUTE.DONT_FRAGMENT)]);
        if (reply.errorCode === undefined) return;
        const list = expectAttribute(
          expectError(reply, 420),
          ATTRIBUTE.UNKNOWN_ATTRIBUTES,
          'a list',
        );
        expectEqual('UNKNOWN-ATTRIBUTES', list.toString('hex'), '001a');
      },
    },
    mobility('allocate-mobility', 'a wish for mobility', Buffer.alloc(0), 405),
    mobility('allocate-mobility-ticket', 'a mobility ticket', Buffer.from('a ticket'), 400, 405),
    {
      id: 'allocate-access-token',
      rfc: 'RFC 7635',
      section: '4.1',
      title: 'ACCESS-TOKEN is answered 420 where third-party authorization is not offered',
      run: async (session) => {
        const client = await session.stranger();
        const challenge = await client.greet();
        if (challenge.has(ATTRIBUTE.THIRD_PARTY_AUTHORIZATION))
          throw new NotApplicable('offers third-party authorization');
        expectError(await client.allocate([attribute(ATTRIBUTE.ACCESS_TOKEN, 'a token')]), 420);
      },
    },
  ];
}

/** Whoever does not know the attribute may ignore it, as its type says. */
function mobility(
  id: string,
  what: string,
  ticket: Buffer,
  ...codes: readonly number[]
): ConformanceCase {
  return {
    id,
    rfc: 'RFC 8016',
    section: '3.1.2',
    title: `${what} in an Allocate request is refused with ${codes.join(' or ')} where it is not offered`,
    run: async (session) => {
      const client = await session.client();
      const reply = await client.allocate([attribute(ATTRIBUTE.MOBILITY_TICKET, ticket)]);
      if (reply.has(ATTRIBUTE.MOBILITY_TICKET)) throw new NotApplicable('offers mobility');
      if (reply.errorCode === undefined) throw new NotApplicable('ignores MOBILITY-TICKET');
      expectError(reply, ...codes);
    },
  };
}

async function dual(session: Session): Promise<Reply> {
  const client = await session.client();
  return expectSuccess(await client.allocate([additionalFamily(IPV6)]));
}

function familiesOf(reply: Reply): string {
  return reply
    .addresses(ATTRIBUTE.XOR_RELAYED_ADDRESS)
    .map(({ ip }) => familyOf(ip))
    .toSorted((one, other) => one - other)
    .join();
}

function relayedText(reply: Reply): string | undefined {
  return reply.addressText(ATTRIBUTE.XOR_RELAYED_ADDRESS);
}
