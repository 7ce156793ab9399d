import { chmodSync, copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { TestProcess } from '../../../test/support/child-process.ts';
import { relayFault, runUclient, startEchoPeers } from '../../../test/support/coturn-tools.ts';
import { freePorts } from '../../../test/support/free-ports.ts';
import { configurationFor, isReadyLine } from '../../../test/support/gateway-process.ts';
import type { Owner } from '../../../test/support/owner.ts';
import { statusOf } from '../../../test/support/sandboxed-gateway.ts';
import { TestPki } from '../../../test/support/secure-gateway.ts';
import { LOOPBACK_SERVER } from '../../../test/support/server-under-test.ts';
import type { Finding } from '../../scenario.ts';
import { exactly, isSo } from '../findings.ts';
import type { Chroot, ChrootOptions } from './chroot.ts';

/** Of the gateway, in the folder that is its root. */
export const CONFIG_FILE = '/etc/turnpike/turnpike.yaml';
const NO_CAPABILITIES = '0000000000000000';
const RUN_MS_MAX = 60_000;
const MESSAGES = 200;

/** How the gateway of a package is started in a folder that has it. */
export interface PackagedCommand extends ChrootOptions {
  /** Without `start` and what follows. */
  readonly command: readonly string[];
  /** As numbers: who the gateway is to be. */
  readonly user: string;
}

/** Runs `turnutils_uclient` and HTTP against the gateway of a package, and tells what came out. */
export async function servesFrom(
  owner: Owner,
  chroot: Chroot,
  packaged: PackagedCommand,
): Promise<readonly Finding[]> {
  const pki = await TestPki.create(owner);
  const port = await freePorts(6);
  const [tlsPort, dtlsPort, icePort, healthPort] = [port + 1, port + 2, port + 3, port + 4];
  const adminPort = port + 5;
  const { certFile, keyFile } = await pki.server();
  mkdirSync(chroot.path('/etc/turnpike'), { recursive: true });
  putReadable(certFile, chroot.path('/etc/turnpike/tls.crt'));
  putReadable(keyFile, chroot.path('/etc/turnpike/tls.key'));
  const base = configurationFor(LOOPBACK_SERVER, port, icePort);
  const tls = { cert_file: '/etc/turnpike/tls.crt', key_file: '/etc/turnpike/tls.key' };
  const secure = { bind: '127.0.0.1', routes: ['peers'], tls };
  const configuration = {
    ...base,
    admin: {
      ...base.admin,
      healthcheck_endpoint: `http://127.0.0.1:${healthPort}`,
      api_endpoint: `http://127.0.0.1:${adminPort}`,
    },
    listeners: [
      ...base.listeners,
      { name: 'tls', protocol: 'TURN-TLS', port: tlsPort, ...secure },
      { name: 'dtls', protocol: 'TURN-DTLS', port: dtlsPort, ...secure },
    ],
  };
  writeFileSync(chroot.path(CONFIG_FILE), stringify(configuration), { mode: 0o644 });

  const command = [...packaged.command, 'start', '-c', CONFIG_FILE];
  const gateway = chroot.start(owner, command, packaged);
  await gateway.waitForLine(isReadyLine);
  const { certFile: cert, keyFile: key } = await pki.client();
  const verified = ['-S', '-E', pki.caFile, '-i', cert, '-k', key];
  const findings = [
    ...(await processFindings(gateway, packaged.user)),
    await relayed('UDP', port, ['-X']),
    await relayed('TCP', port, ['-t']),
    await relayed('TLS', tlsPort, ['-t', ...verified]),
    await relayed('DTLS', dtlsPort, verified),
    ...(await httpFindings(icePort, healthPort, adminPort)),
  ];
  // As the process sees it: what is mounted there is mounted for it alone.
  const kept = readdirSync(join('/proc', `${gateway.pid}`, 'root', 'tmp'));
  const { exitCode } = await gateway.stop();
  return [
    ...findings,
    exactly('files in its temporary folder', kept.length, 0),
    exactly('exit code after SIGTERM', exitCode ?? -1, 0),
  ];
}

async function relayed(what: string, port: number, flags: readonly string[]): Promise<Finding> {
  const peers = await startEchoPeers(['127.0.0.1']);
  try {
    const target = { port, secret: LOOPBACK_SERVER.secret };
    // The tool reads one message of each TLS record, and a gateway that was kept waiting puts several into one.
    const paced = ['-n', `${MESSAGES}`, '-z', '20', '-e', '127.0.0.1', '-r', `${peers.port}`];
    const result = await runUclient(target, [...paced, ...flags], RUN_MS_MAX);
    const fault = relayFault(result);
    return {
      what: `turnutils_uclient over ${what}`,
      figure: fault ?? `0 of ${MESSAGES} lost`,
      bound: '0 lost',
      holds: fault === undefined,
    };
  } finally {
    await peers.stop();
  }
}

async function processFindings(gateway: TestProcess, user: string): Promise<Finding[]> {
  const status = await statusOf(gateway.pid);
  const [id] = user.split(':');
  return [
    isSo('it runs in reactor mode', gateway.output.includes('running in reactor mode')),
    isSo(`its user is ${id}`, status.get('Uid') === `${id} ${id} ${id} ${id}`),
    isSo('it has no capability', status.get('CapEff') === NO_CAPABILITIES),
  ];
}

async function httpFindings(
  icePort: number,
  healthPort: number,
  adminPort: number,
): Promise<Finding[]> {
  const urls = [
    `http://127.0.0.1:${icePort}/ice?service=turn&username=alice`,
    `http://127.0.0.1:${icePort}/openapi.json`,
    `http://127.0.0.1:${icePort}/docs/`,
    `http://127.0.0.1:${icePort}/docs/static/swagger-ui-bundle.js`,
    `http://127.0.0.1:${healthPort}/live`,
    `http://127.0.0.1:${adminPort}/`,
    `http://127.0.0.1:${adminPort}/test`,
    `http://127.0.0.1:${adminPort}/console/console.js`,
    `http://127.0.0.1:${adminPort}/api/v1/status`,
  ];
  const answers = await Promise.all(urls.map(async (url) => (await fetch(url)).status));
  return urls.map((url, index) => exactly(`GET ${new URL(url).pathname}`, answers[index]!, 200));
}

function putReadable(from: string, to: string): void {
  copyFileSync(from, to);
  chmodSync(to, 0o644);
}
