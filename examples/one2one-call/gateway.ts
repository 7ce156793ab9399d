import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { CertificateFiles } from './certificate.ts';
import { Child } from './child.ts';
import type { MediaPlace } from './media/media-server.ts';
import { bindAddress, pageHost, turnHost, type CallOptions } from './options.ts';
import { until } from './until.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
/** Namespace, gateway and name, as the filters of the ICE API want it. */
const PREFIX = 'call/gateway';

/** Starts the gateway that leads to the media server, and waits until it is ready. */
export async function startGateway(
  options: CallOptions,
  place: MediaPlace,
  certificate: CertificateFiles | undefined,
  folder: string,
): Promise<Child> {
  const file = join(folder, 'turnpike.yaml');
  // It holds the shared secret.
  await writeFile(file, stringify(configurationFor(options, place, certificate)), { mode: 0o600 });
  const child = new Child(process.execPath, [MAIN, 'start', '-c', file]);
  try {
    await until(() => expectReady(options.ports.health), child);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return child;
}

/** What the gateway of the example is configured with. */
function configurationFor(
  options: CallOptions,
  { address, ports: mediaPorts, relayPorts }: MediaPlace,
  certificate: CertificateFiles | undefined,
) {
  const { ports } = options;
  const common = {
    bind: bindAddress(options),
    public_address: turnHost(options),
    routes: ['media'],
  };
  return {
    version: 'v1',
    admin: {
      name: 'one2one-call',
      healthcheck_endpoint: `http://127.0.0.1:${ports.health}`,
      api_endpoint: `http://127.0.0.1:${ports.admin}`,
      drain_timeout: 0,
    },
    auth: {
      type: 'ephemeral',
      realm: 'one2one-call',
      credentials: { secret: randomBytes(24).toString('base64url') },
    },
    ice: { endpoint: `http://127.0.0.1:${ports.ice}` },
    listeners: [
      { ...common, name: `${PREFIX}/udp`, protocol: 'TURN-UDP', port: ports.turn },
      { ...common, name: `${PREFIX}/tcp`, protocol: 'TURN-TCP', port: ports.turn },
      ...(certificate === undefined
        ? []
        : [{ ...common, ...tlsListener(options, certificate), name: `${PREFIX}/tls` }]),
    ],
    relay: {
      min_port: relayPorts.min,
      max_port: relayPorts.max,
      addresses: [{ bind: address }],
    },
    clusters: [
      {
        name: 'media',
        endpoints: [`${bracketed(address)}:<${mediaPorts.min}-${mediaPorts.max}>`],
        dangerously_allow: isLoopback(address) ? [address] : [],
      },
    ],
  };
}

/** TLS ends at the gateway, or at a balancer in front of it that says who the client is. */
function tlsListener(options: CallOptions, { certFile, keyFile }: CertificateFiles) {
  const { ports } = options;
  const names = { protocol: 'TURN-TLS', public_address: pageHost(options) };
  if (options.tls === 'process') {
    return { ...names, port: ports.turns, tls: { cert_file: certFile, key_file: keyFile } };
  }
  return {
    ...names,
    bind: '127.0.0.1',
    port: ports.upstream,
    public_port: ports.turns,
    tls: { termination: 'upstream' },
    proxy_protocol: 'required',
    proxy_trusted: ['127.0.0.1'],
  };
}

async function expectReady(port: number): Promise<void> {
  const { ok, status } = await fetch(`http://127.0.0.1:${port}/ready`);
  if (!ok) throw new Error(`the gateway is not ready: ${status}`);
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
