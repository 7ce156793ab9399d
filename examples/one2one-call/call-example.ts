import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBalancer } from './balancer.ts';
import { prepareCertificate, type CertificateFiles } from './certificate.ts';
import type { Child } from './child.ts';
import { startGateway } from './gateway.ts';
import { JanusMediaServer } from './media/janus-media-server.ts';
import type { MediaPlace, MediaServer } from './media/media-server.ts';
import { WeriftMediaServer } from './media/werift-media-server.ts';
import { bindAddress, pageHost, type CallOptions } from './options.ts';
import { ApplicationServer } from './server/application-server.ts';
import { fetchIceConfiguration } from './server/ice-api.ts';
import { Switchboard } from './server/switchboard.ts';

/** Ports of the media server, below those that sockets choose themselves, and of the gateway, above them. */
const MEDIA_PORTS = { min: 10_000, max: 10_999 };
const RELAY_PORTS = { min: 61_000, max: 65_535 };

/** All parts of the example, which run together. */
export class CallExample {
  /** Where the page is. */
  readonly url: string;
  /** Where the media server is. */
  readonly place: MediaPlace;
  readonly #steps: (() => unknown)[] = [];
  readonly #options: CallOptions;
  #failed: (error: Error) => void = () => undefined;
  /** Rejects when one of the programs that it cannot do without has ended. */
  readonly failure: Promise<never>;

  private constructor(options: CallOptions) {
    this.#options = options;
    const { tls, ports } = options;
    this.url = `${tls === 'off' ? 'http' : 'https'}://${pageHost(options)}:${ports.page}/`;
    const address = options.mediaAddress ?? defaultMediaAddress(options);
    this.place = { address, ports: MEDIA_PORTS, relayPorts: RELAY_PORTS };
    this.failure = new Promise((_, reject) => {
      this.#failed = reject;
    });
    this.failure.catch(() => undefined);
  }

  /** Starts the media server, the gateway, the application server and the balancer, in this order. */
  static async start(options: CallOptions): Promise<CallExample> {
    const example = new CallExample(options);
    try {
      await example.#start();
    } catch (error) {
      await example.stop();
      throw error;
    }
    return example;
  }

  /** Ends everything, in the opposite order. */
  async stop(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) await step();
  }

  async #start(): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'one2one-call-'));
    this.#steps.push(() => rm(folder, { recursive: true, force: true }));
    const certificate = await prepareCertificate(this.#options, folder);
    const mediaServer = await this.#startMediaServer(folder);
    this.#watch(await startGateway(this.#options, this.place, certificate, folder));
    await this.#startApplicationServer(mediaServer, certificate);
    if (certificate !== undefined && this.#isBehindBalancer()) {
      this.#watch(await startBalancer(this.#options, certificate, folder));
    }
  }

  async #startMediaServer(folder: string): Promise<MediaServer> {
    const { place } = this;
    const { media, ports } = this.#options;
    const server =
      media === 'janus'
        ? await JanusMediaServer.start({
            place,
            apiPort: ports.janus,
            folder: join(folder, 'janus'),
          })
        : new WeriftMediaServer(place);
    this.#steps.push(() => server.stop());
    return server;
  }

  async #startApplicationServer(
    mediaServer: MediaServer,
    certificate: CertificateFiles | undefined,
  ): Promise<void> {
    const { ports, origins } = this.#options;
    const isBehind = this.#isBehindBalancer();
    const endpoint = `http://127.0.0.1:${ports.ice}`;
    const iceConfiguration = (user: string) => fetchIceConfiguration(endpoint, user);
    const server = await ApplicationServer.start({
      switchboard: new Switchboard({ iceConfiguration, mediaServer }),
      host: isBehind ? '127.0.0.1' : bindAddress(this.#options),
      port: isBehind ? ports.application : ports.page,
      certificate: isBehind || certificate === undefined ? undefined : await pemOf(certificate),
      origins,
    });
    this.#steps.push(() => server.stop());
  }

  #isBehindBalancer(): boolean {
    return this.#options.tls === 'nginx' || this.#options.tls === 'haproxy';
  }

  #watch(child: Child): void {
    let isStopping = false;
    this.#steps.push(() => {
      isStopping = true;
      return child.stop();
    });
    void child.ended.then(() => isStopping || this.#failed(new Error(child.lastWords)));
  }
}

async function pemOf({ certFile, keyFile }: CertificateFiles) {
  return {
    certificatePem: await readFile(certFile, 'utf8'),
    keyPem: await readFile(keyFile, 'utf8'),
  };
}

/** Loopback, which no other machine reaches; Janus wants another address. */
function defaultMediaAddress({ media }: CallOptions): string {
  if (media === 'werift') return '127.0.0.1';
  const others = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const other = others.find(({ family, internal }) => family === 'IPv4' && !internal);
  if (other !== undefined) return other.address;
  throw new Error('Janus does not use loopback, and this machine has no other IPv4 address');
}
