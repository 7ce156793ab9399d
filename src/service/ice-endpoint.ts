import assert from 'node:assert';
import type { FastifyInstance } from 'fastify';
import type { GatewayConfig, IceConfig } from '../config/gateway-config.ts';
import { createIceApp } from '../http/ice/app.ts';
import { assertProtected } from '../http/protection.ts';
import type { Log } from '../log.ts';
import type { TlsSettings } from '../tls/tls-settings.ts';
import type { PlannedEndpoint } from './http-endpoints.ts';
import { iceGateway } from './ice-gateway.ts';
import { requestLog } from './request-log.ts';

/** What the ICE API tells of. */
export interface IceSubject {
  /** The configuration in force. */
  readonly config: () => Pick<GatewayConfig, 'listeners' | 'auth'>;
  readonly log: Log;
  /** Told the status of every answer. */
  readonly onAnswer?: ((statusCode: number) => void) | undefined;
}

/**
 * Plans the ICE API, inside a gateway or alone.
 *
 * @param tls - what `ice.tls` stands for at the moment; undefined when there is none.
 */
export function planIceEndpoint(
  ice: IceConfig,
  tls: TlsSettings | undefined,
  subject: IceSubject,
): PlannedEndpoint {
  assert.equal(tls !== undefined, ice.tls !== undefined, 'TLS settings go with ice.tls');
  return {
    key: 'ice',
    name: 'the ICE API',
    endpoint: ice.endpoint,
    tls,
    settings: {
      apiKeys: ice.apiKeys,
      cors: ice.cors,
      compat: ice.compat,
      clientAuth: ice.tls?.clientAuth,
    },
    createApp: () => createApp(ice, subject),
  };
}

/** Throws GatewayError GW_ERR_HTTP_UNPROTECTED when it would serve others without asking for a key or a certificate. */
function createApp(ice: IceConfig, { config, log, onAnswer }: IceSubject): FastifyInstance {
  const { apiKeys, cors, compat } = ice;
  const logRequest = requestLog(log, 'ice');
  assertProtected(ice.endpoint.host, { apiKeys, clientAuth: ice.tls?.clientAuth });
  return createIceApp({
    source: { gateways: () => [iceGateway(config())] },
    apiKeys,
    cors,
    compat,
    publicAddress: process.env['STUNNER_PUBLIC_ADDR'],
    log: (record) => {
      onAnswer?.(record.statusCode);
      logRequest(record);
    },
  });
}
