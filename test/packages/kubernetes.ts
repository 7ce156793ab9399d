import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parseAllDocuments, parse } from 'yaml';
import { missingTool, runCommand } from '../support/child-process.ts';
import { MAIN, missingBuild } from '../support/gateway-process.ts';
import { schemaProblems, type Manifest } from '../support/packages/kubernetes-schema.ts';
import { readRepositoryFile } from '../support/tidy/repository.ts';

interface Deployment {
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly securityContext: Readonly<Record<string, unknown>>;
        readonly containers: readonly Container[];
      };
    };
  };
}
interface Container {
  readonly image: string;
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: unknown;
  readonly startupProbe: unknown;
  readonly livenessProbe: unknown;
  readonly readinessProbe: unknown;
}
interface Service {
  readonly spec: {
    readonly type?: string;
    readonly selector: Readonly<Record<string, string>>;
    readonly ports: readonly { readonly targetPort: string; readonly protocol: string }[];
  };
}

const KINDS = [
  'ConfigMap',
  'Deployment',
  'HorizontalPodAutoscaler',
  'Namespace',
  'PodDisruptionBudget',
  'Secret',
  'Service',
  'ServiceAccount',
];
const FOLDER = fileURLToPath(new URL('../../packaging/kubernetes', import.meta.url));
const RUN_MS_MAX = 30_000;
const CONFIGURATION = readRepositoryFile('packaging/kubernetes/turnpike.yaml');
const skip = missingTool('kubectl');

t.test('the manifests', { skip }, async (t) => {
  const { exitCode, output } = await runCommand('kubectl', ['kustomize', FOLDER], RUN_MS_MAX);
  t.equal(exitCode, 0, 'kubectl kustomize', { output });
  const manifests = parseAllDocuments(output).map((each) => each.toJS() as Manifest);
  t.same(new Set(manifests.map(({ kind }) => kind)), new Set(KINDS), 'all there');
  for (const manifest of manifests) {
    const problems = schemaProblems(manifest);
    t.same(problems, [], `${manifest.kind} ${manifest.metadata.name} is as its schema says`);
  }
  const deployment = manifests.find(({ kind }) => kind === 'Deployment') as Manifest & Deployment;
  const wrong = { ...deployment, spec: { ...deployment.spec, replicas: 'two' } };
  t.not(schemaProblems(wrong).length, 0, 'a wrong one is not');

  const pod = deployment.spec.template;
  const container = pod.spec.containers[0]!;
  const { version } = JSON.parse(readRepositoryFile('package.json')) as { version: string };
  t.equal(container.image, `turnpike:${version}`, 'the image of this version');
  t.match(pod.spec.securityContext, {
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
  });
  t.match(container.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  t.match(container, {
    livenessProbe: { httpGet: { path: '/live', port: 'health' } },
    startupProbe: { httpGet: { path: '/ready', port: 'health' } },
    readinessProbe: { httpGet: { path: '/live', port: 'health' } },
  });
  const ports = new Set(container.ports.map(({ name }) => name));
  const services = manifests.filter(({ kind }) => kind === 'Service') as unknown as Service[];
  for (const { spec } of services) {
    t.match(pod.metadata.labels, spec.selector, 'a service finds the pods');
    for (const { targetPort } of spec.ports) t.ok(ports.has(targetPort), `port ${targetPort}`);
  }
  const balanced = services.filter(({ spec }) => spec.type === 'LoadBalancer');
  const protocols = balanced.flatMap(({ spec }) => spec.ports.map(({ protocol }) => protocol));
  t.same(protocols.toSorted(), ['TCP', 'UDP'], 'clients come in over both');
  const { admin } = parse(CONFIGURATION) as { admin: { drain_timeout: string } };
  t.equal(admin.drain_timeout, '1h');
  t.ok(pod.spec.terminationGracePeriodSeconds > 3600, 'a pod may drain before it is killed');
});

t.test('the autoscaler goes by a metric that there is', (t) => {
  const text = readRepositoryFile('packaging/kubernetes/autoscaler.yaml');
  const [, name = ''] = /metric:\s+name: (\S+)/.exec(text) ?? [];
  t.ok(readRepositoryFile('docs/metrics.md').includes(`\`${name}\``), name);
  t.end();
});

t.test('the configuration', { skip: missingBuild() }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'turnpike.yaml');
  writeFileSync(file, CONFIGURATION.replaceAll('/etc/turnpike-secrets', folder));
  const check = () =>
    runCommand(process.execPath, [MAIN, 'config', 'check', '-c', file], RUN_MS_MAX);
  writeFileSync(join(folder, 'turn-secret'), '');
  writeFileSync(join(folder, 'ice-api-keys'), '');
  const refused = await check();
  t.equal(refused.exitCode, 2, 'is refused with the secrets as they are shipped');
  t.match(refused.output, /secret/);
  writeFileSync(join(folder, 'turn-secret'), 'a secret for tests only');
  writeFileSync(join(folder, 'ice-api-keys'), 'a key for tests only\n');
  const { exitCode, output } = await check();
  t.equal(exitCode, 0, 'is in order with some', { output });
});
