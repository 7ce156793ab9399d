import t from 'tap';
import { parse } from 'yaml';
import { createCredentialPolicy } from '../../src/auth/credential-policy.ts';
import { credentialCommand, routeCheckCommand } from '../../src/cli/inspect-commands.ts';
import { RouteTable } from '../../src/route/route-table.ts';
import { iceGateway } from '../../src/service/ice-gateway.ts';
import { routeTableData } from '../../src/service/policy-data.ts';
import { longTermKey } from '../../src/stun/integrity.ts';
import type { UnixSeconds } from '../../src/turn/policy.ts';
import { configFrom } from '../support/configuration.ts';

const ROUTED = configFrom(`
version: v1
auth: { type: ephemeral, credentials: { secret: canary-secret } }
listeners:
  - { name: udp, protocol: UDP, public_address: turn.example.org, routes: [media] }
  - { name: tcp, protocol: TCP, public_address: turn.example.org, public_port: 443, routes: [] }
clusters:
  - { name: media, endpoints: ['10.0.0.0/24:<5000-5999>', '[fd00::7]:5004', '203.0.113.1'] }
`);
const OWN = [{ address: '203.0.113.1', ports: [[3478, 3478] as const] }];

const routeTable = (config: typeof ROUTED): Promise<RouteTable> =>
  Promise.resolve(new RouteTable(routeTableData(config, { own: OWN, addressesByName: new Map() })));

t.test('route check', async (t) => {
  const cases = [
    {
      peer: '10.0.0.7:5004',
      exitCode: 0,
      answer: { verdict: 'admitted', cluster: 'media', endpoint: '10.0.0.0/24:5000-5999' },
    },
    {
      peer: '[fd00::7]:5004',
      exitCode: 0,
      answer: { verdict: 'admitted', cluster: 'media', endpoint: '[fd00::7]:5004' },
    },
    {
      peer: '10.0.0.7:4999',
      exitCode: 1,
      answer: {
        verdict: 'portNotRouted',
        nearest: 'media 10.0.0.0/24:5000-5999',
        why: 'the port is not in 5000-5999',
      },
    },
    {
      peer: '10.2.0.1:5004',
      exitCode: 1,
      answer: {
        verdict: 'noRoute',
        nearest: 'media 10.0.0.0/24:5000-5999',
        why: 'the address is outside the endpoint',
      },
    },
    {
      peer: '169.254.169.254:80',
      exitCode: 1,
      answer: { verdict: 'forbiddenPeer', forbidden: 'metadata' },
    },
    {
      peer: '203.0.113.1:3478',
      exitCode: 1,
      answer: {
        verdict: 'ownAddress',
        nearest: 'media 203.0.113.1',
        why: 'the peer is an address of the gateway itself',
      },
    },
    { listener: 'tcp', peer: '10.0.0.7:5004', exitCode: 1, answer: { verdict: 'noRoute' } },
  ];
  for (const { listener = 'udp', peer, exitCode, answer } of cases) {
    const check = (output: 'table' | 'json' | 'yaml') =>
      routeCheckCommand(ROUTED, { listener, peer, output }, routeTable);
    const [json, yaml, table] = [await check('json'), await check('yaml'), await check('table')];
    t.same(
      [json, yaml, table].map((result) => [result.exitCode, result.stderr]),
      [
        [exitCode, ''],
        [exitCode, ''],
        [exitCode, ''],
      ],
    );
    const data = JSON.parse(json.stdout) as Record<string, string>;
    t.match(data, { listener, peer, ...answer }, `${listener} ${peer}`);
    t.same(parse(yaml.stdout), data, 'YAML says the same');
    t.same(readTable(table.stdout), data, 'and so does the table');
  }
});

t.test('route check refuses what it does not understand', async (t) => {
  const cases = [
    { listener: 'dup', peer: '10.0.0.7:5004', says: /no listener is named "dup".*udp, tcp/ },
    ...[
      '',
      '10.0.0.7',
      '10.0.0.7:',
      '10.0.0.7:0',
      '10.0.0.7:65536',
      '10.0.0.7:-1',
      'fd00::7:5004',
      '[fd00::7]',
      '[fd00::7%eth0]:1',
      'media.example.org:5004',
      '10.0.0.0/24:5004',
    ].map((peer) => ({ listener: 'udp', peer, says: /is not a peer; write 10\.0\.0\.7:5004/ })),
  ];
  for (const { listener, peer, says } of cases) {
    const check = routeCheckCommand(ROUTED, { listener, peer, output: 'json' }, routeTable);
    await t.rejects(check, { code: 'GW_ERR_USAGE', exitCode: 2, message: says }, peer);
  }
});

t.test('auth gives a credential that the gateway accepts', (t) => {
  const before = Math.floor(Date.now() / 1000);
  const print = (output: 'table' | 'json' | 'yaml') =>
    credentialCommand(iceGateway(ROUTED), { user: 'alice', ttl: 60, output });
  const { exitCode, stdout, stderr } = print('json');
  t.same([exitCode, stderr], [0, '']);
  const { username, password, iceConfiguration } = JSON.parse(stdout) as Credential;
  const policy = createCredentialPolicy(ROUTED.auth);
  for (const algorithm of ['MD5', 'SHA-256'] as const) {
    const found = policy.find(username, algorithm, before as UnixSeconds);
    t.match(found, {
      userId: 'alice',
      keys: [longTermKey(username, policy.realm, password, algorithm)],
    });
  }
  t.match(username, /^\d+:alice$/);
  const ttl = Number.parseInt(username, 10) - before;
  t.ok(ttl >= 60 && ttl <= 65, 'expires when it should', { ttl });
  t.match(iceConfiguration, {
    iceServers: [
      {
        username,
        credential: password,
        urls: [
          'turn:turn.example.org:3478?transport=udp',
          'turn:turn.example.org:443?transport=tcp',
        ],
      },
    ],
    iceTransportPolicy: 'relay',
  });
  t.match(parse(print('yaml').stdout), { username: /:alice$/, iceConfiguration: { ttl: 60 } });
  const table = readTable(print('table').stdout);
  t.same(Object.keys(table), ['username', 'password', 'uris', 'iceConfiguration']);
  t.equal(table['uris'], iceConfiguration.iceServers[0]!.urls.join(' '));
  t.match(JSON.parse(table['iceConfiguration']!), { iceServers: [{ username: /:alice$/ }] });
  t.notMatch([stdout, ...Object.values(table)].join(), 'canary-secret', 'never the secret itself');
  t.end();
});

t.test('auth for a static user', (t) => {
  const config = configFrom(`
version: v1
auth: { type: static, credentials: { username: bob, password: pass } }
listeners: [{ name: udp, protocol: UDP, public_address: 192.0.2.1 }]
`);
  const command = { user: 'ignored', ttl: 60, output: 'json' } as const;
  const { stdout } = credentialCommand(iceGateway(config), command);
  t.match(JSON.parse(stdout), { username: 'bob', password: 'pass' });
  t.end();
});

t.test('auth where there is nothing to issue', (t) => {
  const texts = [
    'version: v1\nauth: { type: none }\nlisteners: [{ name: udp, protocol: UDP }]',
    'version: v1\nauth: { type: ephemeral, credentials: { secret: s } }\nlisteners: []',
  ];
  for (const text of texts) {
    const command = { user: '', ttl: 60, output: 'json' } as const;
    const issue = (): unknown => credentialCommand(iceGateway(configFrom(text)), command);
    t.throws(issue, { code: 'GW_ERR_UNSUPPORTED', exitCode: 1, message: /no credentials/ });
  }
  t.end();
});

interface Credential {
  readonly username: string;
  readonly password: string;
  readonly iceConfiguration: { readonly iceServers: readonly { readonly urls: string[] }[] };
}

function readTable(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .trimEnd()
      .split('\n')
      .map((line) => /^(\S+) +(.*)$/.exec(line)!.slice(1, 3) as [string, string]),
  );
}
