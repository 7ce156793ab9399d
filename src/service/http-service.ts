import Fastify, { type FastifyInstance } from 'fastify';
import type { HttpEndpoint } from '../config/gateway-config.ts';
import { listen } from '../http/listen.ts';
import { HttpServers } from '../http/server.ts';
import type { Log } from '../log.ts';
import type { TlsSettings } from '../tls/tls-settings.ts';

/** What one HTTP endpoint serves. */
export interface HttpServiceOptions {
  /** As messages name it, such as `the ICE API`. */
  readonly name: string;
  /** Scope of its log records. */
  readonly scope: string;
  readonly endpoint: HttpEndpoint;
  /** Undefined: plain HTTP. */
  readonly tls: TlsSettings | undefined;
  /** Answers requests; it must not listen itself. */
  readonly app: FastifyInstance;
  readonly log: Log;
}

/** An HTTP endpoint whose application can be swapped between two requests, while it listens. */
export class HttpService {
  readonly #options: HttpServiceOptions;
  readonly #servers: HttpServers;
  readonly #shell: FastifyInstance;
  #app: FastifyInstance;

  private constructor(options: HttpServiceOptions) {
    this.#options = options;
    this.#app = options.app;
    this.#servers = new HttpServers(options.tls);
    // Only listens: every request goes to the application of the moment.
    this.#shell = Fastify({
      forceCloseConnections: 'idle',
      serverFactory: () =>
        this.#servers.create((request, response) => this.#app.routing(request, response)),
    });
  }

  /** Starts to listen; the service owns the application from now on. Throws GatewayError GW_ERR_LISTEN. */
  static async start(options: HttpServiceOptions): Promise<HttpService> {
    const service = new HttpService(options);
    const { name, scope, endpoint, log } = options;
    try {
      await options.app.ready();
      const url = await listen(service.#shell, endpoint, name);
      log.scope(scope).info({ url }, `${name} is listening`);
      return service;
    } catch (error) {
      await service.stop();
      throw error;
    }
  }

  /** Lets another application answer the requests to come. */
  async replaceApp(app: FastifyInstance): Promise<void> {
    await app.ready();
    const old = this.#app;
    this.#app = app;
    await old.close();
  }

  /** Lets new connections have other TLS settings, those that are open go on; nothing to do for plain HTTP. */
  replaceTls(settings: TlsSettings | undefined): void {
    if (settings !== undefined && this.#options.tls !== undefined) {
      this.#servers.replaceTls(settings);
    }
  }

  /** Frees the port at once, and closes what is under way when it has not ended by itself in time. */
  async stop(graceMs = 0): Promise<void> {
    const closed = this.#shell.close();
    const timer = setTimeout(() => this.#servers.closeConnections(), graceMs);
    await closed;
    clearTimeout(timer);
    await this.#app.close();
  }
}
