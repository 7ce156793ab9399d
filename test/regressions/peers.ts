import type { Test } from 'tap';
import { ATTRIBUTE } from '../../src/stun/registry.ts';
import { SeededRandom } from '../support/core/seeded-random.ts';
import { TestClient } from '../support/core/test-client.ts';
import { cluster, LISTENER, TurnDriver, type DriverOptions } from '../support/core/turn-driver.ts';
import { bytes4, EMBEDDINGS } from '../support/ipv4-embeddings.ts';
import { testDefects } from '../support/known-defect.ts';
import { tryMemberships } from '../support/route-trials.ts';

const PORT = 5000;
const PAYLOAD = Buffer.from('payload');
/** A route to everything: whatever is refused is so for what it is. */
const OPEN: DriverOptions = {
  routes: {
    listeners: [{ name: LISTENER, routes: ['all'] }],
    clusters: [cluster('all', ['0.0.0.0', 0], ['::', 0])],
    own: [],
  },
};

await testDefects([
  {
    id: 'CVE-2018-4058',
    cause: 'coturn relayed to loopback unless it was told not to',
    check: (t) =>
      expectRefused(t, OPEN, ['127.0.0.1', '127.0.0.2', '127.255.255.255', '::1', '::7f00:1']),
  },
  {
    id: 'CVE-2020-26262',
    cause: 'the check for loopback knew neither 0.0.0.0 nor :: nor ::1',
    check: (t) => expectRefused(t, OPEN, ['0.0.0.0', '0.0.0.1', '0.255.255.255', '::', '::1']),
  },
  {
    id: 'CVE-2026-27624',
    cause: 'denied IPv4 peers were reached as ::ffff:a.b.c.d',
    check: (t) =>
      expectRefused(
        t,
        OPEN,
        ['127.0.0.1', '169.254.169.254', '0.0.0.0', '10.0.0.1'].map((ip) => `::ffff:${ip}`),
      ),
  },
  {
    id: 'coturn b057acbe',
    cause: 'the order of checks let ::ffff:127.0.0.1 through',
    check: (t) => {
      const random = new SeededRandom(1);
      const loopbacks = Array.from({ length: 20 }, () =>
        [127, random.below(256), random.below(256), random.below(256)].join('.'),
      );
      const embedded = loopbacks.flatMap((ip) =>
        Object.values(EMBEDDINGS).map((embed) => embed(bytes4(ip))),
      );
      expectRefused(t, OPEN, embedded);
    },
  },
  {
    id: 'coturn 6c13608c',
    cause: 'IPv6 ranges were compared byte by byte and not as numbers',
    check: (t) => {
      t.same(tryMemberships(2000, new SeededRandom(2)).wrong, []);
      // In the range as a number, although its last byte is below that of the first address.
      const edge = client({
        routes: {
          listeners: [{ name: LISTENER, routes: ['range'] }],
          clusters: [cluster('range', ['2001:db8:0:ff::', 56])],
          own: [],
        },
      });
      t.equal(edge.permit('2001:db8::1')?.outcome, 'success', 'the first byte of the host is 0');
      t.equal(edge.permit('2001:db8:0:ff:ffff::ff')?.outcome, 'success', 'the last address');
      t.equal(edge.permit('2001:db8:0:100::')?.outcome, 403, 'the first one beyond');
    },
  },
  {
    id: 'eturnal 31faaa6',
    cause: 'the default deny list lacked 0.0.0.0/8, ::, ::/96 and 2002::/16',
    check: (t) =>
      expectRefused(t, OPEN, ['0.1.2.3', '::', '::a00:1', '2002:a00:1::1', '2002:7f00:1::1']),
  },
  {
    id: 'Slack 2020',
    cause: 'a public TURN server reached internal services and instance metadata',
    check: (t) => {
      const internal = ['10.255.0.1', '172.16.0.5', '192.168.0.1', '100.64.0.1', 'fc00::1'];
      expectRefused(t, {}, internal);
      expectRefused(t, OPEN, ['169.254.169.254', 'fd00:ec2::254', '64:ff9b::a9fe:a9fe']);
    },
  },
  {
    id: 'Ghost Calls 2025, Backdoor.Turn 2026',
    cause: 'short-lived credentials of a conference carried traffic to any host of the Internet',
    check: (t) => {
      expectRefused(t, {}, ['8.8.8.8', '203.0.113.1', '2606:4700::1111']);
      const alice = client({});
      t.equal(alice.bindChannel(0x4000, '10.2.0.1', 443)?.outcome, 403, 'a port without a route');
      t.equal(alice.bindChannel(0x4000, '10.2.0.1', 4500)?.outcome, 'success');
      t.equal(alice.permit('10.2.0.1')?.outcome, 'success');
      t.equal(alice.sendIndication('10.2.0.1', 443, PAYLOAD), undefined, 'nor by indication');
      const carol = client({}, 'carol');
      t.equal(carol.permit('10.0.0.1')?.outcome, 403, 'a route of other users');
    },
  },
  {
    id: 'pion/turn 443e41ac',
    cause: 'of several peers in one request those before the refused one stayed permitted',
    check: (t) => {
      const alice = client({});
      t.equal(alice.permit('10.0.0.1', '10.0.0.2', '127.0.0.1')?.outcome, 403);
      t.equal(alice.allocation!.permissionByPeer.size, 0, 'none is left behind');
      t.equal(alice.driver.peerSends(alice.relay(), '10.0.0.1', PORT), undefined);
    },
  },
]);

function client(options: DriverOptions, user = 'alice'): TestClient {
  const found = new TestClient(new TurnDriver(options), { user });
  found.allocate((writer) => writer.uint8(ATTRIBUTE.ADDITIONAL_ADDRESS_FAMILY, 2, 4));
  return found;
}

/** Neither permission nor channel nor indication nor datagram gets through. */
function expectRefused(t: Test, options: DriverOptions, ips: readonly string[]): void {
  const alice = client(options);
  for (const ip of ips) {
    t.equal(alice.permit(ip)?.outcome, 403, `permission for ${ip}`);
    t.equal(alice.bindChannel(0x4000, ip, PORT)?.outcome, 403, `channel to ${ip}`);
    t.equal(alice.sendIndication(ip, PORT, PAYLOAD), undefined, `indication to ${ip}`);
    const relay = alice.relay(ip.includes(':') ? 2 : 1);
    t.equal(alice.driver.peerSends(relay, ip, PORT), undefined, `datagram from ${ip}`);
  }
}
