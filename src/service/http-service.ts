import Fastify, { type FastifyInstance } from 'fastify';
import type { HttpEndpoint } from '../config/gateway-config.ts';
import { GatewayError } from '../errors.ts';
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
  readonly endpoint: HttpEndpoint;
  readonly #options: HttpServiceOptions;
  readonly #servers: HttpServers;
  readonly #shell: FastifyInstance;
  #app: FastifyInstance;

  private constructor(options: HttpServiceOptions) {
    this.endpoint = options.endpoint;
    this.#options = options;
    this.#app = options.app;
    this.#servers = new HttpServers(options.tls);
    // Only listens: every request goes to the application of the moment.
    this.#shell = Fastify({
      forceCloseConnections: true,
      serverFactory: () =>
        this.#servers.create((request, response) => this.#app.routing(request, response)),
    });
  }

  /**
   * Starts to listen; the service owns the application from now on.
   *
   * @returns undefined when the port of an endpoint that nobody asked for is taken.
   * @throws GatewayError GW_ERR_LISTEN.
   */
  static async start(options: HttpServiceOptions): Promise<HttpService | undefined> {
    const service = new HttpService(options);
    const { name, scope, endpoint, log } = options;
    try {
      await options.app.ready();
      const url = await listen(service.#shell, endpoint, name);
      log.scope(scope).info({ url }, `${name} is listening`);
      return service;
    } catch (error) {
      await service.stop();
      if (endpoint.isDefault !== true || !(error instanceof GatewayError)) throw error;
      log.scope(scope).warn({ reason: error.message }, `${name} is not served`);
      return undefined;
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

  /** Closes the endpoint and its connections. */
  async stop(): Promise<void> {
    await this.#shell.close();
    await this.#app.close();
  }
}
