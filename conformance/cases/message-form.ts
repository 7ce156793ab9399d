import { randomBytes } from 'node:crypto';
import type { ConformanceCase, Requirement, Topic } from '../conformance-case.ts';
import {
  expectEqual,
  expectError,
  expectRefusal,
  expectSuccess,
  expectThat,
} from '../expectations.ts';
import { onDatagrams, onDtls, onUdp } from '../requirements.ts';
import type { Session } from '../session.ts';
import { attribute, data, lifetime } from '../wire/attributes.ts';
import { MessageWriter } from '../wire/message-writer.ts';
import { ATTRIBUTE, CLASS, MAGIC_COOKIE, METHOD } from '../wire/numbers.ts';
import { Reply } from '../wire/reply.ts';

const RFC = 'RFC 8489';
/** A method that no document gives a meaning to. */
const UNKNOWN_METHOD = 0x2a7;
const TEXT_BYTES_MAX = 763;

/** What is no STUN message, or none that a server takes. */
export const MESSAGE_FORM: Topic = {
  name: 'message-form',
  cases: [...malformed(), ...unwanted(), ...texts(), ...classic(), ...duplicates()],
};

/** A Binding request with something done to its bytes. */
function changed(change: (bytes: Buffer) => Buffer | void): () => Buffer {
  return () => {
    const bytes = new MessageWriter(METHOD.BINDING)
      .add(attribute(ATTRIBUTE.SOFTWARE, '12345678'))
      .written();
    return change(bytes) ?? bytes;
  };
}

type Malformed = readonly [
  id: string,
  section: string,
  what: string,
  write: () => Buffer,
  requires?: Requirement,
];

function malformed(): ConformanceCase[] {
  const table: readonly Malformed[] = [
    [
      'first-bits-10',
      '5',
      'whose first bits are 10',
      changed((bytes) => void (bytes[0]! |= 0x80)),
      onDatagrams,
    ],
    [
      'first-bits-11',
      '5',
      'whose first bits are 11',
      changed((bytes) => void (bytes[0]! |= 0xc0)),
      onDatagrams,
    ],
    [
      'first-bits-01',
      '5',
      'whose first bits are 01',
      changed((bytes) => void (bytes[0]! |= 0x40)),
      onDatagrams,
    ],
    [
      'cookie-other',
      '6.3',
      'with another magic cookie',
      changed((bytes) => void (bytes[7]! ^= 1)),
      onUdp,
    ],
    ['length-odd', '5', 'whose length is no multiple of 4', changed(withLength(11)), onDatagrams],
    [
      'length-beyond',
      '6.3',
      'that is longer than its datagram',
      changed(withLength(16)),
      onDatagrams,
    ],
    [
      'length-huge',
      '6.3',
      'of length 0xFFFC in a datagram',
      changed(withLength(0xfffc)),
      onDatagrams,
    ],
    [
      'length-short',
      '6.3',
      'that is shorter than its datagram',
      changed(withLength(0)),
      onDatagrams,
    ],
    [
      'attribute-beyond',
      '6.3',
      'with an attribute that reaches beyond it',
      changed((bytes) => void bytes.writeUInt16BE(12, 22)),
    ],
    [
      'attribute-huge',
      '14',
      'with an attribute of length 0xFFFF',
      changed((bytes) => void bytes.writeUInt16BE(0xffff, 22)),
    ],
    [
      'attribute-cut',
      '14',
      'that ends within the value of an attribute',
      changed((bytes) => {
        bytes.writeUInt16BE(8, 2);
        return bytes.subarray(0, 28);
      }),
    ],
    ['header-cut', '5', 'of 19 bytes', changed((bytes) => bytes.subarray(0, 19)), onDatagrams],
    ['one-byte', '5', 'of one byte', () => Buffer.from([0]), onDatagrams],
    ['no-byte', '5', 'of no byte', () => Buffer.alloc(0), onUdp],
    ['zeros', '6.3', 'of zeros alone', () => Buffer.alloc(20), onUdp],
  ];
  return table.map(([id, section, what, write, requires]) => ({
    id: `form-${id}`,
    rfc: RFC,
    section,
    title: `a message ${what} is discarded`,
    ...(requires === undefined ? {} : { requires: [requires] }),
    run: async (session) => (await session.stranger()).expectSilence(write()),
  }));
}

function withLength(length: number): (bytes: Buffer) => void {
  return (bytes) => void bytes.writeUInt16BE(length, 2);
}

function unwanted(): ConformanceCase[] {
  const { REQUEST, INDICATION, SUCCESS, ERROR } = CLASS;
  const table: readonly (readonly [string, string, number, number])[] = [
    ['binding-success', 'a Binding success response', METHOD.BINDING, SUCCESS],
    ['binding-error', 'a Binding error response', METHOD.BINDING, ERROR],
    ['allocate-success', 'an Allocate success response', METHOD.ALLOCATE, SUCCESS],
    ['allocate-error', 'an Allocate error response', METHOD.ALLOCATE, ERROR],
    ['refresh-success', 'a Refresh success response', METHOD.REFRESH, SUCCESS],
    ['unknown-success', 'a response of an unknown method', UNKNOWN_METHOD, SUCCESS],
    ['unknown-request', 'a request of an unknown method', UNKNOWN_METHOD, REQUEST],
    ['unknown-indication', 'an indication of an unknown method', UNKNOWN_METHOD, INDICATION],
    ['reserved-request', 'a request of the reserved method 0', 0, REQUEST],
    ['secret-request', 'a Shared Secret request', 2, REQUEST],
    ['send-request', 'a Send request', METHOD.SEND, REQUEST],
    ['data-request', 'a Data request', METHOD.DATA, REQUEST],
    ['data-indication', 'a Data indication', METHOD.DATA, INDICATION],
    ['allocate-indication', 'an Allocate indication', METHOD.ALLOCATE, INDICATION],
    ['refresh-indication', 'a Refresh indication', METHOD.REFRESH, INDICATION],
    [
      'permission-indication',
      'a CreatePermission indication',
      METHOD.CREATE_PERMISSION,
      INDICATION,
    ],
    ['channel-indication', 'a ChannelBind indication', METHOD.CHANNEL_BIND, INDICATION],
  ];
  const methodBits = Array.from({ length: 12 }, (_, bit) => 1 << bit);
  const known = new Set<number>(Object.values(METHOD));
  return [
    ...table.map(([id, what, method, messageClass]) => ({
      id: `unwanted-${id}`,
      rfc: RFC,
      section: '6.3',
      title: `${what} is discarded`,
      run: async (session: Session) => {
        const message = new MessageWriter(method, messageClass).add(data('x')).written();
        await (await session.stranger()).expectSilence(message);
      },
    })),
    {
      id: 'unwanted-method-bits',
      rfc: RFC,
      section: '5',
      title: 'each of the 12 bits of the method counts',
      run: async (session) => {
        const methods = methodBits.map((bit) => METHOD.BINDING | bit).filter((m) => !known.has(m));
        const messages = methods.map((method) => new MessageWriter(method).written());
        await (await session.stranger()).expectSilence(...messages);
      },
    },
  ];
}

function texts(): ConformanceCase[] {
  const name = (length: number): string => 'n'.repeat(length);
  const parsed = [508, TEXT_BYTES_MAX].map((length): ConformanceCase => ({
    id: `text-username-${length}`,
    rfc: RFC,
    section: '14.3',
    title: `USERNAME of ${length} bytes is read: nobody is called so (401)`,
    run: async (session) => {
      const client = await session.client();
      const account = { username: name(length), password: 'none' };
      expectError(await client.allocate([], { account }), 401);
    },
  }));
  return [
    ...parsed,
    {
      id: 'text-username-too-long',
      rfc: RFC,
      section: '14.3',
      title: 'USERNAME of 1000 bytes is refused',
      run: async (session) => {
        const client = await session.client();
        const account = { username: name(1000), password: 'none' };
        expectRefusal(await client.allocate([], { account }));
      },
    },
    {
      id: 'text-nonce-long',
      rfc: RFC,
      section: '14.10',
      title: `NONCE of ${TEXT_BYTES_MAX} bytes is read: it is stale (438)`,
      run: async (session) => {
        const client = await session.client();
        const nonce = [attribute(ATTRIBUTE.NONCE, name(TEXT_BYTES_MAX))];
        expectError(await client.allocate([], { nonce }), 438);
      },
    },
    {
      id: 'text-username-not-utf8',
      rfc: RFC,
      section: '14.3',
      title: 'USERNAME that is not UTF-8 is refused',
      run: async (session) => {
        const client = await session.client();
        const user = [attribute(ATTRIBUTE.USERNAME, Buffer.from([0xff, 0xfe, 0x80]))];
        expectRefusal(await client.allocate([], { user }));
      },
    },
    {
      id: 'text-username-empty',
      rfc: RFC,
      section: '14.3',
      title: 'USERNAME without a character is refused',
      run: async (session) => {
        const client = await session.client();
        const account = { username: '', password: '' };
        expectRefusal(await client.allocate([], { account }));
      },
    },
  ];
}

/** Over DTLS there are no clients of RFC 3489. */
function classic(): ConformanceCase[] {
  const classicMessage = (messageClass: number): Buffer => {
    const bytes = new MessageWriter(METHOD.BINDING, messageClass).written();
    randomBytes(4).copy(bytes, 4);
    return bytes;
  };
  return [
    {
      id: 'classic-request-dtls',
      rfc: RFC,
      section: '11',
      title: 'a request without the magic cookie is answered 500 over DTLS',
      requires: [onDtls],
      run: async (session) => {
        const client = await session.stranger();
        const request = classicMessage(CLASS.REQUEST);
        client.link.send(request);
        const answer = await client.next('answer', () => true);
        // It may repeat the bytes that stood in the place of the cookie.
        const reply = new Reply(withCookie(answer));
        expectThat(reply.transactionId.equals(request.subarray(8)), 'another transaction ID');
        expectError(reply, 500);
      },
    },
    {
      id: 'classic-indication-dtls',
      rfc: RFC,
      section: '11',
      title: 'an indication without the magic cookie is ignored over DTLS',
      requires: [onDtls],
      run: async (session) =>
        (await session.stranger()).expectSilence(classicMessage(CLASS.INDICATION)),
    },
  ];
}

function withCookie(message: Buffer): Buffer {
  const bytes = Buffer.from(message);
  bytes.writeUInt32BE(MAGIC_COOKIE, 4);
  return bytes;
}

function duplicates(): ConformanceCase[] {
  return [
    {
      id: 'duplicate-first-wins',
      rfc: RFC,
      section: '14',
      title: 'of two attributes of a type the first counts',
      run: async (session) => {
        const client = await session.client();
        const reply = expectSuccess(await client.allocate([lifetime(1200), lifetime(1800)]));
        expectEqual('LIFETIME', reply.lifetime, 1200);
      },
    },
  ];
}
