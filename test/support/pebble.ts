import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { CertificateAuthority, writeCertificate } from './certificate-authority.ts';
import { missingTool, TestProcess } from './child-process.ts';
import { freePorts } from './free-ports.ts';

/** An ACME directory for tests with the names that it believes in. */
export interface Pebble {
  /** URL of the directory. */
  readonly directory: string;
  /** PEM file of the authority that the directory itself is trusted from. */
  readonly caFile: string;
  /** Where HTTP-01 asks for its answers. */
  readonly httpPort: number;
  /** Where TLS-ALPN-01 looks for its certificates. */
  readonly tlsPort: number;
  /** What the directory has logged so far. */
  readonly lines: readonly string[];
  /** PEM of the root that it issues from. */
  root(): Promise<string>;
  /** Lets a name lead to an IPv4 address; undefined: to 127.0.0.1 again. */
  setAddress(name: string, address: string | undefined): Promise<void>;
  /** Ends the directory and removes its files. */
  stop(): Promise<void>;
}

/** Says why there can be no directory, for the `skip` option of a test; false when there can. */
export function missingPebble(): string | false {
  const missing = missingTool('pebble', 'pebble-challtestsrv');
  return missing && `${missing}; on Debian: apt-get install pebble`;
}

/** Starts Debian's pebble, and pebble-challtestsrv as its resolver: every name leads to 127.0.0.1. */
export async function startPebble(): Promise<Pebble> {
  const folder = await mkdtemp(join(tmpdir(), 'pebble-'));
  const [port, managementPort, httpPort, tlsPort, dnsPort, namesPort] = await portsInARow();
  const authority = await CertificateAuthority.create({ name: 'Directory Root' });
  const caFile = await authority.writeTo(folder);
  const { certFile, keyFile } = await writeCertificate(await authority.issueServer(), folder);
  const configFile = join(folder, 'pebble.json');
  const pebble = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${managementPort}`,
    certificate: certFile,
    privateKey: keyFile,
    httpPort,
    tlsPort,
  };
  await writeFile(configFile, JSON.stringify({ pebble }));
  const names = new TestProcess('pebble-challtestsrv', nameServerArguments(dnsPort, namesPort));
  const directory = new TestProcess(
    'pebble',
    ['-config', configFile, '-dnsserver', `127.0.0.1:${dnsPort}`],
    { PEBBLE_VA_NOSLEEP: '1', PEBBLE_AUTHZREUSE: '0' },
  );
  const stop = async (): Promise<void> => {
    await Promise.all([directory.stop(), names.stop()]);
    await rm(folder, { recursive: true });
  };
  try {
    await names.waitForLine((line) => line.includes('management server'));
    await directory.waitForLine((line) => line.includes('Listening on'));
    await directory.waitForLine((line) => line.includes('ACME directory available'));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    directory: `https://127.0.0.1:${port}/dir`,
    caFile,
    httpPort,
    tlsPort,
    lines: directory.lines,
    root: async () => get(`https://127.0.0.1:${managementPort}/roots/0`, await readFile(caFile)),
    setAddress: (name, address) => setAddress(namesPort, name, address),
    stop,
  };
}

async function portsInARow(): Promise<[number, number, number, number, number, number]> {
  const first = await freePorts(6);
  return [first, first + 1, first + 2, first + 3, first + 4, first + 5];
}

function nameServerArguments(dnsPort: number, managementPort: number): string[] {
  const flags = {
    '-dns01': `127.0.0.1:${dnsPort}`,
    '-management': `127.0.0.1:${managementPort}`,
    '-http01': '',
    '-https01': '',
    '-tlsalpn01': '',
    '-defaultIPv4': '127.0.0.1',
    '-defaultIPv6': '',
  };
  return Object.entries(flags).flat();
}

async function setAddress(port: number, name: string, address: string | undefined): Promise<void> {
  const host = `${name}.`;
  const [path, body] =
    address === undefined ? ['clear-a', { host }] : ['add-a', { host, addresses: [address] }];
  const url = `http://127.0.0.1:${port}/${path}`;
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
}

function get(url: string, ca: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { agent: new Agent({ ca }) }, (response) => resolve(text(response)))
      .once('error', reject)
      .end();
  });
}
