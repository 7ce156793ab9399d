import { existsSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parse } from 'yaml';
import { runCommand } from '../support/child-process.ts';
import { MAIN, missingBuild } from '../support/gateway-process.ts';
import { composeProblems } from '../support/packages/compose-schema.ts';
import { readRepositoryFile } from '../support/tidy/repository.ts';

interface Service {
  readonly image: string;
  readonly build?: unknown;
  readonly profiles?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly read_only?: boolean;
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<
    Record<string, { readonly ipam: { readonly config: readonly { readonly ip_range: string }[] } }>
  >;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RUN_MS_MAX = 30_000;
const TEXT = readRepositoryFile('docker-compose.yml');
const compose = parse(TEXT, { merge: true }) as Compose;
const services = Object.entries(compose.services);

t.test('the file is as the specification of Compose says', (t) => {
  t.same(composeProblems(compose), []);
  t.not(composeProblems({ services: { turnpike: { imag: 'turnpike' } } }).length, 0, 'a wrong one');
  t.end();
});

t.test('its services', (t) => {
  for (const [name, service] of services) {
    t.same(service.cap_drop, ['ALL'], `${name} has no capability`);
    t.same(service.security_opt, ['no-new-privileges:true'], `${name} gets none`);
    if (service.build === undefined) {
      t.match(service.image, /:v?\d+(?:\.\d+)+$/, `${name} has an exact version`);
    } else t.equal(service.read_only, true, `${name} writes nowhere`);
    for (const file of mountedFiles(service)) t.ok(existsSync(join(ROOT, file)), file);
  }
  t.end();
});

t.test('only clients of TURN come in from outside', (t) => {
  for (const [name, { ports = [] }] of services) {
    for (const port of ports) {
      const [host = ''] = port.split(':');
      const isLocal = isIPv4(host) && host === '127.0.0.1';
      t.ok(isLocal || /^(?:3478|443|5349):/.test(port), `${name} ${port}`);
    }
  }
  const started = services.filter(([, { profiles }]) => profiles === undefined);
  t.same(
    started.map(([name]) => name),
    ['turnpike'],
    'without a profile there is the gateway alone',
  );
  t.end();
});

t.test('the configuration of the gateway', { skip: missingBuild() }, async (t) => {
  const check = (...variables: string[]) =>
    runCommand(
      'env',
      [...variables, process.execPath, MAIN, 'config', 'check', '-c', join(ROOT, FILE)],
      RUN_MS_MAX,
    );
  const FILE = 'config/docker/turnpike.yaml';
  const { exitCode, output } = await check(
    'TURNPIKE_SECRET=a-secret-for-tests-only',
    'TURNPIKE_ICE_KEY=a-key-for-tests-only',
    'TURNPIKE_PUBLIC_ADDRESS=192.0.2.1',
  );
  t.equal(exitCode, 0, 'is in order', { output });
  t.equal((await check()).exitCode, 2, 'and nothing without its variables');
  const [addresses] = compose.networks['media']!.ipam.config;
  const isRouted = readRepositoryFile(FILE).includes(`'${addresses!.ip_range}:`);
  t.ok(isRouted, 'routes to the containers beside it');
});

t.test('the load balancer has the addresses of its files', (t) => {
  const text = readRepositoryFile('config/load-balancer/turnpike.yaml');
  t.ok(text.includes('bind: 10.0.0.5') && TEXT.includes('ipv4_address: 10.0.0.5'));
  t.ok(text.includes('proxy_trusted: [10.0.0.2]') && TEXT.includes('ipv4_address: 10.0.0.2'));
  t.end();
});

/** Files of the repository; those whose path has a variable are the operator's. */
function mountedFiles({ volumes = [] }: Service): string[] {
  return volumes
    .filter((volume) => volume.startsWith('./'))
    .map((volume) => volume.split(':')[0]!.slice(2));
}
