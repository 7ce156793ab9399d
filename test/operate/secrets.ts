import { createPrivateKey } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import { checkConfig, showConfig } from '../../src/cli/config-commands.ts';
import { runCommand } from '../support/child-process.ts';
import { ephemeralCredential } from '../support/credentials.ts';
import { freePorts, PEER_PORTS } from '../support/free-ports.ts';
import { MAIN, missingBuild, startReady, type GatewayProcess } from '../support/gateway-process.ts';
import { TestPki } from '../support/secure-gateway.ts';
import { TurnClient } from '../support/turn-client.ts';

/** What must never be seen; each is told apart from all others. */
const SECRETS = {
  secret: 'LEAK-shared-secret-0123456789',
  oldSecret: 'LEAK-old-secret-0123456789',
  userPassword: 'LEAK-user-password-0123456789',
  apiToken: 'LEAK-api-token-0123456789',
  iceKey: 'LEAK-ice-key-0123456789',
  passphrase: 'LEAK-passphrase-0123456789',
};
const MARK = 'LEAK-';

t.test('no secret is ever seen', { skip: missingBuild() }, async (t) => {
  const scene = await openScene(t);
  const { gateway, seen } = scene;
  const configuration = await scene.configuration();

  await scene.signIn(SECRETS.secret, 'alice');
  await scene.signIn('a wrong secret', 'mallory');
  for (const key of [SECRETS.iceKey, 'wrong']) {
    const headers = { authorization: `Bearer ${key}` };
    await scene.read(`http://127.0.0.1:${scene.ports.ice}/ice?service=turn&username=u`, headers);
    await scene.read(`http://127.0.0.1:${scene.ports.ice}/?service=turn&username=u&key=${key}`, {});
  }
  for (const token of [SECRETS.apiToken, 'wrong']) {
    const headers = { authorization: `Bearer ${token}` };
    for (const path of ['status', 'config', 'sessions', 'routes', 'metrics/live']) {
      await scene.read(`http://127.0.0.1:${scene.ports.api}/api/v1/${path}`, headers);
    }
  }
  await scene.read(`http://127.0.0.1:${scene.ports.health}/status`, {});
  await scene.read(`http://127.0.0.1:${scene.ports.metrics}/metrics`, {});

  for (const broken of brokenVariants(configuration)) {
    await writeFile(`${gateway.file}.next`, stringify(broken));
    const { stdout, stderr } = checkConfig(`${gateway.file}.next`);
    seen.push(`${stdout}${stderr}`);
    await rename(`${gateway.file}.next`, gateway.file);
    await scene.read(`http://127.0.0.1:${scene.ports.api}/api/v1/reload`, scene.token, 'POST');
  }
  const rotated = { ...configuration, auth: { ...(configuration['auth'] as object), ...ROTATED } };
  await writeFile(gateway.file, stringify(rotated));
  for (const output of ['yaml', 'json', 'table'] as const) {
    seen.push(showConfig(gateway.file, output).stdout);
  }
  await Promise.all(COMMANDS.map((command) => scene.run(command)));
  await scene.read(`http://127.0.0.1:${scene.ports.api}/api/v1/reload`, scene.token, 'POST');

  const loglines = gateway.child.output;
  for (const [field, secret] of Object.entries(SECRETS)) {
    t.notOk(loglines.includes(secret), `log: ${field}`);
    const leak = seen.find((text) => text.includes(secret));
    t.equal(leak, undefined, `answers and commands: ${field}`);
  }
  t.notOk(loglines.includes(MARK) || seen.some((text) => text.includes(MARK)), 'nor a part of one');
  t.ok(
    seen.length > 30 && seen.every((text) => text !== ''),
    `${seen.length} texts were looked at`,
  );
});

/** Commands that print what they read from the configuration or from the gateway. */
const COMMANDS = [
  ['config', 'diff'],
  ['status', '-o', 'json'],
  ['reload', '--dry-run'],
  ['snippet', 'synapse'],
  ['auth', '--user', 'alice', '-o', 'json'],
] as const;

const ROTATED = { credentials: { secrets: [SECRETS.secret, SECRETS.oldSecret] } };

/** Files with a fault next to, or in, every secret. */
function brokenVariants(base: Readonly<Record<string, unknown>>): object[] {
  const auth = (credentials: unknown): object => ({
    ...base,
    auth: { type: 'ephemeral', credentials },
  });
  return [
    auth({ secret: [SECRETS.secret] }),
    auth({ secret: { [SECRETS.secret]: 1 } }),
    auth({ secrets: SECRETS.secret }),
    auth({ secret: `\${${SECRETS.secret}}` }),
    {
      ...base,
      auth: { type: 'static', users: [{ username: 'a', password: [SECRETS.userPassword] }] },
    },
    { ...base, admin: { api_token: [SECRETS.apiToken] } },
    { ...base, ice: { endpoint: 'http://0.0.0.0:1', api_keys: SECRETS.iceKey } },
    {
      ...base,
      listeners: [{ name: 'x', protocol: 'TLS', tls: { key_passphrase: [SECRETS.passphrase] } }],
    },
  ];
}

interface Scene {
  readonly gateway: GatewayProcess;
  readonly ports: Record<'turn' | 'tls' | 'ice' | 'api' | 'health' | 'metrics', number>;
  /** Every text that somebody got. */
  readonly seen: string[];
  readonly token: Readonly<Record<string, string>>;
  configuration(): Promise<Record<string, unknown>>;
  signIn(secret: string, user: string): Promise<void>;
  read(url: string, headers: Readonly<Record<string, string>>, method?: string): Promise<void>;
  run(command: readonly string[]): Promise<void>;
}

async function openScene(t: Test): Promise<Scene> {
  const first = await freePorts(6);
  const names = ['turn', 'tls', 'ice', 'api', 'health', 'metrics'] as const;
  const ports = Object.fromEntries(
    names.map((name, index) => [name, first + index]),
  ) as Scene['ports'];
  const data = await configurationOn(t, ports);
  const gateway = await startReady(data);
  t.teardown(() => gateway.stop());
  const seen: string[] = [];
  const token = { authorization: `Bearer ${SECRETS.apiToken}`, 'content-type': 'application/json' };
  return {
    gateway,
    ports,
    seen,
    token,
    configuration: async () => data,
    async signIn(secret, user) {
      const client = await TurnClient.open({
        server: { host: '127.0.0.1', port: ports.turn },
        credential: ephemeralCredential(secret, user),
      });
      seen.push(String(await client.allocate().catch((error: unknown) => error)));
      await client.close();
    },
    async read(url, headers, method = 'GET') {
      const response = await fetch(url, {
        method,
        headers,
        ...(method === 'POST' ? { body: '{}' } : {}),
      });
      seen.push(
        `${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`,
      );
    },
    async run(command) {
      const { output, exitCode } = await runCommand(
        process.execPath,
        [MAIN, ...command, '-c', gateway.file],
        20_000,
      );
      t.not(exitCode, 2, `turnpike ${command.join(' ')}`);
      seen.push(output);
    },
  };
}

async function configurationOn(t: Test, ports: Scene['ports']): Promise<Record<string, unknown>> {
  const pki = await TestPki.create(t);
  const { keyPem, certFile } = await pki.server();
  const keyFile = join(pki.folder, 'encrypted.key');
  const { passphrase } = SECRETS;
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const;
  await writeFile(keyFile, createPrivateKey(keyPem).export(options), { mode: 0o600 });
  const at = (port: number): string => `http://127.0.0.1:${port}`;
  return {
    version: 'v1',
    admin: {
      loglevel: 'all:TRACE',
      api_endpoint: at(ports.api),
      api_token: SECRETS.apiToken,
      healthcheck_endpoint: at(ports.health),
      metrics_endpoint: at(ports.metrics),
      drain_timeout: 0,
    },
    auth: {
      type: 'ephemeral',
      credentials: { secrets: [SECRETS.secret, SECRETS.oldSecret] },
      users: [{ username: 'bob', password: SECRETS.userPassword }],
    },
    ice: { endpoint: at(ports.ice), api_keys: [SECRETS.iceKey] },
    listeners: [
      { name: 'udp', protocol: 'UDP', bind: '127.0.0.1', port: ports.turn, routes: ['peers'] },
      {
        name: 'tls',
        protocol: 'TLS',
        bind: '127.0.0.1',
        port: ports.tls,
        routes: ['peers'],
        tls: { cert_file: certFile, key_file: keyFile, key_passphrase: passphrase },
      },
    ],
    clusters: [
      {
        name: 'peers',
        endpoints: [`127.0.0.1:${PEER_PORTS}`],
        dangerously_allow: ['127.0.0.1/32'],
      },
    ],
  };
}
