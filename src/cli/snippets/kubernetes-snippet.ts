import { stringify } from 'yaml';
import { isLoopback } from '../../config/addresses.ts';
import type { ListenerConfig } from '../../config/gateway-config.ts';
import { MASK } from '../../config/redact-values.ts';
import type { SnippetContext } from './snippet-context.ts';
import type { Snippet } from './snippet.ts';

const NAME = 'turnpike';
const LABELS = { 'app.kubernetes.io/name': NAME };
const FOLDER = '/etc/turnpike';
const FILE = 'turnpike.yaml';
/** What a gateway may need to stop once it has drained. */
const STOP_SECONDS = 30;

/** Manifests that run this configuration in a cluster. */
export const KUBERNETES: Snippet = {
  title: 'Kubernetes (Secret, Deployment, Service)',
  place:
    'kubectl apply -f FILE; name your own image, and mount the certificate files that it names',
  comment: '#',
  remarks: ({ config }) => {
    const host = config.admin.healthcheckEndpoint?.host;
    return host !== undefined && isLoopback(host)
      ? [
          `the probes would fail: admin.healthcheck_endpoint listens on ${host}; write http://0.0.0.0:8086`,
        ]
      : [];
  },
  render: (context) =>
    [secret(context), deployment(context), service(context)]
      .map((manifest) => stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false }))
      .join('---\n'),
};

function secret({ configText }: SnippetContext): object {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: NAME, labels: LABELS },
    type: 'Opaque',
    stringData: { [FILE]: configText ?? MASK },
  };
}

function deployment({ config }: SnippetContext): object {
  const { admin, listeners } = config;
  const health = admin.healthcheckEndpoint;
  const probe = (path: string): object | undefined =>
    health && { httpGet: { path, port: health.port }, periodSeconds: 5 };
  const container = {
    name: NAME,
    image: `${NAME}:latest`,
    args: ['start', '-c', `${FOLDER}/${FILE}`],
    ports: listeners.map((listener, index) => ({
      name: `listener-${index}`,
      containerPort: listener.port,
      protocol: transportOf(listener),
    })),
    livenessProbe: probe('/live'),
    readinessProbe: probe('/ready'),
    volumeMounts: [{ name: 'config', mountPath: FOLDER, readOnly: true }],
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
    },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: NAME, labels: LABELS },
    spec: {
      replicas: 1,
      selector: { matchLabels: LABELS },
      template: {
        metadata: { labels: LABELS },
        spec: {
          terminationGracePeriodSeconds: admin.drainTimeoutSeconds + STOP_SECONDS,
          containers: [JSON.parse(JSON.stringify(container)) as object],
          volumes: [{ name: 'config', secret: { secretName: NAME } }],
        },
      },
    },
  };
}

function service({ config }: SnippetContext): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: NAME, labels: LABELS },
    spec: {
      type: 'LoadBalancer',
      // Without it clients of one node come from another, and their own address is lost.
      externalTrafficPolicy: 'Local',
      selector: LABELS,
      ports: config.listeners.map((listener, index) => ({
        name: `listener-${index}`,
        port: listener.publicPort ?? listener.port,
        targetPort: listener.port,
        protocol: transportOf(listener),
      })),
    },
  };
}

function transportOf({ protocol }: ListenerConfig): 'UDP' | 'TCP' {
  return protocol === 'udp' || protocol === 'dtls' ? 'UDP' : 'TCP';
}
