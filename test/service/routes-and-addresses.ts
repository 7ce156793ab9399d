import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { Log } from '../../src/log.ts';
import { RouteTable } from '../../src/route/route-table.ts';
import {
  resolveRouteTable,
  watchClusterNames,
  type NameService,
} from '../../src/service/cluster-names.ts';
import { policyData, routeTableData } from '../../src/service/policy-data.ts';
import { hostAddresses, ownAddresses, planListeners } from '../../src/service/relay-plan.ts';
import { configFrom } from '../support/configuration.ts';
import { addressFrom } from '../support/turn-client.ts';

const HOST = ['127.0.0.1', '10.0.0.5', 'fd00::5'];
const AUTH = 'auth: { type: ephemeral, credentials: { secret: a-secret-for-tests-only } }';

t.test('where relayed transport addresses come from', (t) => {
  const cases = [
    { name: 'nothing is configured', listener: '', relay: '', configured: [] },
    {
      name: 'an address that the host has',
      listener: 'address: 10.0.0.5',
      relay: '',
      configured: [{ bind: '10.0.0.5', advertise: '10.0.0.5' }],
    },
    {
      name: 'one in another spelling',
      listener: "address: 'FD00:0::5'",
      relay: '',
      configured: [{ bind: 'fd00::5', advertise: 'fd00::5' }],
    },
    {
      name: 'an address behind 1:1 NAT',
      listener: 'address: 203.0.113.7',
      relay: '',
      configured: [{ bind: '0.0.0.0', advertise: '203.0.113.7' }],
    },
    {
      name: 'the same over IPv6',
      listener: "address: '2001:db8::7'",
      relay: '',
      configured: [{ bind: '::', advertise: '2001:db8::7' }],
    },
    {
      name: 'relay.addresses of the same family',
      listener: 'address: 10.0.0.5',
      relay: 'relay: { addresses: [{ bind: 10.0.0.5, advertise: 203.0.113.7 }] }',
      configured: [{ bind: '10.0.0.5', advertise: '203.0.113.7' }],
    },
    {
      name: 'relay.addresses of the other family',
      listener: 'address: 10.0.0.5',
      relay: "relay: { addresses: [{ bind: 'fd00::5', advertise: 'fd00::5' }] }",
      configured: [
        { bind: 'fd00::5', advertise: 'fd00::5' },
        { bind: '10.0.0.5', advertise: '10.0.0.5' },
      ],
    },
  ];
  for (const { name, listener, relay, configured } of cases) {
    const config = configFrom(`
version: v1
${AUTH}
listeners: [{ name: udp, protocol: UDP, bind: 0.0.0.0, port: 3479, ${listener} }]
${relay}
`);
    const proxy = { mode: 'off', trusted: [] };
    const plan = {
      name: 'udp',
      protocol: 'udp',
      bind: '0.0.0.0',
      port: 3479,
      alsoPlain: false,
      proxy,
    };
    const expected = [{ ...plan, relayAddresses: { configured, host: HOST } }];
    t.same(planListeners(config, HOST), expected, name);
  }
  t.end();
});

t.test('what travels on the socket', (t) => {
  const config = configFrom(`
version: v1
${AUTH}
listeners:
  - { name: tls, protocol: TLS, port: 1, also_plain: true }
  - { name: dtls, protocol: DTLS, port: 2 }
  - name: upstream
    protocol: TURN-TLS
    port: 3
    tls: { termination: upstream }
    proxy_protocol: required
    proxy_trusted: [10.0.0.0/8]
`);
  const plans = planListeners(config, HOST);
  t.same(
    plans.map(({ name, protocol, alsoPlain }) => ({ name, protocol, alsoPlain })),
    [
      { name: 'tls', protocol: 'tls', alsoPlain: true },
      { name: 'dtls', protocol: 'dtls', alsoPlain: false },
      { name: 'upstream', protocol: 'tcp', alsoPlain: false },
    ],
    'plain TCP where TLS ends in front of the gateway',
  );
  const trusted = [{ address: '10.0.0.0', prefixLength: 8 }];
  t.same(plans[2]?.proxy, { mode: 'required', trusted });
  t.end();
});

t.test('the gateway knows its own addresses', (t) => {
  const config = configFrom(`
version: v1
${AUTH}
ice: { endpoint: http://127.0.0.1:8088 }
listeners:
  - { name: udp, protocol: UDP, port: 3479, public_port: 443, public_address: 198.51.100.1, routes: [all] }
  - { name: tcp, protocol: TCP, bind: 127.0.0.9, port: 5000, address: 203.0.113.7 }
  - { name: named, protocol: TCP, port: 5001, public_address: turn.example.org }
relay: { min_port: 50000, max_port: 50999, addresses: [{ bind: 127.0.0.8, advertise: 203.0.113.8 }] }
clusters: [{ name: all, endpoints: [0.0.0.0/0, '::/0'], dangerously_allow: [127.0.0.0/8] }]
`);
  const own = ownAddresses(config, HOST);
  const routes = new RouteTable(routeTableData(config, { own, addressesByName: new Map() }));
  const ips = [...HOST, '198.51.100.1', '203.0.113.7', '203.0.113.8', '127.0.0.8', '127.0.0.9'];
  for (const ip of ips) {
    for (const port of [3479, 443, 5000, 5001, 8088, 50_000, 50_999]) {
      const peer = addressFrom(ip, port);
      t.equal(routes.admit('udp', undefined, peer, port), 'ownAddress', peer.toString());
    }
    const other = addressFrom(ip, 51_000);
    t.equal(routes.admit('udp', undefined, other, 51_000), 'admitted', 'another port is a peer');
  }
  const neighbour = addressFrom('10.0.0.6', 3479);
  t.equal(routes.admit('udp', undefined, neighbour, 3479), 'admitted', 'another address is a peer');
  t.end();
});

t.test('addresses of this host', (t) => {
  const addresses = hostAddresses();
  t.ok(addresses.includes('127.0.0.1'));
  t.same(
    addresses.filter((ip) => /^(?:169\.254\.|fe80:)/.test(ip)),
    [],
    'no link-local ones',
  );
  t.end();
});

const NAMED = configFrom(`
version: v1
${AUTH}
listeners: [{ name: udp, protocol: UDP, routes: [named, fixed] }]
clusters:
  - { name: named, type: STRICT_DNS, endpoints: ['good.test:5004', 'bad.test', 10.9.9.9] }
  - { name: fixed, endpoints: ['10.0.0.0/24:<5000-5999>'], protocol: TCP, dangerously_allow: [127.0.0.1] }
relay: { nat64_prefixes: ['2001:db8:64::/96'] }
`);

t.test('what workers decide by', (t) => {
  const addresses = new Map([['good.test', ['10.1.1.1', 'fd00::1']]]);
  const own = [{ address: '10.0.0.5', ports: [] }];
  const slots = { listeners: new Map([['udp', 1]]), clusters: new Map() };
  const revocations = [{ userId: 'mallory', untilUnixSeconds: 5 }];
  const inputs = { own, addressesByName: addresses, slots, revocations, isDraining: false };
  const data = policyData(NAMED, inputs);
  t.same(structuredClone(data), data, 'is plain data');
  t.same(data.auth, { ...NAMED.auth, revocations });
  t.equal(data.slots, slots);
  t.same(data.routes, {
    listeners: [{ name: 'udp', routes: ['named', 'fixed'] }],
    clusters: [
      {
        name: 'named',
        protocol: 'udp',
        dangerouslyAllow: [],
        endpoints: [
          { address: '10.1.1.1', prefixLength: 32, minPort: 5004, maxPort: 5004 },
          { address: 'fd00::1', prefixLength: 128, minPort: 5004, maxPort: 5004 },
          { address: '10.9.9.9', prefixLength: 32, minPort: 1, maxPort: 65_535 },
        ],
      },
      {
        name: 'fixed',
        protocol: 'tcp',
        dangerouslyAllow: [{ address: '127.0.0.1', prefixLength: 32 }],
        endpoints: [{ address: '10.0.0.0', prefixLength: 24, minPort: 5000, maxPort: 5999 }],
      },
    ],
    own,
    nat64Prefixes: [{ address: '2001:db8:64::', prefixLength: 96 }],
  });
  t.end();
});

t.test('names are looked up once for a route check', async (t) => {
  const routes = await resolveRouteTable(NAMED, namesOf({ 'good.test': ['10.1.1.1'] }));
  const verdict = (ip: string, port: number): string =>
    routes.admit('udp', undefined, addressFrom(ip, port), port);
  t.equal(verdict('10.1.1.1', 5004), 'admitted');
  t.equal(verdict('10.1.1.1', 5005), 'portNotRouted');
  t.equal(verdict('10.2.2.2', 5004), 'noRoute', 'a name that fails routes nowhere');
  t.equal(verdict('10.9.9.9', 1), 'admitted', 'the other endpoints of its cluster go on');
});

t.test('names are watched for a running gateway', async (t) => {
  const lines: string[] = [];
  const log = new Log(
    { format: 'text', levels: { all: 'DEBUG' } },
    { write: (x) => lines.push(x) },
  );
  const names = namesOf({ 'good.test': ['10.1.1.1'] });
  const addresses = await new Promise((resolve) => {
    const resolver = watchClusterNames(NAMED, log, resolve, names);
    t.teardown(() => resolver.close());
  });
  await setImmediate();
  t.same(addresses, new Map([['good.test', ['10.1.1.1']]]));
  t.match(
    lines.join(''),
    /DEBUG dns: names of routes .* addresses={"good\.test":\["10\.1\.1\.1"\]}/,
  );
  t.match(lines.join(''), /WARN dns: name does not resolve .* name="bad\.test" problem="notFound"/);
});

/** A name service that knows IPv4 addresses of some names. */
function namesOf(addressesByName: Record<string, string[]>): NameService {
  const fail = (code: string) => Promise.reject(Object.assign(new Error(code), { code }));
  return {
    resolve4: (name) => {
      const addresses = addressesByName[name];
      if (addresses === undefined) return fail('ENOTFOUND');
      return Promise.resolve(addresses.map((address) => ({ address, ttl: 60 })));
    },
    resolve6: () => fail('ENODATA'),
  };
}
