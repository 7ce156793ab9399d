import { existsSync, readFileSync, statSync } from 'node:fs';
import t from 'tap';
import { importCoturn } from '../../src/cli/import/coturn-import.ts';
import { importCommand } from '../../src/cli/import/import-command.ts';
import { configFrom } from '../support/configuration.ts';

const SECRET = 'canary-secret-that-is-long';
const GENERATED = 'generated-secret-of-this-test';

t.test('a file with shared secret, TLS and NAT', (t) => {
  const { config, notes } = imported(`
listening-port=3479
tls-listening-port=443
listening-ip=10.0.0.5
relay-ip=10.0.0.5
external-ip=203.0.113.7/10.0.0.5
min-port=50000
max-port = 60000
fingerprint
lt-cred-mech
use-auth-secret
static-auth-secret="${SECRET}"
realm turn.example.org
cert=/etc/ssl/turn.pem
pkey=/etc/ssl/turn.key
pkey-pwd=pass\${word}
cipher-list=ECDHE+AESGCM
no-tlsv1
no-tlsv1_1
no-tlsv1_2
total-quota=100
user-quota=12
max-bps=125000
prometheus
no-multicast-peers
no-cli
`);
  t.match(config, {
    admin: { userQuota: 12, metricsEndpoint: { host: '', port: 9641, path: '/metrics' } },
    auth: { type: 'ephemeral', realm: 'turn.example.org', secrets: [SECRET] },
    relay: {
      minPort: 50_000,
      maxPort: 60_000,
      addresses: [{ bind: '10.0.0.5', advertise: '203.0.113.7' }],
    },
    limits: { allocationsMax: 100, bytesPerSecondPerAllocation: 125_000 },
  });
  t.same(
    config.listeners.map(({ name, protocol, bind, port, publicAddress, address }) => [
      name,
      protocol,
      bind,
      port,
      publicAddress,
      address,
    ]),
    [
      ['udp', 'udp', '10.0.0.5', 3479, '203.0.113.7', undefined],
      ['tcp', 'tcp', '10.0.0.5', 3479, '203.0.113.7', undefined],
      ['tls', 'tls', '10.0.0.5', 443, '203.0.113.7', undefined],
    ],
  );
  t.match(config.listeners[2]?.tls, {
    certificate: {
      certFile: '/etc/ssl/turn.pem',
      keyFile: '/etc/ssl/turn.key',
      passphrase: 'pass${word}',
    },
    ciphers: 'ECDHE+AESGCM',
    minVersion: 'TLSv1.3',
  });
  t.equal(notes.length, 2, 'DTLS and the choice of peers', { notes });
  t.match(notes.join('\n'), /no DTLS listener/);
  t.match(notes.join('\n'), /Decide:/);
  t.notMatch(notes.join('\n'), SECRET);
  t.end();
});

t.test('users', (t) => {
  const { config, notes, yaml } = imported(`
lt-cred-mech
user=alice:pa:ss
user=bob:0xbc807ee29df3c9ffa736523fb2c4e8ee
user=carol:${SECRET}
user=alice:again
user=nonsense
`);
  t.match(config.auth, {
    type: 'static',
    users: [
      { username: 'alice', password: 'pa:ss' },
      { username: 'carol', password: SECRET },
    ],
  });
  t.equal(config.auth.users.length, 2);
  t.match(yaml, /username: alice # line 3: user\n/);
  t.match(notes, [
    /Decide/,
    /^4: user: the key of user bob is hashed/,
    /^6: .*twice/,
    /^7: .*not name:password/,
  ]);
  t.notMatch(notes.join('\n'), /bc807ee|again/, 'no secret in a note');
  t.end();
});

t.test('where no credential can be had, one is made that nobody knows', (t) => {
  for (const text of [
    '',
    'no-auth',
    'lt-cred-mech\nuser=bob:0x1234',
    'use-auth-secret\nuser=a:b',
  ]) {
    const { config, notes } = imported(text);
    t.match(config.auth, { type: 'ephemeral', secrets: [GENERATED], users: [] }, text);
    t.match(notes.join('\n'), /no credential could be taken over/);
  }
  t.match(imported('no-auth').notes.join('\n'), /^1: no-auth: an open relay is not offered/m);
  t.match(
    imported('use-auth-secret\nuser=a:b').notes.join('\n'),
    /^2: user: coturn ignores users/m,
  );
  t.match(imported('stun-only').config, { auth: { type: 'none' }, clusters: [] });
  t.end();
});

t.test('which listeners there are', (t) => {
  const tls = 'cert=/c.pem\npkey=/k.pem\n';
  const cases: [string, string[]][] = [
    ['', ['udp *:3478', 'tcp *:3478']],
    ['no-udp', ['tcp *:3478']],
    ['no-tcp', ['udp *:3478']],
    ['no-tcp=0', ['udp *:3478', 'tcp *:3478']],
    [tls, ['udp *:3478', 'tcp *:3478', 'tls *:5349']],
    [`${tls}no-tls`, ['udp *:3478', 'tcp *:3478']],
    [`${tls}dtls\nno-tcp`, ['udp *:3478', 'tls *:5349', 'dtls *:5349']],
    [`${tls}dtls\nno-dtls`, ['udp *:3478', 'tcp *:3478', 'tls *:5349']],
    ['cert=/c.pem', ['udp *:3478', 'tcp *:3478']],
    ['listening-ip=0.0.0.0\nlistening-ip=10.0.0.1\nno-tcp', ['udp 0.0.0.0:3478']],
    [
      'listening-ip=10.0.0.1\nlistening-ip=fd00::1\nno-tcp',
      ['udp 10.0.0.1:3478', 'udp fd00::1:3478'],
    ],
    ['aux-server=[fd00::1]:33478\nno-tcp', ['udp *:3478', 'udp fd00::1:33478']],
    ['listening-port=nonsense\nno-tcp', ['udp *:3478']],
  ];
  for (const [text, listeners] of cases) {
    const found = imported(text).config.listeners.map(
      ({ protocol, bind, port }) => `${protocol} ${bind ?? '*'}:${port}`,
    );
    t.same(found, listeners, text);
  }
  t.end();
});

t.test('addresses of relays', (t) => {
  const cases: [string, { addresses: object[]; address?: string; public?: string }][] = [
    ['', { addresses: [] }],
    ['external-ip=203.0.113.7', { addresses: [], address: '203.0.113.7', public: '203.0.113.7' }],
    [
      'listening-ip=10.0.0.1\nexternal-ip=203.0.113.7',
      { addresses: [{ bind: '10.0.0.1', advertise: '203.0.113.7' }], public: '203.0.113.7' },
    ],
    [
      'external-ip=203.0.113.7/10.0.0.1\nexternal-ip=2001:db8::7/fd00::1',
      {
        addresses: [
          { bind: '10.0.0.1', advertise: '203.0.113.7' },
          { bind: 'fd00::1', advertise: '2001:db8::7' },
        ],
        public: '203.0.113.7',
      },
    ],
    [
      'relay-ip=10.0.0.1\nrelay-ip=10.0.0.2',
      { addresses: [{ bind: '10.0.0.1', advertise: '10.0.0.1' }] },
    ],
  ];
  for (const [text, expected] of cases) {
    const { relay, listeners } = imported(text).config;
    t.strictSame(relay.addresses, expected.addresses, text);
    t.equal(listeners[0]?.address, expected.address, text);
    t.equal(listeners[0]?.publicAddress, expected.public, text);
  }
  t.match(imported('relay-ip=10.0.0.1\nrelay-ip=10.0.0.2').notes.join(), /10\.0\.0\.2 is left out/);
  for (const text of [
    'min-port=80',
    'min-port=50000\nmax-port=50003',
    'max-port=x',
    'max-port=70000',
  ]) {
    t.match(imported(text).config.relay, { minPort: 49_152, maxPort: 65_535 }, text);
    t.match(imported(text).notes.join('\n'), /are needed; 49152-65535 are taken/);
  }
  t.end();
});

t.test('peers', (t) => {
  const open = imported('denied-peer-ip=8.8.8.8\ndenied-peer-ip=9.0.0.0-9.255.255.255').config;
  t.same(
    open.clusters.map(({ name }) => name),
    ['public-internet'],
  );
  t.same(open.listeners[0]?.routes, ['public-internet']);
  for (const [ip, isIn] of [
    ['8.8.8.7', true],
    ['8.8.8.8', false],
    ['8.8.8.9', true],
    ['9.1.2.3', false],
    ['10.0.0.1', false],
    ['172.16.0.1', false],
    ['172.32.0.1', true],
    ['192.168.1.1', false],
    ['100.64.0.1', false],
    ['127.0.0.1', false],
    ['169.254.169.254', false],
    ['224.0.0.1', false],
    ['1.1.1.1', true],
    ['223.255.255.255', true],
  ] as const) {
    t.equal(contains(open.clusters[0]!.endpoints, ip), isIn, ip);
  }

  const closed = imported(`
static-auth-secret=${SECRET}
denied-peer-ip=0.0.0.0-255.255.255.255
denied-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
allowed-peer-ip=10.0.0.4-10.0.0.7
allowed-peer-ip=fd00::1
`);
  t.same(
    closed.config.clusters.map(({ name, endpoints }) => [
      name,
      endpoints.map(({ host, prefixLength }) => `${host}/${prefixLength}`),
    ]),
    [['allowed-peers', ['10.0.0.4/30', 'fd00::1/128']]],
  );
  t.same(closed.notes, [], 'nothing is left to be decided');

  const none = imported('allowed-peer-ip=127.0.0.1', 'none');
  t.match(none.config.clusters, [
    { name: 'allowed-peers' },
    { name: 'media-servers', endpoints: [] },
  ]);
  t.match(none.notes.join('\n'), /media-servers is empty.*\n.*dangerously_allow/s);
  t.match(imported('denied-peer-ip=nonsense').notes.join('\n'), /^1: .*no address or range/m);
  t.match(imported('allow-loopback-peers').notes.join('\n'), /dangerously_allow/);
  t.end();
});

t.test('what does not map is said with its line, and only that', (t) => {
  const { notes } = imported(
    'syslog\nmobility\nuserdb=/var/db\ncli-password=canary-password\nlistenin-port=1\nfrobnicate\nno-cli=1\nstale-nonce\nmobility',
  );
  const lines = notes.filter((note) => /^\d/.test(note));
  t.match(lines, [
    /^1: syslog: /,
    /^2: mobility: /,
    /^3: userdb: /,
    /^4: cli-password: /,
    /^5: .*did you mean listening-port\?/,
    /^6: frobnicate: is not an option/,
    /^8: stale-nonce/,
  ]);
  t.equal(lines.length, 7, 'once each', { lines });
  t.notMatch(lines.join('\n'), /canary|var\/db/, 'values are not repeated');
  t.throws(() => imported('\u0000\u0001\u0002'), { code: 'GW_ERR_USAGE' });
  t.end();
});

t.test(
  "Debian's file",
  { skip: !isReadable('/etc/turnserver.conf') && 'coturn is not installed' },
  (t) => {
    const { config, notes } = imported(readFileSync('/etc/turnserver.conf', 'utf8'));
    t.equal(config.listeners.length, 2);
    t.match(notes.join('\n'), /syslog: log records go to standard output/);
    t.end();
  },
);

t.test('the command', (t) => {
  const folder = t.testdir({ 'turnserver.conf': `static-auth-secret=${SECRET}\nsyslog\n` });
  const source = `${folder}/turnserver.conf`;
  const options = {
    outputFile: undefined,
    isForced: false,
    showsSecrets: false,
    peers: 'public',
  } as const;
  const shown = importCommand(source, options);
  t.equal(shown.exitCode, 0);
  t.match(shown.stdout, /secret: '\*\*\*' # line 1: static-auth-secret/);
  t.match(shown.stderr, `${source}:2: syslog: `);
  t.match(shown.stderr, /secrets are masked/);
  t.notMatch(shown.stdout + shown.stderr, SECRET);
  t.match(importCommand(source, { ...options, showsSecrets: true }).stdout, SECRET);

  const outputFile = `${folder}/turnpike.yaml`;
  const written = importCommand(source, { ...options, outputFile });
  t.equal(written.stdout, '');
  t.equal(statSync(outputFile).mode & 0o777, 0o600, 'for its owner only');
  t.match(configFrom(readFileSync(outputFile, 'utf8')).auth, { secrets: [SECRET] });
  t.throws(() => importCommand(source, { ...options, outputFile }), { message: /--force/ });
  t.equal(importCommand(source, { ...options, outputFile, isForced: true }).exitCode, 0);
  t.throws(() => importCommand(`${folder}/none`, options), { code: 'GW_ERR_CONFIG_UNREADABLE' });
  t.end();
});

function imported(text: string, peers: 'public' | 'none' = 'public') {
  const { yaml, notes } = importCoturn(text, {
    fileName: 'turnserver.conf',
    peers,
    secretText: (secret) => secret,
    newSecret: () => GENERATED,
  });
  const lines = notes.map((note) => (note.line === undefined ? '' : `${note.line}: `) + note.text);
  // Every result has to pass `config check`: configFrom throws where it does not.
  return { yaml, config: configFrom(yaml), notes: lines };
}

function contains(
  endpoints: readonly { host: string; prefixLength: number | undefined }[],
  ip: string,
): boolean {
  return endpoints.some(({ host, prefixLength }) => {
    if (host.includes(':')) return false;
    const size = 2 ** (32 - (prefixLength ?? 32));
    return Math.floor(numberOf(host) / size) === Math.floor(numberOf(ip) / size);
  });
}

function numberOf(ip: string): number {
  return ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function isReadable(file: string): boolean {
  try {
    return existsSync(file) && readFileSync(file).length > 0;
  } catch {
    return false;
  }
}

t.test('what is turned off needs no remark', (t) => {
  const off =
    'bps-capacity=0\nalt-listening-port=0\nalt-tls-listening-port=0\ncli=off\nsyslog=no\n';
  t.notMatch(imported(off).notes.join('\n'), / (?:bps-capacity|alt-\S*|cli|syslog): /);
  const on = imported('bps-capacity=1\nalt-listening-port=3479\nstale-nonce=0\nserver-name=foo\n');
  for (const name of ['bps-capacity', 'alt-listening-port', 'stale-nonce', 'server-name']) {
    t.match(on.notes.join('\n'), new RegExp(`: ${name}: `));
  }
  t.end();
});

t.test('a file of another program is refused', (t) => {
  for (const text of ['version: v1\nauth:\n  realm: x\n', '{ "realm": "x" }', 'hello world']) {
    t.throws(() => imported(text), { code: 'GW_ERR_USAGE', message: /nothing in it/ }, text);
  }
  t.doesNotThrow(() => imported('hello world\nrealm=x'), 'one that is known makes it coturn');
  t.end();
});
