import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomBytes, X509Certificate } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { readXorAddress } from '../../src/stun/attributes.ts';
import { uint16At } from '../../src/stun/big-endian.ts';
import { StunWriter } from '../../src/stun/message-writer.ts';
import { StunMessage } from '../../src/stun/message.ts';
import { ATTRIBUTE, CLASS, METHOD } from '../../src/stun/registry.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';
import { missingTool, within } from './child-process.ts';
import type { ServerAddress } from './turn-transport.ts';

const WAIT_MS_MAX = 10_000;
const CERTIFICATE_ATTEMPTS_MAX = 200;
const HEADER_BYTES = 20;
const TRANSACTION_ID_OFFSET = 8;

/** Says why the tests with Debian's OpenSSL are skipped; false when they are not. */
export function missingOpenSsl(): string | false {
  return missingTool('openssl');
}

/** A run of `openssl s_client`, the judge of TLS and DTLS that is not ours. */
export class OpenSslClient {
  /** Resolves with the exit code once all output was read. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #chunks: Buffer[] = [];
  readonly #observers = new Set<() => void>();
  #isEnded = false;

  /** Begins to connect; `args` are those of `s_client`. */
  constructor({ host, port }: ServerAddress, args: readonly string[]) {
    const target = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
    this.#child = spawn('openssl', ['s_client', '-connect', target, ...args]);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on('data', (chunk: Buffer) => this.#note(chunk));
    }
    // It may have ended before it was told everything.
    this.#child.stdin.on('error', () => undefined);
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (exitCode) => {
        this.#isEnded = true;
        this.#notify();
        resolve(exitCode);
      });
    });
    this.ended.catch(() => undefined);
  }

  /** Everything printed so far, with what the server sent in between; a character for each byte. */
  get output(): string {
    return this.#bytes.toString('latin1');
  }

  /** Sends bytes, or a command such as `R` in a line of its own. */
  write(data: string | Uint8Array): void {
    this.#child.stdin.write(data);
  }

  /** Waits for output; rejects with what came instead when the client ends or time runs out first. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#until(`nothing like ${pattern}`, () => pattern.exec(this.output) ?? undefined);
  }

  /** Sends a Binding request and reads the reflexive address out of the response among the output. */
  async binding(): Promise<TransportAddress> {
    const transactionId = randomBytes(12);
    const request = new StunWriter(new Uint8Array(HEADER_BYTES));
    this.write(Buffer.from(request.begin(METHOD.BINDING, CLASS.REQUEST, transactionId).written()));
    return this.#until('no Binding response', () => reflexiveIn(this.#bytes, transactionId));
  }

  /** Waits for the end, which the server brings about; returns all output. */
  async end(): Promise<string> {
    const text = () => `openssl does not end:\n${this.output}`;
    await within(WAIT_MS_MAX, this.ended, text).finally(() => this.#child.kill('SIGKILL'));
    return this.output;
  }

  /** Says goodbye, and returns all output. */
  async quit(): Promise<string> {
    this.#child.stdin.end();
    return this.end();
  }

  /** Vanishes without a goodbye, after which it would linger over DTLS; returns all output. */
  async vanish(): Promise<string> {
    this.#child.kill('SIGKILL');
    return this.end();
  }

  get #bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  #note(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#notify();
  }

  #notify(): void {
    for (const observe of this.#observers) observe();
  }

  async #until<Value>(what: string, look: () => Value | undefined): Promise<Value> {
    let observer = (): void => undefined;
    const found = new Promise<Value>((resolve, reject) => {
      observer = () => {
        const value = look();
        if (value !== undefined) resolve(value);
        else if (this.#isEnded) reject(new Error(`${what}:\n${this.output}`));
      };
      this.#observers.add(observer);
      observer();
    });
    return within(WAIT_MS_MAX, found, () => `${what} in time:\n${this.output}`)
      .catch((error: unknown) => {
        this.#child.kill('SIGKILL');
        throw error;
      })
      .finally(() => this.#observers.delete(observer));
  }
}

/** Asks for the reflexive address over a new connection and closes it, over DTLS without a word; returns all output. */
export async function bindOnce(server: ServerAddress, args: readonly string[]): Promise<string> {
  const client = new OpenSslClient(server, args);
  await client.binding();
  const isDatagram = args.some((arg) => arg.startsWith('-dtls'));
  return isDatagram ? client.vanish() : client.quit();
}

/** Connects where it is to be refused; returns all output. */
export async function refusedOutput(
  server: ServerAddress,
  args: readonly string[],
): Promise<string> {
  return new OpenSslClient(server, args).end();
}

/** Connects until the server shows the certificate with this serial number; throws when it never does. */
export async function awaitCertificate(
  server: ServerAddress,
  serialNumber: string,
  args: readonly string[] = [],
): Promise<void> {
  let seen: string | undefined;
  for (let attempt = 0; attempt < CERTIFICATE_ATTEMPTS_MAX; attempt++) {
    seen = serialNumberIn(await bindOnce(server, args));
    if (seen === serialNumber) return;
  }
  throw new Error(`the server shows ${seen} and not ${serialNumber}`);
}

/** Serial number of the server's certificate in the output of `s_client`, as lower-case hexadecimal. */
export function serialNumberIn(output: string): string | undefined {
  const [pem] = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/.exec(output) ?? [];
  return pem && new X509Certificate(pem).serialNumber.toLowerCase();
}

function reflexiveIn(output: Buffer, transactionId: Buffer): TransportAddress | undefined {
  const start = output.indexOf(transactionId) - TRANSACTION_ID_OFFSET;
  if (start < 0) return undefined;
  const bytes = new Uint8Array(output.subarray(start));
  if (bytes.length < HEADER_BYTES || bytes.length < HEADER_BYTES + uint16At(bytes, 2)) {
    return undefined;
  }
  const message = new StunMessage();
  const failure = message.decode(bytes, 0, HEADER_BYTES + uint16At(bytes, 2));
  const address = new TransportAddress();
  const index = message.find(ATTRIBUTE.XOR_MAPPED_ADDRESS);
  if (failure !== undefined || message.messageClass !== CLASS.SUCCESS) {
    throw new Error(`no success response: ${failure}`);
  }
  if (!readXorAddress(message, index, address)) throw new Error('no XOR-MAPPED-ADDRESS');
  return address;
}
