import type { ConformanceCase, Topic } from '../conformance-case.ts';
import { NotApplicable } from '../conformance-case.ts';
import type { Exchange } from '../exchange.ts';
import {
  expectAttribute,
  expectEqual,
  expectError,
  expectNoAttribute,
  expectSuccess,
  expectThat,
} from '../expectations.ts';
import { UdpLink } from '../link/udp-link.ts';
import { onUdp } from '../requirements.ts';
import type { Session } from '../session.ts';
import { addressText } from '../wire/address.ts';
import { attribute, lifetime, requestedTransport, type Attribute } from '../wire/attributes.ts';
import { MessageWriter } from '../wire/message-writer.ts';
import { ATTRIBUTE, CLASS, METHOD } from '../wire/numbers.ts';
import type { Reply } from '../wire/reply.ts';

const RFC = 'RFC 8489';
const REQUESTS_AT_ONCE = 20;
/** Types that no document gives a meaning to. */
const UNKNOWN_REQUIRED = [0x7ff1, 0x7ff2, 0x7ff3];
const UNKNOWN_OPTIONAL = 0xfff1;

/** Who am I: asked without credentials. */
export const BINDING: Topic = {
  name: 'binding',
  cases: [
    {
      id: 'binding-without-credentials',
      rfc: RFC,
      section: '12',
      title: 'a Binding request without credentials succeeds',
      run: async (session) => void expectSuccess(await bind(session)),
    },
    {
      id: 'binding-address',
      rfc: RFC,
      section: '6.3.1.1',
      title: 'XOR-MAPPED-ADDRESS is the address and port that the request came from',
      run: async (session) => {
        const client = await session.stranger();
        const reply = await client.binding();
        const seen = reply.addressText(ATTRIBUTE.XOR_MAPPED_ADDRESS);
        expectEqual('XOR-MAPPED-ADDRESS', seen, addressText(client.link.local));
      },
    },
    {
      id: 'binding-type',
      rfc: RFC,
      section: '6.3.1.1',
      title: 'the response has the method of the request and the class of success',
      run: async (session) => {
        const reply = await bind(session);
        expectThat(reply.is(METHOD.BINDING, CLASS.SUCCESS), 'another message type');
      },
    },
    {
      id: 'binding-no-mapped-address',
      rfc: RFC,
      section: '14.1',
      title: 'MAPPED-ADDRESS is for clients of RFC 3489 alone',
      run: async (session) => {
        expectNoAttribute(await bind(session), ATTRIBUTE.MAPPED_ADDRESS, 'MAPPED-ADDRESS');
      },
    },
    {
      id: 'binding-source',
      rfc: RFC,
      section: '6.3.1.2',
      title: 'the response comes from the address and port that the request went to',
      requires: [onUdp],
      run: async (session) => {
        const link = (await session.open()) as UdpLink;
        link.send(new MessageWriter(METHOD.BINDING).written());
        await link.inbox.take(() => true, session.setup.patienceMs);
        const wanted = addressText(session.target.server);
        expectEqual('the source', [...link.sources].join(), wanted);
      },
    },
    {
      id: 'binding-repeated',
      rfc: RFC,
      section: '6.3.1',
      title: 'a repeated request gets the same response',
      run: async (session) => {
        const client = await session.stranger();
        const request = new MessageWriter(METHOD.BINDING).written();
        const [first, second] = [await client.ask(request), await client.ask(request)];
        expectThat(first.bytes.equals(second.bytes), 'another response');
      },
    },
    {
      id: 'binding-at-once',
      rfc: RFC,
      section: '6.3.1',
      title: 'each of many requests at once gets its own response',
      run: async (session) => {
        const client = await session.stranger();
        const requests = Array.from({ length: REQUESTS_AT_ONCE }, () => client.binding());
        for (const reply of await Promise.all(requests)) expectSuccess(reply);
      },
    },
    {
      id: 'binding-indication',
      rfc: RFC,
      section: '6.3.2',
      title: 'a Binding indication gets no response',
      run: async (session) => {
        const indication = new MessageWriter(METHOD.BINDING, CLASS.INDICATION).written();
        await (await session.stranger()).expectSilence(indication);
      },
    },
    {
      id: 'binding-software',
      rfc: RFC,
      section: '14.14',
      title: 'SOFTWARE, where it is sent, has fewer than 128 characters',
      run: async (session) => {
        const software = (await bind(session)).text(ATTRIBUTE.SOFTWARE);
        if (software === undefined) throw new NotApplicable('sends no SOFTWARE');
        expectThat(software.length < 128, `${software.length} characters`);
      },
    },
    ...fingerprints(),
    ...attributes(),
    ...natDiscovery(),
  ],
};

function fingerprints(): ConformanceCase[] {
  const wrong = (bytes: Buffer): Buffer => {
    bytes[bytes.length - 1]! ^= 1;
    return bytes;
  };
  return [
    {
      id: 'fingerprint-right',
      rfc: RFC,
      section: '7',
      title: 'a request with FINGERPRINT is answered',
      run: async (session) => void expectSuccess(await bindWithFingerprint(session)),
    },
    {
      id: 'fingerprint-mirrored',
      rfc: RFC,
      section: '7',
      title: 'its response has FINGERPRINT, too, and it is right and the last attribute',
      run: async (session) => {
        const reply = await bindWithFingerprint(session);
        expectThat(reply.hasRightFingerprint, 'no right FINGERPRINT at the end');
      },
    },
    {
      id: 'fingerprint-wrong',
      rfc: RFC,
      section: '6.3',
      title: 'a request with a wrong FINGERPRINT is discarded',
      run: async (session) => {
        const request = wrong(new MessageWriter(METHOD.BINDING).fingerprint().written());
        await (await session.stranger()).expectSilence(request);
      },
    },
    {
      id: 'fingerprint-not-last',
      rfc: RFC,
      section: '14.7',
      title: 'a request with an attribute behind FINGERPRINT is discarded',
      run: async (session) => {
        const writer = new MessageWriter(METHOD.BINDING).fingerprint();
        const request = writer.add(attribute(ATTRIBUTE.SOFTWARE, 'late')).written();
        await (await session.stranger()).expectSilence(request);
      },
    },
    {
      id: 'fingerprint-length',
      rfc: RFC,
      section: '14.7',
      title: 'a request with a FINGERPRINT of another length is discarded',
      run: async (session) => {
        const writer = new MessageWriter(METHOD.BINDING);
        const request = writer.add(attribute(ATTRIBUTE.FINGERPRINT, Buffer.alloc(8))).written();
        await (await session.stranger()).expectSilence(request);
      },
    },
  ];
}

function attributes(): ConformanceCase[] {
  const answered: readonly (readonly [string, string, string, readonly Attribute[]])[] = [
    ['optional', '6.3.1', 'an unknown optional attribute', [attribute(UNKNOWN_OPTIONAL, 'x')]],
    ['optional-empty', '14', 'an attribute without a value', [attribute(UNKNOWN_OPTIONAL)]],
    [
      'optional-long',
      '14',
      'an optional attribute of 400 bytes',
      [attribute(UNKNOWN_OPTIONAL, Buffer.alloc(400, 7))],
    ],
    [
      'optional-many',
      '14',
      'twenty optional attributes',
      Array.from({ length: 20 }, (_, index) => attribute(UNKNOWN_OPTIONAL - index, 'x')),
    ],
    [
      'padding-not-zero',
      '14',
      'padding that is not zero',
      [{ type: UNKNOWN_OPTIONAL, value: Buffer.from('x'), padding: 0xaa }],
    ],
    ['unexpected', '6.3', 'a known attribute that has no place here (SHOULD)', [lifetime(600)]],
    ['unexpected-transport', '6.3', 'another attribute of TURN (SHOULD)', [requestedTransport()]],
    [
      'client-software',
      '14.14',
      'SOFTWARE of the client',
      [attribute(ATTRIBUTE.SOFTWARE, 'judge')],
    ],
  ];
  return [
    ...answered.map(([id, section, what, list]) => ({
      id: `binding-${id}`,
      rfc: RFC,
      section,
      title: `a Binding request succeeds with ${what}`,
      run: async (session: Session) => void expectSuccess(await bind(session, list)),
    })),
    {
      id: 'binding-unknown-required',
      rfc: RFC,
      section: '6.3.1',
      title: 'an unknown comprehension-required attribute is answered 420',
      run: async (session) =>
        void expectError(await bind(session, [attribute(UNKNOWN_REQUIRED[0]!, 'x')]), 420),
    },
    {
      id: 'binding-unknown-one',
      rfc: RFC,
      section: '14.13',
      title: 'UNKNOWN-ATTRIBUTES of one type is two bytes long',
      run: async (session) => {
        const reply = await bind(session, [attribute(UNKNOWN_REQUIRED[0]!, 'x')]);
        expectEqual('UNKNOWN-ATTRIBUTES', listed(reply), hex(UNKNOWN_REQUIRED.slice(0, 1)));
      },
    },
    {
      id: 'binding-unknown-all',
      rfc: RFC,
      section: '6.3.1',
      title: 'UNKNOWN-ATTRIBUTES lists all of three unknown types',
      run: async (session) => {
        const reply = await bind(
          session,
          UNKNOWN_REQUIRED.map((type) => attribute(type, 'x')),
        );
        expectEqual('UNKNOWN-ATTRIBUTES', listed(reply), hex(UNKNOWN_REQUIRED));
      },
    },
  ];
}

/** A server that does not discover the behaviour of NATs knows nothing of the attributes that ask for it. */
function natDiscovery(): ConformanceCase[] {
  const refused: readonly (readonly [string, string, number, Buffer])[] = [
    ['change-request', '7.2', ATTRIBUTE.CHANGE_REQUEST, Buffer.from([0, 0, 0, 6])],
    ['padding', '7.6', ATTRIBUTE.PADDING, Buffer.alloc(64)],
    ['response-port', '7.5', ATTRIBUTE.RESPONSE_PORT, Buffer.from([0x30, 0x39, 0, 0])],
  ];
  return refused.map(([id, section, type, value]) => ({
    id: `nat-discovery-${id}`,
    rfc: 'RFC 5780',
    section,
    title: `${id.toUpperCase()} is answered 420 where it is not offered`,
    run: async (session: Session) => {
      const client = await session.stranger();
      const offer = await client.binding();
      if (offer.has(ATTRIBUTE.OTHER_ADDRESS)) throw new NotApplicable('offers NAT discovery');
      const reply = await bindOver(client, [attribute(type, value)]);
      expectError(reply, 420);
      expectEqual('UNKNOWN-ATTRIBUTES', listed(reply), hex([type]));
    },
  }));
}

async function bind(session: Session, list: readonly Attribute[] = []): Promise<Reply> {
  return bindOver(await session.stranger(), list);
}

function bindOver(client: Exchange, list: readonly Attribute[]): Promise<Reply> {
  return client.ask(new MessageWriter(METHOD.BINDING).add(...list).written());
}

async function bindWithFingerprint(session: Session): Promise<Reply> {
  const client = await session.stranger();
  return client.ask(new MessageWriter(METHOD.BINDING).fingerprint().written());
}

function listed(reply: Reply): string {
  return expectAttribute(reply, ATTRIBUTE.UNKNOWN_ATTRIBUTES, 'UNKNOWN-ATTRIBUTES').toString('hex');
}

function hex(types: readonly number[]): string {
  return types.map((type) => type.toString(16).padStart(4, '0')).join('');
}
