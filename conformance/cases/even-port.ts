import { randomBytes } from 'node:crypto';
import type { Client } from '../client.ts';
import type { ConformanceCase, Topic } from '../conformance-case.ts';
import {
  expectAttribute,
  expectEqual,
  expectError,
  expectNoAttribute,
  expectSuccess,
  expectThat,
} from '../expectations.ts';
import type { Session } from '../session.ts';
import { IPV4, IPV6 } from '../wire/address.ts';
import {
  additionalFamily,
  attribute,
  evenPort,
  requestedFamily,
  type Attribute,
} from '../wire/attributes.ts';
import { ATTRIBUTE } from '../wire/numbers.ts';

const RFC = 'RFC 8656';
const TOKEN_BYTES = 8;

/** Pairs of ports and what reserves the second. */
export const EVEN_PORT: Topic = {
  name: 'even-port',
  cases: [
    {
      id: 'even-port',
      rfc: RFC,
      section: '7.2',
      title: 'EVEN-PORT gets an even port',
      run: async (session) => {
        const client = await session.allocated([evenPort(false)]);
        expectEqual('the port modulo 2', client.relayed[0]!.port % 2, 0);
      },
    },
    {
      id: 'even-port-no-token',
      rfc: RFC,
      section: '7.2',
      title: 'EVEN-PORT without the bit R reserves nothing',
      run: async (session) => {
        const client = await session.client();
        const reply = expectSuccess(await client.allocate([evenPort(false)]));
        expectNoAttribute(reply, ATTRIBUTE.RESERVATION_TOKEN, 'RESERVATION-TOKEN');
      },
    },
    {
      id: 'even-port-token',
      rfc: RFC,
      section: '18.10',
      title: 'EVEN-PORT with the bit R gets an even port and a token of 8 bytes',
      run: async (session) => {
        const { first, token } = await reserve(session);
        expectEqual('the port modulo 2', first.relayed[0]!.port % 2, 0);
        expectEqual('the length of the token', token.length, TOKEN_BYTES);
      },
    },
    {
      id: 'token-redeemed',
      rfc: RFC,
      section: '7.2',
      title: 'the token gets the next port, for another 5-tuple',
      run: async (session) => {
        const { first, token } = await reserve(session);
        const second = await session.allocated([tokenAttribute(token)]);
        expectEqual('the second port', second.relayed[0]!.port, first.relayed[0]!.port + 1);
        expectEqual('its address', second.relayed[0]!.ip, first.relayed[0]!.ip);
      },
    },
    {
      id: 'token-once',
      rfc: RFC,
      section: '7.2',
      title: 'a token that was redeemed is refused with 508',
      run: async (session) => {
        const { token } = await reserve(session);
        await session.allocated([tokenAttribute(token)]);
        const third = await session.client();
        expectError(await third.allocate([tokenAttribute(token)]), 508);
      },
    },
    {
      id: 'token-unknown',
      rfc: RFC,
      section: '7.2',
      title: 'a token that was never issued is refused with 508',
      run: async (session) => {
        const client = await session.client();
        expectError(await client.allocate([tokenAttribute(randomBytes(TOKEN_BYTES))]), 508);
      },
    },
    ...refusals(),
  ],
};

function refusals(): ConformanceCase[] {
  const token = tokenAttribute(Buffer.alloc(TOKEN_BYTES, 1));
  const table: readonly (readonly [string, string, readonly Attribute[]])[] = [
    ['token-even-port', 'RESERVATION-TOKEN with EVEN-PORT', [token, evenPort(false)]],
    [
      'token-even-port-r',
      'RESERVATION-TOKEN with EVEN-PORT and the bit R',
      [token, evenPort(true)],
    ],
    [
      'token-family',
      'RESERVATION-TOKEN with REQUESTED-ADDRESS-FAMILY',
      [token, requestedFamily(IPV4)],
    ],
    [
      'token-additional',
      'RESERVATION-TOKEN with ADDITIONAL-ADDRESS-FAMILY',
      [token, additionalFamily(IPV6)],
    ],
    ['token-short', 'RESERVATION-TOKEN of 4 bytes', [tokenAttribute(Buffer.alloc(4))]],
    ['token-empty', 'RESERVATION-TOKEN of no bytes', [tokenAttribute(Buffer.alloc(0))]],
    [
      'even-port-r-additional',
      'EVEN-PORT and the bit R with ADDITIONAL-ADDRESS-FAMILY',
      [evenPort(true), additionalFamily(IPV6)],
    ],
    ['even-port-empty', 'EVEN-PORT of no bytes', [attribute(ATTRIBUTE.EVEN_PORT)]],
    ['even-port-long', 'EVEN-PORT of 4 bytes', [attribute(ATTRIBUTE.EVEN_PORT, [0, 0, 0, 0])]],
  ];
  return table.map(([id, what, attributes]) => ({
    id,
    rfc: RFC,
    section: /short|empty|long/.test(id) ? '18' : '7.2',
    title: `${what} is refused with 400`,
    run: async (session) => {
      const client = await session.client();
      expectError(await client.allocate(attributes), 400);
    },
  }));
}

async function reserve(session: Session): Promise<{ first: Client; token: Buffer }> {
  const first = await session.client();
  const reply = expectSuccess(await first.allocate([evenPort(true)]));
  const token = expectAttribute(reply, ATTRIBUTE.RESERVATION_TOKEN, 'RESERVATION-TOKEN');
  expectThat(first.relayed.length === 1, `${first.relayed.length} relayed addresses`);
  return { first, token };
}

function tokenAttribute(token: Buffer): Attribute {
  return attribute(ATTRIBUTE.RESERVATION_TOKEN, token);
}
