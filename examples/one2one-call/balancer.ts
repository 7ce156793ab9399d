import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import type { CertificateFiles } from './certificate.ts';
import { Child } from './child.ts';
import type { CallOptions } from './options.ts';
import { until } from './until.ts';

const TEMPLATES = new URL('balancer/', import.meta.url);

/** Starts nginx or HAProxy in front of the application server and of TURN, and waits until it listens. */
export async function startBalancer(
  options: CallOptions,
  certificate: CertificateFiles,
  folder: string,
): Promise<Child> {
  const isNginx = options.tls === 'nginx';
  const { ports } = options;
  const template = isNginx ? 'nginx.conf.template' : 'haproxy.cfg.template';
  const text = fillIn(await readFile(new URL(template, TEMPLATES), 'utf8'), {
    FOLDER: folder,
    PAGE_PORT: ports.page,
    APPLICATION_PORT: ports.application,
    TURNS_PORT: ports.turns,
    UPSTREAM_PORT: ports.upstream,
    CERTIFICATE: certificate.certFile,
    KEY: certificate.keyFile,
    CERTIFICATE_AND_KEY: certificate.bothFile,
    LISTEN: options.host === undefined ? '127.0.0.1' : '0.0.0.0',
  });
  const file = join(folder, template.replace('.template', ''));
  await writeFile(file, text);
  const child = isNginx
    ? new Child('nginx', ['-c', file, '-e', 'stderr'])
    : new Child('haproxy', ['-db', '-f', file]);
  try {
    await until(() => expectListener(ports.turns), child);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return child;
}

function fillIn(template: string, values: Readonly<Record<string, string | number>>): string {
  return template.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => String(values[name]));
}

async function expectListener(port: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  socket.destroy();
}
