import type { ConformanceCase, Topic } from '../conformance-case.ts';
import { NotApplicable } from '../conformance-case.ts';
import { expectEqual, expectError, expectSuccess, expectThat } from '../expectations.ts';
import { withOtherUser } from '../requirements.ts';
import { familyOf, IPV4, IPV6, type Family } from '../wire/address.ts';
import { additionalFamily, attribute, lifetime, requestedFamily } from '../wire/attributes.ts';
import { ATTRIBUTE, METHOD } from '../wire/numbers.ts';

const RFC = 'RFC 8656';

/** Keeping an allocation, and ending it. */
export const REFRESH: Topic = {
  name: 'refresh',
  cases: [
    {
      id: 'refresh-no-allocation',
      rfc: RFC,
      section: '5',
      title: 'Refresh without an allocation is refused with 437',
      run: async (session) => void expectError(await (await session.client()).refresh(), 437),
    },
    {
      id: 'refresh-other-user',
      rfc: RFC,
      section: '5',
      title: 'Refresh of the allocation of another user is refused with 441',
      requires: [withOtherUser],
      run: async (session) => {
        const client = await session.allocated();
        expectError(await client.refresh([], { account: session.setup.other! }), 441);
      },
    },
    ...lifetimes(),
    {
      id: 'refresh-delete',
      rfc: RFC,
      section: '8.2',
      title: 'LIFETIME 0 succeeds with LIFETIME 0',
      run: async (session) => {
        const client = await session.allocated();
        expectEqual('LIFETIME', expectSuccess(await client.refresh([lifetime(0)])).lifetime, 0);
      },
    },
    {
      id: 'refresh-after-delete',
      rfc: RFC,
      section: '8.2',
      title: 'after LIFETIME 0 there is no allocation (437)',
      run: async (session) => {
        const client = await session.allocated();
        expectSuccess(await client.refresh([lifetime(0)]));
        expectError(await client.refresh(), 437);
      },
    },
    {
      id: 'refresh-delete-repeated',
      rfc: RFC,
      section: '8.2',
      title: 'a repeated Refresh with LIFETIME 0 succeeds, or is refused with 437',
      run: async (session) => {
        const client = await session.allocated();
        const request = client.build(METHOD.REFRESH, [lifetime(0)]);
        expectSuccess(await client.ask(request));
        const reply = await client.ask(request);
        if (reply.errorCode !== undefined) expectError(reply, 437);
      },
    },
    {
      id: 'refresh-lifetime-malformed',
      rfc: RFC,
      section: '18.2',
      title: 'LIFETIME of two bytes is refused with 400',
      run: async (session) => {
        const client = await session.allocated();
        expectError(await client.refresh([attribute(ATTRIBUTE.LIFETIME, [2, 88])]), 400);
      },
    },
    {
      id: 'refresh-same-family',
      rfc: RFC,
      section: '8.2',
      title: 'Refresh of the family of the allocation succeeds',
      run: async (session) => {
        const client = await session.allocated();
        const family = familyOf(client.relayed[0]!.ip);
        expectSuccess(await client.refresh([requestedFamily(family)]));
      },
    },
    {
      id: 'refresh-other-family',
      rfc: RFC,
      section: '8.2',
      title: 'Refresh of another family is refused with 443',
      run: async (session) => {
        const client = await session.allocated();
        const other = familyOf(client.relayed[0]!.ip) === IPV4 ? IPV6 : IPV4;
        expectError(await client.refresh([requestedFamily(other)]), 443);
      },
    },
    {
      id: 'refresh-keeps-permissions',
      rfc: RFC,
      section: '8.2',
      title: 'Refresh leaves permissions and channels as they are',
      run: async (session) => {
        const { client, peer } = await session.scene();
        await client.bind(0x4000, peer.address);
        expectSuccess(await client.refresh([lifetime(1200)]));
        client.sendOn(0x4000, 'after the refresh');
        await peer.expect('after the refresh');
      },
    },
    ...[IPV4, IPV6].map((family) => oneOfTwo(family as Family)),
  ],
};

function lifetimes(): ConformanceCase[] {
  const table: readonly (readonly [number | undefined, number])[] = [
    [undefined, 600],
    [1, 600],
    [599, 600],
    [601, 601],
    [3600, 3600],
    [0xffffffff, 3600],
  ];
  return table.map(([wish, granted]) => ({
    id: `refresh-lifetime-${wish ?? 'none'}`,
    rfc: RFC,
    section: '8.2',
    title: `${wish === undefined ? 'no LIFETIME' : `LIFETIME ${wish}`} is granted as ${granted} seconds`,
    run: async (session) => {
      const client = await session.allocated();
      const reply = await client.refresh(wish === undefined ? [] : [lifetime(wish)]);
      expectEqual('LIFETIME', expectSuccess(reply).lifetime, granted);
    },
  }));
}

function oneOfTwo(family: Family): ConformanceCase {
  const name = family === IPV4 ? 'ipv4' : 'ipv6';
  return {
    id: `refresh-dual-delete-${name}`,
    rfc: RFC,
    section: '8.2',
    title: `LIFETIME 0 for ${name === 'ipv4' ? 'IPv4' : 'IPv6'} ends that half of a dual allocation alone`,
    run: async (session) => {
      const client = await session.allocated([additionalFamily(IPV6)]);
      if (client.relayed.length < 2) throw new NotApplicable('has but one family');
      expectSuccess(await client.refresh([lifetime(0), requestedFamily(family)]));
      expectError(await client.refresh([requestedFamily(family)]), 443);
      const left = family === IPV4 ? IPV6 : IPV4;
      const reply = expectSuccess(await client.refresh([requestedFamily(left)]));
      expectThat((reply.lifetime ?? 0) > 0, 'LIFETIME 0');
    },
  };
}
