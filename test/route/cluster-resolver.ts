import t from 'tap';
import {
  DNS_ADDRESSES_PER_NAME_MAX,
  DNS_TTL_MAX_SECONDS,
  DNS_TTL_MIN_SECONDS,
} from '../../src/limits.ts';
import { ClusterResolver } from '../../src/route/cluster-resolver.ts';
import type { ResolvedAddress } from '../../src/route/dns-answer.ts';
import { hostNamesOf, resolveEndpoints } from '../../src/route/resolved-endpoints.ts';
import { RouteTable } from '../../src/route/route-table.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';

const NAME = 'media.internal';

/** What a fake server says for one record type: addresses (TTL 60), records, or an error code. */
type Script = readonly (string | ResolvedAddress)[] | { readonly error: unknown };

/** A resolver over scripted answers, a clock that stands still until told, and a record of all calls back. */
class Fixture {
  ipv4: Script = [];
  ipv6: Script = { error: coded('ENODATA') };
  readonly changes: Record<string, readonly string[]>[] = [];
  readonly reports: string[] = [];
  readonly lookUps: string[] = [];
  readonly timers = new Map<() => void, number>();
  readonly resolver = new ClusterResolver({
    resolve4: (name) => this.#answer(name, this.ipv4),
    resolve6: (name) => this.#answer(name, this.ipv6),
    schedule: (callback, delayMs) => {
      this.timers.set(callback, delayMs);
      return () => this.timers.delete(callback);
    },
    onChange: (addressesByName) => this.changes.push(Object.fromEntries(addressesByName)),
    onReport: ({ name, problem, detail }) =>
      this.reports.push(`${name} ${problem ?? 'recovered'} ${detail}`.trim()),
  });

  async watch(...names: string[]): Promise<this> {
    this.resolver.watch(names.map((name) => ({ name, dangerouslyAllow: [] })));
    await settle();
    return this;
  }

  /** Fires every timer that is armed; returns their delays in seconds. */
  async fire(): Promise<number[]> {
    const due = [...this.timers];
    this.timers.clear();
    for (const [callback] of due) callback();
    await settle();
    return due.map(([, delayMs]) => delayMs / 1000);
  }

  /** Answers with a new script when the timers fire. */
  async next(ipv4: Script, ipv6: Script = this.ipv6): Promise<number[]> {
    this.ipv4 = ipv4;
    this.ipv6 = ipv6;
    return this.fire();
  }

  get delays(): number[] {
    return [...this.timers.values()].map((delayMs) => delayMs / 1000);
  }

  async #answer(name: string, script: Script): Promise<ResolvedAddress[]> {
    this.lookUps.push(name);
    if ('error' in script) throw script.error;
    return script.map((item) => (typeof item === 'string' ? { address: item, ttl: 60 } : item));
  }
}

t.test('changes are told only when the set really changed', async (t) => {
  const dns = new Fixture();
  dns.ipv4 = ['10.0.0.2', '10.0.0.1', '10.0.0.2'];
  dns.ipv6 = ['FD00:0:0::1'];
  await dns.watch(NAME);
  const first = { [NAME]: ['10.0.0.1', '10.0.0.2', 'fd00::1'] };
  t.strictSame(dns.changes, [first], 'sorted, canonical, each once');
  t.strictSame(Object.fromEntries(dns.resolver.addressesByName()), first);

  await dns.next(['10.0.0.1', '10.0.0.2']);
  t.equal(dns.changes.length, 1, 'another order is no change');
  await dns.next(['10.0.0.1', '10.0.0.3']);
  t.strictSame(dns.changes[1], { [NAME]: ['10.0.0.1', '10.0.0.3', 'fd00::1'] });
  await dns.next(['10.0.0.1'], { error: coded('ENODATA') });
  t.strictSame(dns.changes[2], { [NAME]: ['10.0.0.1'] }, 'a family may go away');
  await dns.next({ error: coded('ENOTFOUND') }, ['fd00::1']);
  t.strictSame(dns.changes[3], { [NAME]: ['fd00::1'] }, 'either of them');
  t.strictSame(dns.reports, []);
});

t.test('the time to live decides about the next look-up', async (t) => {
  const record = (ttl: number): ResolvedAddress => ({ address: '10.0.0.1', ttl });
  const gone = { error: coded('ENODATA') };
  const rows: [name: string, ipv4: Script, ipv6: Script, seconds: number][] = [
    ['within the limits', [record(42)], gone, 42],
    ['too short', [record(0)], gone, DNS_TTL_MIN_SECONDS],
    ['negative', [record(-1)], gone, DNS_TTL_MIN_SECONDS],
    ['too long', [record(86_400)], gone, DNS_TTL_MAX_SECONDS],
    ['no number', [record(NaN)], gone, DNS_TTL_MIN_SECONDS],
    ['the shortest counts', [record(50), record(40)], [{ address: 'fd00::1', ttl: 30 }], 30],
    ['nothing found', gone, gone, DNS_TTL_MIN_SECONDS],
    ['one failed', [record(42)], { error: coded('ESERVFAIL') }, DNS_TTL_MIN_SECONDS],
    ['both failed', { error: coded('ETIMEOUT') }, { error: 'odd' }, DNS_TTL_MIN_SECONDS],
  ];
  for (const [name, ipv4, ipv6, seconds] of rows) {
    const dns = new Fixture();
    dns.ipv4 = ipv4;
    dns.ipv6 = ipv6;
    await dns.watch(NAME);
    t.strictSame(dns.delays, [seconds], name);
  }
});

t.test('a failure keeps the last good answer and is reported once', async (t) => {
  const failures: [Script, Script, string][] = [
    [{ error: coded('ESERVFAIL') }, { error: coded('ESERVFAIL') }, 'lookUpFailed ESERVFAIL'],
    [{ error: coded('ETIMEOUT') }, { error: coded('ENODATA') }, 'lookUpFailed ETIMEOUT'],
    [{ error: coded('ENODATA') }, { error: coded('ETIMEOUT') }, 'lookUpFailed ETIMEOUT'],
    [{ error: new Error('no code') }, [], 'lookUpFailed EUNKNOWN'],
    [{ error: Object.assign(new Error(), { code: 7 }) }, [], 'lookUpFailed EUNKNOWN'],
    [{ error: coded('ENOTFOUND') }, { error: coded('ENOTFOUND') }, 'notFound ENOTFOUND'],
    [[], [], 'notFound ENODATA'],
    [['not an address', 'fd00::1'], [], 'notFound'],
  ];
  for (const [ipv4, ipv6, report] of failures) {
    const dns = new Fixture();
    dns.ipv4 = ['10.0.0.1'];
    dns.ipv6 = ['fd00::1'];
    await dns.watch(NAME);
    for (let round = 0; round < 5; round++) await dns.next(ipv4, ipv6);
    t.strictSame(dns.reports, [`${NAME} ${report}`], report);
    const counted = Object.entries(dns.resolver.problems).filter(([, count]) => count > 0);
    t.strictSame(counted, [[report.split(' ')[0], 5]], `${report}: counted every time`);
    t.equal(dns.changes.length, 1, 'no change');
    t.strictSame(dns.resolver.addressesByName().get(NAME), ['10.0.0.1', 'fd00::1']);
    await dns.next(['10.0.0.1'], ['fd00::1']);
    t.equal(dns.reports[1], `${NAME} recovered`);
    t.equal(dns.changes.length, 1, 'recovered with the same addresses');
  }
});

t.test('the family that still answers is kept up to date', async (t) => {
  const dns = new Fixture();
  dns.ipv4 = ['10.0.0.1'];
  dns.ipv6 = ['fd00::1'];
  await dns.watch(NAME);
  await dns.next(['10.0.0.2'], { error: coded('ESERVFAIL') });
  t.strictSame(dns.changes.at(-1), { [NAME]: ['10.0.0.2', 'fd00::1'] });
  t.strictSame(dns.reports, [`${NAME} lookUpFailed ESERVFAIL`]);
});

t.test('a name that never resolved has no addresses', async (t) => {
  const dns = new Fixture();
  dns.ipv4 = { error: coded('ENOTFOUND') };
  await dns.watch(NAME);
  t.equal(dns.resolver.addressesByName().size, 0);
  t.strictSame(dns.changes, []);
  t.strictSame(dns.reports, [`${NAME} notFound ENOTFOUND`]);
  await dns.next(['10.0.0.1']);
  t.strictSame(dns.changes, [{ [NAME]: ['10.0.0.1'] }]);
  t.equal(dns.reports[1], `${NAME} recovered`);
});

t.test('a rebinding answer is ignored', async (t) => {
  const dns = new Fixture();
  dns.ipv4 = ['10.0.0.1'];
  await dns.watch(NAME);
  for (let flip = 0; flip < 1000; flip++) {
    await dns.next(['169.254.169.254', '127.0.0.1'], ['::1', '::ffff:10.0.0.1']);
    await dns.next(['10.0.0.1'], { error: coded('ENODATA') });
  }
  t.equal(dns.changes.length, 1);
  t.strictSame(dns.resolver.addressesByName().get(NAME), ['10.0.0.1']);
  t.equal(dns.reports.length, 2000);
  const ignored = '127.0.0.1 169.254.169.254 ::1 ::ffff:a00:1';
  t.equal(dns.reports[0], `${NAME} forbiddenAnswer ${ignored}`);

  await dns.next(['10.0.0.2', '127.0.0.1'], { error: coded('ESERVFAIL') });
  t.strictSame(dns.changes.at(-1), { [NAME]: ['10.0.0.2'] }, 'the rest of an answer is used');
  t.equal(dns.reports.at(-1), `${NAME} forbiddenAnswer 127.0.0.1`, 'worse than the failure');
});

t.test('dangerouslyAllow covers answers exactly', async (t) => {
  const dns = new Fixture();
  dns.ipv4 = ['127.0.0.1', '127.0.0.2'];
  const exception = { address: '127.0.0.1', prefixLength: 32 };
  dns.resolver.watch([{ name: NAME, dangerouslyAllow: [exception] }]);
  await settle();
  t.strictSame(dns.changes, [{ [NAME]: ['127.0.0.1'] }]);
  t.strictSame(dns.reports, [`${NAME} forbiddenAnswer 127.0.0.2`]);

  dns.resolver.watch([{ name: NAME, dangerouslyAllow: [{ ...exception, prefixLength: 8 }] }]);
  await settle();
  t.strictSame(dns.changes.at(-1), { [NAME]: ['127.0.0.1', '127.0.0.2'] }, 'looked up at once');
  t.equal(dns.timers.size, 1);
});

t.test('an answer is bounded', async (t) => {
  const many = Array.from({ length: 10_000 }, (_, i) => `10.0.${i >>> 8}.${i & 0xff}`);
  const dns = new Fixture();
  dns.ipv4 = many;
  await dns.watch(NAME);
  t.equal(dns.changes[0]?.[NAME]?.length, DNS_ADDRESSES_PER_NAME_MAX);
  t.strictSame(dns.reports, [`${NAME} tooManyAddresses 10000`]);
  await dns.next(many.toReversed(), ['fd00::1']);
  t.equal(dns.changes.length, 1, 'the same ones whatever the order');
});

t.test('names come and go', async (t) => {
  const dns = new Fixture();
  dns.ipv4 = ['10.0.0.1'];
  await dns.watch('a', 'b');
  t.strictSame([...dns.resolver.addressesByName().keys()], ['a', 'b']);
  dns.lookUps.length = 0;
  const changes = dns.changes.length;
  await dns.watch('b', 'c', '__proto__');
  t.strictSame(dns.lookUps, ['c', 'c', '__proto__', '__proto__'], 'only new names are looked up');
  t.strictSame([...dns.resolver.addressesByName().keys()], ['b', 'c', '__proto__']);
  t.equal(dns.changes.length, changes + 2);
  t.equal(dns.timers.size, 3, 'the timer of a is gone');
  dns.lookUps.length = 0;
  await dns.fire();
  t.strictSame([...new Set(dns.lookUps)], ['b', 'c', '__proto__']);
  dns.resolver.close();
  t.equal(dns.timers.size, 0);
  t.equal(dns.resolver.addressesByName().size, 0);
});

t.test('an answer that comes after close is ignored', async (t) => {
  const dns = new Fixture();
  dns.ipv4 = ['10.0.0.1'];
  dns.resolver.watch([{ name: NAME, dangerouslyAllow: [] }]);
  dns.resolver.close();
  await settle();
  t.strictSame(dns.lookUps, [NAME, NAME], 'it was asked');
  t.strictSame(dns.changes, []);
  t.equal(dns.timers.size, 0);
});

t.test('from host names to routes', async (t) => {
  const loopback = { address: '127.0.0.1', prefixLength: 32 };
  const ports = { minPort: 5004, maxPort: 5004 };
  const clusters = [
    {
      name: 'media',
      protocol: 'udp' as const,
      endpoints: [
        { host: NAME, prefixLength: undefined, ...ports },
        { host: NAME, prefixLength: undefined, minPort: 6000, maxPort: 6100 },
        { host: '192.168.0.0', prefixLength: 16, minPort: 1, maxPort: 9 },
        { host: 'unresolved', prefixLength: undefined, ...ports },
      ],
      dangerouslyAllow: [loopback],
    },
    {
      name: 'other',
      protocol: 'udp' as const,
      endpoints: [{ host: NAME, prefixLength: undefined, minPort: 7, maxPort: 7 }],
      dangerouslyAllow: [],
    },
  ];
  t.strictSame(hostNamesOf(clusters), [
    { name: NAME, dangerouslyAllow: [loopback] },
    { name: 'unresolved', dangerouslyAllow: [loopback] },
  ]);
  const addressesByName = new Map([[NAME, ['10.0.0.1', 'fd00::1', '127.0.0.1']]]);
  const table = new RouteTable({
    listeners: [{ name: 'l', routes: ['media', 'other'] }],
    clusters: clusters.map((cluster) => ({
      ...cluster,
      endpoints: resolveEndpoints(cluster.endpoints, addressesByName),
    })),
    own: [],
  });
  const rows: [peer: string, port: number, verdict: string][] = [
    ['10.0.0.1', 5004, 'admitted'],
    ['10.0.0.1', 6050, 'admitted'],
    ['10.0.0.1', 7, 'admitted'],
    ['10.0.0.1', 5005, 'portNotRouted'],
    ['10.0.0.2', 5004, 'noRoute'],
    ['fd00::1', 5004, 'admitted'],
    ['fd00::2', 5004, 'noRoute'],
    ['192.168.7.7', 9, 'admitted'],
    ['127.0.0.1', 5004, 'admitted'],
    // The exception belongs to the other cluster.
    ['127.0.0.1', 7, 'portNotRouted'],
  ];
  for (const [peer, port, verdict] of rows) {
    const address = TransportAddress.parse(peer) ?? new TransportAddress();
    t.equal(table.admit('l', undefined, address, port), verdict, `${peer}:${port}`);
  }
});

function coded(code: string): Error {
  return Object.assign(new Error(`query ${code}`), { code });
}

/** Lets every promise that is already decided run its course. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
