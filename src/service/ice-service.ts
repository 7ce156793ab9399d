import assert from 'node:assert';
import type { FastifyInstance } from 'fastify';
import { issueCredential } from '../auth/issue-credential.ts';
import type { GatewayConfig, IceConfig } from '../config/gateway-config.ts';
import { createIceApp } from '../http/ice/app.ts';
import type { IceGateway } from '../http/ice/ice-source.ts';
import { listen } from '../http/listen.ts';
import { assertProtected } from '../http/protection.ts';
import { HttpServers } from '../http/server.ts';
import type { Log } from '../log.ts';
import type { TlsSettings } from '../tls/tls-settings.ts';
import type { UnixSeconds } from '../turn/policy.ts';

/** The ICE API of a configuration, inside a gateway or alone. */
export class IceService {
  readonly #app: FastifyInstance;
  readonly #ice: IceConfig;
  readonly #log: Log;
  readonly #servers: HttpServers;

  /**
   * @param tls - what `ice.tls` stands for at the moment; undefined when there is none.
   * @throws GatewayError GW_ERR_HTTP_UNPROTECTED when it would serve others without asking for a key or a certificate.
   */
  constructor(config: GatewayConfig, ice: IceConfig, log: Log, tls?: TlsSettings) {
    assert.equal(tls !== undefined, ice.tls !== undefined, 'TLS settings go with ice.tls');
    const { apiKeys } = ice;
    assertProtected(ice.endpoint.host, { apiKeys, clientAuth: ice.tls?.clientAuth });
    this.#servers = new HttpServers(tls);
    this.#ice = ice;
    this.#log = log;
    const gateway = iceGateway(config);
    this.#app = createIceApp({
      source: { gateways: () => [gateway] },
      servers: this.#servers,
      apiKeys,
      cors: ice.cors,
      publicAddress: process.env['STUNNER_PUBLIC_ADDR'],
      log: ({ failure, ...request }) => {
        const logger = log.scope('ice');
        if (failure === undefined) logger.debug(request, 'request answered');
        else logger.error({ ...request, err: failure }, 'request failed');
      },
    });
  }

  /** Starts to listen; throws GatewayError GW_ERR_LISTEN. */
  async start(): Promise<void> {
    const url = await listen(this.#app, this.#ice.endpoint);
    this.#log.scope('ice').info({ url }, 'the ICE API is listening');
  }

  /** Lets new connections have other TLS settings, those that are open go on; nothing to do for plain HTTP. */
  replaceTls(settings: TlsSettings | undefined): void {
    if (settings !== undefined) this.#servers.replaceTls(settings);
  }

  /** Closes the API and its connections. */
  async stop(): Promise<void> {
    await this.#app.close();
  }
}

/** A configuration as the ICE API and `turnpike auth` see it. */
export function iceGateway(config: GatewayConfig): IceGateway {
  return {
    listeners: config.listeners.map((listener) => ({
      name: listener.name,
      protocol: listener.protocol,
      publicAddress: listener.publicAddress,
      address: listener.address ?? listener.bind,
      port: listener.publicPort ?? listener.port,
    })),
    issue: (userId, ttlSeconds) => {
      const now = Math.floor(Date.now() / 1000) as UnixSeconds;
      return issueCredential(config.auth, userId, ttlSeconds, now);
    },
  };
}
