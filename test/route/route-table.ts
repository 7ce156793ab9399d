import * as fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import t from 'tap';
import type { ClusterData, EndpointData } from '../../src/route/endpoint.ts';
import { RouteTable, type RouteTableData } from '../../src/route/route-table.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';

const LISTENER = 'default/udp-gateway/udp-listener';

t.test('verdicts', (t) => {
  const table = new RouteTable({
    listeners: [
      { name: LISTENER, routes: ['media', 'single', 'tcp-only', 'missing', '__proto__'] },
      { name: 'other', routes: ['elsewhere'] },
      { name: 'nothing', routes: [] },
      { name: '__proto__', routes: ['single'] },
    ],
    clusters: [
      cluster('media', ['10.0.0.0/24:10000-20000', 'fd00::/64:5000-5100']),
      cluster('single', ['10.1.2.3', '203.0.113.0/28:443-443']),
      cluster('elsewhere', ['192.168.0.0/16']),
      { ...cluster('tcp-only', ['10.9.0.0/16']), protocol: 'tcp' },
    ],
    own: [],
  });
  const rows: [
    verdict: string,
    peer: string,
    port?: number,
    routes?: string[] | undefined,
    at?: string,
  ][] = [
    ['admitted', '10.0.0.1', 10_000],
    ['admitted', '10.0.0.255', 20_000],
    ['admitted', '10.0.0.1'],
    ['portNotRouted', '10.0.0.1', 9_999],
    ['portNotRouted', '10.0.0.1', 20_001],
    ['portNotRouted', '10.0.0.1', 0],
    ['noRoute', '10.0.1.0', 10_000],
    ['noRoute', '10.0.1.0'],
    ['admitted', '10.1.2.3', 1],
    ['admitted', '10.1.2.3', 65_535],
    ['portNotRouted', '10.1.2.3', 0],
    ['portNotRouted', '10.1.2.3', 65_536],
    ['noRoute', '10.1.2.4', 5000],
    ['admitted', 'fd00::1', 5050],
    ['portNotRouted', 'fd00::1', 5101],
    ['noRoute', 'fd00:0:0:1::1', 5050],
    ['noRoute', '10.9.1.1', 5000],
    ['noRoute', '192.168.0.1', 5000],
    ['admitted', '192.168.0.1', 5000, undefined, 'other'],
    ['noRoute', '10.0.0.1', 10_000, undefined, 'other'],
    ['noRoute', '10.0.0.1', 10_000, undefined, 'nothing'],
    ['noRoute', '10.0.0.1', 10_000, undefined, 'unknown'],
    ['noRoute', '10.0.0.1', 10_000, undefined, 'toString'],
    ['admitted', '10.1.2.3', 5000, undefined, '__proto__'],
    ['admitted', '10.0.0.1', 10_000, ['media']],
    ['noRoute', '10.0.0.1', 10_000, ['single']],
    ['noRoute', '10.0.0.1', 10_000, []],
    ['noRoute', '192.168.0.1', 5000, ['elsewhere']],
    ['forbiddenPeer', '127.0.0.1', 10_000],
    ['forbiddenPeer', '::ffff:10.0.0.1', 10_000],
    ['forbiddenPeer', '127.0.0.1', 10_000, undefined, 'unknown'],
  ];
  for (const [verdict, peer, port, routes, listener = LISTENER] of rows) {
    const name = `${peer} port ${port} for ${routes?.join()} on ${listener}`;
    t.equal(table.admit(listener, routes, parse(peer), port), verdict, name);
    t.equal(table.explain(listener, routes, parse(peer), port).verdict, verdict, name);
    const isAdmitted = table.clusterOf(listener, routes, parse(peer), port) !== undefined;
    t.equal(isAdmitted, verdict === 'admitted', `${name}: by a cluster`);
  }
  t.end();
});

t.test('the cluster by which a peer is admitted', (t) => {
  const table = new RouteTable({
    listeners: [{ name: LISTENER, routes: ['low', 'high', 'host', 'wide'] }],
    clusters: [
      cluster('low', ['10.0.0.0/8:1000-1999']),
      cluster('high', ['10.0.0.0/8:8000-8999']),
      cluster('host', ['10.0.0.1']),
      cluster('wide', ['10.0.0.0/7']),
    ],
    own: [],
  });
  const rows: [
    cluster: string | undefined,
    peer: string,
    port?: number | undefined,
    routes?: string[],
  ][] = [
    ['low', '10.0.0.2', 1000],
    ['high', '10.0.0.2', 8000],
    ['wide', '10.0.0.2', 5000],
    ['wide', '11.0.0.2', 1000],
    ['host', '10.0.0.1', 1000],
    ['low', '10.0.0.1', 1000, ['wide', 'low']],
    ['wide', '10.0.0.1', 1000, ['wide']],
    ['high', '10.0.0.1', undefined, ['high']],
    [undefined, '10.0.0.1', 1000, ['high']],
    [undefined, '12.0.0.1', 1000],
    [undefined, '127.0.0.1', 1000],
  ];
  for (const [name, peer, port, routes] of rows) {
    const found = table.clusterOf(LISTENER, routes, parse(peer), port);
    t.equal(found, name, `${peer} port ${port} for ${routes?.join()}`);
  }
  t.equal(table.clusterOf('unknown', undefined, parse('10.0.0.1'), 1000), undefined);
  t.end();
});

t.test('overlapping endpoints: any that matches admits', (t) => {
  const clusters = [
    cluster('low', ['10.0.0.0/8:1000-1999']),
    cluster('high', ['10.0.0.0/8:8000-8999', '10.0.0.0/8:9000-9999']),
    cluster('host', ['10.0.0.1:5000-5000']),
    cluster('wide', ['0.0.0.0/0:7000-7000']),
  ];
  const names = clusters.map(({ name }) => name);
  const rows: [port: number, verdict: string, routes?: string[]][] = [
    [1500, 'admitted'],
    [8500, 'admitted'],
    [9500, 'admitted'],
    [5000, 'admitted'],
    [7000, 'admitted'],
    [6000, 'portNotRouted'],
    [1500, 'portNotRouted', ['high', 'host']],
    [8999, 'admitted', ['host', 'high']],
  ];
  // The order of routes and clusters must not matter.
  for (const routes of [names, names.toReversed(), [...names, ...names]]) {
    const table = new RouteTable({
      listeners: [{ name: LISTENER, routes }],
      clusters: routes.length > names.length ? clusters.toReversed() : clusters,
      own: [],
    });
    for (const [port, verdict, userRoutes] of rows) {
      t.equal(table.admit(LISTENER, userRoutes, parse('10.0.0.1'), port), verdict, `port ${port}`);
    }
  }
  t.end();
});

t.test('dangerouslyAllow lifts the deny list exactly', (t) => {
  const table = new RouteTable({
    listeners: [{ name: LISTENER, routes: ['open', 'echo', 'unused'] }],
    clusters: [
      cluster('open', ['0.0.0.0/0', '::/0']),
      cluster('echo', ['127.0.0.0/8:7-7', '::/0:7-7'], ['127.0.0.1/32', '::1/128']),
      cluster('unused', ['10.0.0.1'], ['169.254.0.0/16']),
    ],
    own: [],
  });
  const rows: [verdict: string, peer: string, port?: number, routes?: string[]][] = [
    ['admitted', '127.0.0.1', 7],
    ['admitted', '127.0.0.1'],
    ['portNotRouted', '127.0.0.1', 8],
    ['forbiddenPeer', '127.0.0.2', 7],
    ['forbiddenPeer', '127.0.0.1', 7, ['open']],
    ['admitted', '::1', 7],
    ['forbiddenPeer', '::ffff:127.0.0.1', 7],
    ['forbiddenPeer', '64:ff9b::127.0.0.1', 7],
    ['forbiddenPeer', '169.254.1.1', 7],
    ['forbiddenPeer', '169.254.169.254', 80],
    ['admitted', '10.0.0.1', 8],
  ];
  for (const [verdict, peer, port, routes] of rows) {
    t.equal(table.admit(LISTENER, routes, parse(peer), port), verdict, `${peer} port ${port}`);
  }
  t.match(table.explain(LISTENER, undefined, parse('127.0.0.1'), 7), {
    verdict: 'admitted',
    forbidden: 'loopback',
    cluster: 'echo',
    endpoint: '127.0.0.0/8:7',
  });
  t.end();
});

t.test('our own addresses are no peers', (t) => {
  const table = new RouteTable({
    listeners: [{ name: LISTENER, routes: ['open'] }],
    clusters: [cluster('open', ['0.0.0.0/0', '::/0'], ['127.0.0.1/32', '::ffff:0:0/96'])],
    own: [
      { address: '127.0.0.1', ports: [[3478, 3478]] },
      { address: '203.0.113.7', ports: [[49_152, 65_535], [3478, 3478]] }, // prettier-ignore
      { address: '203.0.113.7', ports: [[5349, 5349]] },
      { address: '2001:db8::7', ports: [[3478, 3478]] },
    ],
  });
  const rows: [verdict: string, peer: string, port?: number][] = [
    ['ownAddress', '203.0.113.7', 3478],
    ['ownAddress', '203.0.113.7', 5349],
    ['ownAddress', '203.0.113.7', 49_152],
    ['ownAddress', '203.0.113.7', 65_535],
    ['admitted', '203.0.113.7', 49_151],
    ['admitted', '203.0.113.7'],
    ['admitted', '203.0.113.8', 3478],
    ['ownAddress', '2001:db8::7', 3478],
    ['admitted', '2001:db8::7', 3479],
    ['ownAddress', '127.0.0.1', 3478],
    ['admitted', '127.0.0.1', 3479],
    ['ownAddress', '::ffff:203.0.113.7', 3478],
    ['ownAddress', '64:ff9b::203.0.113.7', 50_000],
    ['ownAddress', '2002:cb00:7107::1', 3478],
    ['ownAddress', '2001:db8::5efe:203.0.113.7', 3478],
    ['admitted', '64:ff9b::203.0.113.7', 5000],
  ];
  for (const [verdict, peer, port] of rows) {
    t.equal(table.admit(LISTENER, undefined, parse(peer), port), verdict, `${peer} port ${port}`);
  }
  t.equal(table.admit('unknown', undefined, parse('203.0.113.7'), 3478), 'ownAddress');
  t.match(table.explain(LISTENER, undefined, parse('203.0.113.7'), 3478).nearest, {
    why: 'the peer is an address of the gateway itself',
  });
  t.end();
});

t.test('explanations', (t) => {
  const table = new RouteTable({
    listeners: [
      { name: LISTENER, routes: ['media', 'near', 'ipv6', 'tcp-only'] },
      { name: 'ipv6', routes: ['ipv6'] },
      { name: 'nothing', routes: [] },
    ],
    clusters: [
      cluster('media', ['10.0.0.0/24:10000-20000', '10.0.0.0/24:30000-30100', '192.168.0.0/16']),
      cluster('near', ['10.0.0.64/32:80-80', '10.0.1.0/32']),
      cluster('ipv6', ['fd00::/64:5000-5100']),
      { ...cluster('tcp-only', ['10.9.0.0/16']), protocol: 'tcp' },
    ],
    own: [],
  });
  const rows: [
    peer: string,
    port: number | undefined,
    cluster: string,
    endpoint: string,
    why: string,
  ][] = [
    ['10.0.0.65', 29_000, 'media', '10.0.0.0/24:30000-30100', 'the port is not in 30000-30100'],
    ['10.0.0.65', 21_000, 'media', '10.0.0.0/24:10000-20000', 'the port is not in 10000-20000'],
    ['10.0.1.1', 80, 'near', '10.0.1.0', 'the address is outside the endpoint'],
    ['192.167.1.1', undefined, 'media', '192.168.0.0/16', 'the address is outside the endpoint'],
    ['10.9.1.1', 80, 'tcp-only', '10.9.0.0/16', 'the cluster relays TCP only'],
    ['fd00::1', 1, 'ipv6', '[fd00::]/64:5000-5100', 'the port is not in 5000-5100'],
  ];
  for (const [peer, port, name, endpoint, why] of rows) {
    const { nearest } = table.explain(LISTENER, undefined, parse(peer), port);
    t.strictSame(nearest, { cluster: name, endpoint, why }, `${peer} port ${port}`);
  }
  const whyOf = (
    listener: string,
    routes: string[] | undefined,
    peer: string,
  ): string | undefined => table.explain(listener, routes, parse(peer), 10_000).nearest?.why;
  t.equal(whyOf(LISTENER, ['near'], '10.0.0.1'), 'the user is confined to other clusters');
  t.equal(whyOf('ipv6', undefined, '10.0.0.1'), 'the endpoint is of the other address family');
  t.equal(whyOf('nothing', undefined, '10.0.0.1'), undefined);
  t.equal(whyOf('unknown', undefined, '10.0.0.1'), undefined);
  t.equal(whyOf(LISTENER, undefined, '127.0.0.1'), 'the address is outside the endpoint');
  t.strictSame(table.explain(LISTENER, undefined, parse('10.0.0.1'), undefined), {
    verdict: 'admitted',
    forbidden: undefined,
    cluster: 'media',
    endpoint: '10.0.0.0/24:10000-20000',
  });

  const open = new RouteTable({
    listeners: [{ name: LISTENER, routes: ['open'] }],
    clusters: [cluster('open', ['0.0.0.0/0'])],
    own: [],
  });
  t.match(open.explain(LISTENER, undefined, parse('169.254.169.254'), 80), {
    verdict: 'forbiddenPeer',
    forbidden: 'metadata',
    nearest: { why: 'the address is on the hard deny list (metadata)' },
  });
  t.end();
});

t.test('a table agrees with a search through all endpoints', (t) => {
  const addressPool = ['10.0.0.0', '10.0.0.1', '10.0.0.130', '10.0.128.0', '10.1.0.0', '11.0.0.1']
    .concat(['fd00::', 'fd00::1', 'fd00::1:0', 'fd00:0:0:1::', 'fd01::1'])
    .map((text) => ({ text, bits: ipaddr.parse(text).kind() === 'ipv4' ? 32 : 128 }));
  const port = fc.integer({ min: 0, max: 30 });
  const address = fc.constantFrom(...addressPool);
  const endpoint = fc
    .tuple(address, fc.integer({ min: 0, max: 128 }), port, port)
    .map(([{ text, bits }, length, a, b]): EndpointData => {
      const prefixLength = Math.min(length, bits);
      return { address: text, prefixLength, minPort: Math.min(a, b), maxPort: Math.max(a, b) };
    });
  const clusterNames = ['a', 'b', 'c', 'd'];
  const clusters = fc.tuple(
    ...clusterNames.map((name) =>
      fc.record({
        name: fc.constant(name),
        protocol: fc.constantFrom('udp' as const, 'udp' as const, 'tcp' as const),
        endpoints: fc.array(endpoint, { maxLength: 6 }),
        dangerouslyAllow: fc.constant([]),
      }),
    ),
  );
  const routes = fc.subarray(clusterNames);
  const questions = fc.array(fc.tuple(address, fc.option(port, { nil: undefined })), {
    minLength: 100,
    maxLength: 100,
  });
  const userRoutes = fc.option(routes, { nil: undefined });
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(clusters, routes, userRoutes, questions, (data, listed, user, asked) => {
      const table = new RouteTable({
        listeners: [{ name: LISTENER, routes: listed }],
        clusters: data,
        own: [],
      });
      const usable = data.filter(
        ({ name, protocol }) =>
          protocol === 'udp' && listed.includes(name) && (user?.includes(name) ?? true),
      );
      return asked.every(([{ text }, candidate]) => {
        const expected = searchEndpoints(usable, text, candidate);
        seen.set(expected, (seen.get(expected) ?? 0) + 1);
        const explained = table.explain(LISTENER, user, parse(text), candidate);
        const admitting = table.clusterOf(LISTENER, user, parse(text), candidate);
        const alone = usable.filter(({ name }) => name === admitting);
        return (
          (admitting !== undefined) === (expected === 'admitted') &&
          (admitting === undefined || searchEndpoints(alone, text, candidate) === 'admitted') &&
          table.admit(LISTENER, user, parse(text), candidate) === expected &&
          explained.verdict === expected &&
          (expected === 'admitted') === (explained.endpoint !== undefined)
        );
      });
    }),
    { numRuns: 500 },
  );
  for (const verdict of ['admitted', 'portNotRouted', 'noRoute']) {
    t.ok((seen.get(verdict) ?? 0) > 1000, `${verdict}: ${seen.get(verdict)} times`);
  }
  t.end();
});

t.test('ten thousand endpoints', (t) => {
  const hosts = Array.from({ length: 10_000 }, (_, index) => ({
    address: `10.${20 + (index >>> 14)}.${(index >>> 6) & 0xff}.${(index & 0x3f) * 4}`,
    prefixLength: 32,
    minPort: 1000 + (index % 100),
    maxPort: 1000 + (index % 100),
  }));
  const samePort = Array.from({ length: 10_000 }, (_, index) => ({
    address: '10.99.0.1',
    prefixLength: 32,
    minPort: index * 2 + 1,
    maxPort: index * 2 + 1,
  }));
  const data: RouteTableData = {
    listeners: [{ name: LISTENER, routes: ['hosts', 'ports'] }],
    clusters: [
      { name: 'hosts', protocol: 'udp', endpoints: hosts, dangerouslyAllow: [] },
      { name: 'ports', protocol: 'udp', endpoints: samePort, dangerouslyAllow: [] },
    ],
    own: [],
  };
  const table = new RouteTable(structuredClone(data));
  const verdicts = new Map<string, number>();
  const count = (address: string, port: number): void => {
    const verdict = table.admit(LISTENER, undefined, parse(address), port);
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
  };
  for (const { address, minPort } of hosts) {
    count(address, minPort);
    count(address, minPort + 1);
    count(
      address.replace(/\d+$/, (last) => `${Number(last) + 1}`),
      minPort,
    );
  }
  t.strictSame(Object.fromEntries(verdicts), {
    admitted: 10_000,
    portNotRouted: 10_000,
    noRoute: 10_000,
  });
  verdicts.clear();
  for (const { address, minPort } of samePort) {
    count(address, minPort);
    count(address, minPort + 1);
  }
  t.strictSame(Object.fromEntries(verdicts), { admitted: 10_000, portNotRouted: 10_000 });
  t.end();
});

t.test('data that names no address or port is a bug of the caller', (t) => {
  const base: RouteTableData = { listeners: [], clusters: [], own: [] };
  t.throws(() => new RouteTable({ ...base, own: [{ address: 'x', ports: [] }] }), RangeError);
  t.throws(
    () => new RouteTable({ ...base, clusters: [cluster('a', ['10.0.0.1:9-8'])] }),
    RangeError,
  );
  t.throws(
    () => new RouteTable({ ...base, clusters: [cluster('a', ['10.0.0.1'], ['127.0.0.1/33'])] }),
    RangeError,
  );
  t.end();
});

/** An independent oracle: ipaddr.js and a plain search. */
function searchEndpoints(
  clusters: readonly ClusterData[],
  peer: string,
  port: number | undefined,
): string {
  const address = ipaddr.parse(peer);
  const matching = clusters
    .flatMap(({ endpoints }) => endpoints)
    .filter((endpoint) => {
      const network = ipaddr.parse(endpoint.address);
      return network.kind() === address.kind() && address.match(network, endpoint.prefixLength);
    });
  if (matching.length === 0) return 'noRoute';
  const isRouted = matching.some(
    ({ minPort, maxPort }) =>
      port === undefined || (port !== 0 && port >= minPort && port <= maxPort),
  );
  return isRouted ? 'admitted' : 'portNotRouted';
}

/** Endpoints as `address[/length][:min-max]`; exceptions as `address/length`. */
function cluster(name: string, endpoints: string[], allow: string[] = []): ClusterData {
  return {
    name,
    protocol: 'udp',
    endpoints: endpoints.map((text) => {
      const [, range = '', minPort = '1', maxPort = '65535'] =
        /^(.*?)(?::(\d+)-(\d+))?$/.exec(text) ?? [];
      return { ...prefix(range), minPort: Number(minPort), maxPort: Number(maxPort) };
    }),
    dangerouslyAllow: allow.map(prefix),
  };
}

function prefix(text: string): { address: string; prefixLength: number } {
  const [address = '', length] = text.split('/');
  const bits = address.includes(':') ? 128 : 32;
  return { address, prefixLength: length === undefined ? bits : Number(length) };
}

function parse(text: string): TransportAddress {
  const address = TransportAddress.parse(text);
  if (address === undefined) throw new Error(`not an address: ${text}`);
  return address;
}
