import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { parse, parseAllDocuments } from 'yaml';
import { loadForCommand } from '../../src/cli/configuration.ts';
import { SNIPPETS, snippetCommand } from '../../src/cli/snippets/snippet-command.ts';
import { iceGateway } from '../../src/service/ice-gateway.ts';

const SECRET = `canary "secret" & <that> is $long's`;
const FOLDER = t.testdir({});
const KEY = 'canary-api-key-that-is-long';
const URIS = [
  'turn:turn.example.org:3478?transport=udp',
  'turn:turn.example.org:3478?transport=tcp',
  'turns:turn.example.org:443?transport=tcp',
];
const LISTENERS = `
listeners:
  - { name: udp, protocol: UDP, public_address: turn.example.org }
  - { name: tcp, protocol: TCP, public_address: turn.example.org }
  - { name: tls, protocol: TLS, port: 5349, public_address: turn.example.org, public_port: 443, tls: { certificate: generated } }
  - { name: dtls, protocol: DTLS, port: 5349, public_address: turn.example.org, tls: { certificate: generated } }
`;
const WITH_SECRET = `version: v1
auth: { type: ephemeral, realm: example.org, max_ttl: 2h, credentials: { secret: ${JSON.stringify(SECRET)} } }
ice: { endpoint: http://127.0.0.1:8088, api_keys: [${KEY}] }
${LISTENERS}`;
const WITH_USER = `version: v1
auth: { type: static, credentials: { username: bob, password: ${JSON.stringify(SECRET)} } }
${LISTENERS}`;

type Check = (text: string) => unknown;

const WITH_SECRET_CHECKS: Readonly<Record<string, [Check, unknown]>> = {
  nextcloud: [
    words,
    [
      ['php', 'occ', 'talk:stun:add', 'turn.example.org:3478'],
      [
        'php',
        'occ',
        'talk:turn:add',
        `--secret=${SECRET}`,
        'turn',
        'turn.example.org:3478',
        'udp,tcp',
      ],
      ['php', 'occ', 'talk:turn:add', `--secret=${SECRET}`, 'turns', 'turn.example.org:443', 'tcp'],
    ],
  ],
  jitsi: [
    lua,
    {
      external_service_secret: SECRET,
      external_services: [
        { type: 'stun', host: 'turn.example.org', port: 3478, transport: 'udp' },
        ...[
          { type: 'turn', port: 3478, transport: 'udp' },
          { type: 'turn', port: 3478, transport: 'tcp' },
          { type: 'turns', port: 443, transport: 'tcp' },
        ].map((server) => ({
          ...server,
          host: 'turn.example.org',
          secret: true,
          algorithm: 'turn',
          ttl: 7200,
        })),
      ],
    },
  ],
  synapse: [
    parse,
    {
      turn_uris: URIS,
      turn_shared_secret: SECRET,
      turn_user_lifetime: 7_200_000,
      turn_allow_guests: false,
    },
  ],
  bigbluebutton: [
    xmlValues,
    ['stun:turn.example.org:3478', ...URIS.flatMap((uri) => [SECRET, uri, '7200'])],
  ],
  livekit: [
    parse,
    {
      rtc: {
        turn_servers: [
          [3478, 'udp'],
          [3478, 'tcp'],
          [443, 'tls'],
        ].map(([port, protocol]) => ({
          host: 'turn.example.org',
          port,
          protocol,
          secret: SECRET,
          ttl: 7200,
        })),
      },
    },
  ],
  galene: [
    JSON.parse,
    [{ urls: URIS, username: 'galene', credential: SECRET, credentialType: 'hmac-sha1' }],
  ],
  janus: [
    jcfg,
    {
      stun_server: 'turn.example.org',
      stun_port: 3478,
      turn_rest_api: 'http://127.0.0.1:8088/',
      turn_rest_api_key: KEY,
      turn_rest_api_method: 'GET',
    },
  ],
  mediamtx: [
    parse,
    { webrtcICEServers2: URIS.map((url) => ({ url, username: 'AUTH_SECRET', password: SECRET })) },
  ],
  rest: [
    words,
    [
      ['TURN_REST_URL=http://127.0.0.1:8088/'],
      ['ICE_URL=http://127.0.0.1:8088/ice'],
      [`TURN_REST_KEY=${KEY}`],
    ],
  ],
  coturn: [
    (text) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
    ['realm=example.org', 'use-auth-secret', `static-auth-secret=${SECRET}`],
  ],
};

t.test('with a shared secret', (t) => {
  const file = writeConfig(WITH_SECRET);
  for (const [name, [read, expected]] of Object.entries(WITH_SECRET_CHECKS)) {
    t.strictSame(read(shown(file, name)), expected, name);
  }
  const browser = JSON.parse(shown(file, 'browser')) as { iceServers: object[] };
  t.match(browser, {
    iceServers: [{ urls: URIS, username: /^\d+:demo$/, credential: /^[\w+/]{27}=$/ }],
  });
  t.end();
});

t.test('Kubernetes', (t) => {
  const file = writeConfig(WITH_SECRET);
  const [secret, deployment, service] = parseAllDocuments(shown(file, 'kubernetes')).map(
    (document) => document.toJS() as Record<string, never>,
  );
  t.match(secret, { kind: 'Secret', stringData: { 'turnpike.yaml': readFileSync(file, 'utf8') } });
  const { drainTimeoutSeconds } = loadForCommand({ file }).config.admin;
  t.match(deployment, {
    kind: 'Deployment',
    spec: {
      template: {
        spec: {
          terminationGracePeriodSeconds: drainTimeoutSeconds + 30,
          containers: [
            {
              args: ['start', '-c', '/etc/turnpike/turnpike.yaml'],
              readinessProbe: { httpGet: { path: '/ready', port: 8086 } },
            },
          ],
        },
      },
    },
  });
  t.match(service, {
    kind: 'Service',
    spec: {
      ports: [
        { port: 3478, protocol: 'UDP' },
        { port: 3478, protocol: 'TCP' },
        { port: 443, targetPort: 5349, protocol: 'TCP' },
        { port: 5349, protocol: 'UDP' },
      ],
    },
  });
  t.end();
});

t.test('Kubernetes probes need an endpoint beyond loopback', (t) => {
  const remarks = (endpoint: string): string => {
    const file = writeConfig(`${WITH_SECRET}\nadmin: { healthcheck_endpoint: '${endpoint}' }\n`);
    const options = { file, showsSecrets: true, environment: {} };
    return snippetCommand('kubernetes', options, iceGateway).stderr;
  };
  t.match(remarks('http://127.0.0.1:8086'), /^the probes would fail: .* listens on 127\.0\.0\.1;/m);
  t.notMatch(remarks('http://0.0.0.0:8086'), /probes/);
  t.notMatch(remarks(''), /probes/);
  t.end();
});

t.test('with a static user', (t) => {
  const file = writeConfig(WITH_USER);
  const login = { username: 'bob', credential: SECRET };
  t.match(parse(shown(file, 'synapse')), { turn_username: 'bob', turn_password: SECRET });
  t.match(JSON.parse(shown(file, 'browser')), { iceServers: [{ urls: URIS, ...login }] });
  t.strictSame(JSON.parse(shown(file, 'galene')), [{ urls: URIS, ...login }]);
  t.match(jcfg(shown(file, 'janus')), { turn_type: 'udp', turn_user: 'bob', turn_pwd: SECRET });
  t.match(lua(shown(file, 'jitsi')), {
    external_services: [{}, { username: 'bob', password: SECRET }],
  });
  for (const name of ['nextcloud', 'bigbluebutton']) {
    t.throws(() => shown(file, name), { code: 'GW_ERR_UNSUPPORTED', message: /shared secret/ });
  }
  t.throws(() => shown(file, 'rest'), { code: 'GW_ERR_UNSUPPORTED', message: /no ice section/ });
  t.end();
});

t.test('secrets are masked unless asked for', (t) => {
  for (const [text, names] of [
    [WITH_SECRET, Object.keys(SNIPPETS)],
    [WITH_USER, ['synapse', 'browser', 'kubernetes', 'coturn']],
  ] as const) {
    const file = writeConfig(text);
    for (const name of names) {
      const { stdout, stderr } = command(file, name, false);
      t.notMatch(stdout + stderr, 'canary', name);
      t.match(stdout, '***', name);
      t.match(stderr, /--show-secret prints them\n$/, name);
    }
  }
  t.end();
});

t.test('what an operator should look at', (t) => {
  const auth =
    'version: v1\nauth: { type: ephemeral, credentials: { secret: canary-secret-long } }\n';
  const unknown = writeConfig(`${auth}listeners: [{ name: a, protocol: UDP }]`);
  t.match(command(unknown, 'synapse').stdout, 'turn:turn.example.org:3478');
  t.match(command(unknown, 'synapse').stderr, /placeholder: set public_address of a\n/);
  const local = writeConfig(`${auth}listeners: [{ name: a, protocol: UDP, bind: 127.0.0.1 }]`);
  t.match(command(local, 'synapse').stderr, /on loopback/);
  const none = writeConfig(
    'version: v1\nauth: { type: none }\nlisteners: [{ name: a, protocol: UDP }]',
  );
  t.throws(() => shown(none, 'synapse'), { code: 'GW_ERR_UNSUPPORTED', message: /no credentials/ });
  t.throws(() => shown(local, 'nonsense'), {
    code: 'GW_ERR_USAGE',
    message: /there are: nextcloud,/,
  });
  t.throws(() => shown(writeConfig(`${auth}listeners: []`), 'synapse'), {
    message: /no listener/,
  });
  t.end();
});

function command(file: string, name: string, showsSecrets = true) {
  return snippetCommand(name, { file, showsSecrets, environment: {} }, iceGateway);
}

function shown(file: string, name: string): string {
  return command(file, name).stdout;
}

function writeConfig(text: string): string {
  const file = `${FOLDER}/${randomUUID()}.yaml`;
  writeFileSync(file, text);
  return file;
}

/** Words of shell lines, single quotes understood. */
function words(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const found = line.match(/(?:'[^']*'|\\.|[^\s'\\])+/g) ?? [];
    return found.map((word) => word.replace(/'([^']*)'|\\(.)/g, '$1$2'));
  });
}

/** Settings and tables of a Lua file, as far as it is `name = value`. */
function lua(text: string): unknown {
  const body = text
    .replace(/^--.*\n/gm, '')
    .replace(
      /("(?:[^"\\]|\\.)*")|(\w+) = /g,
      (_, quoted?: string, name?: string) => quoted ?? `"${name}": `,
    )
    .replace(/("external_services": )\{([^]*)\};/, '$1[$2],')
    .replace(/;\n/g, ',\n');
  return parse(`{${body}}`);
}

function jcfg(text: string): unknown {
  const [, body = ''] = /^nat: \{\n([^]*)\}\n$/m.exec(text) ?? [];
  const pairs = body
    .trimEnd()
    .split('\n')
    .map((line) => /^ {2}(\w+) = (.*)$/.exec(line)!.slice(1));
  return Object.fromEntries(pairs.map(([key, value]) => [key, JSON.parse(value!) as unknown]));
}

/** Every value attribute, after a look whether each element is closed. */
function xmlValues(text: string): string[] {
  const open: string[] = [];
  for (const [, slash, name = '', , selfClosed] of text.matchAll(
    /<(\/?)([\w-]+)((?:\s[^<>]*?)?)(\/?)>/g,
  )) {
    if (slash === '/') t.equal(open.pop(), name, 'closes what is open');
    else if (selfClosed !== '/') open.push(name);
  }
  t.same(open, [], 'everything is closed');
  const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"' };
  return [...text.matchAll(/ value="([^"<]*)"/g)].map(([, value = '']) =>
    value.replace(/&(\w+);/g, (_, name: string) => entities[name] ?? '?'),
  );
}
