import assert from 'node:assert';
import type { FastifyInstance } from 'fastify';
import type { GatewayConfig } from '../config/gateway-config.ts';
import type { GatewayControl } from '../http/admin/gateway-control.ts';
import { createHealthApp } from '../http/health/app.ts';
import { assertProtected } from '../http/protection.ts';
import type { Log } from '../log.ts';
import type { CertificateService } from './certificate-service.ts';
import type { GatewayView } from './gateway-view.ts';
import type { PlannedEndpoint } from './http-endpoints.ts';
import { planIceEndpoint } from './ice-endpoint.ts';
import { metricsSource } from './metrics-readings.ts';
import { requestLog } from './request-log.ts';

/** What the HTTP endpoints of a gateway tell of and act upon. */
export interface EndpointSubject {
  /** That the endpoints are planned for; they always tell of the one in force. */
  readonly config: GatewayConfig;
  readonly certificates: CertificateService;
  readonly view: GatewayView;
  readonly control: GatewayControl;
  readonly log: Log;
}

/** Plans every HTTP endpoint that a configuration names. */
export function planEndpoints(subject: EndpointSubject): PlannedEndpoint[] {
  return [
    ...healthEndpoint(subject),
    ...metricsEndpoint(subject),
    ...apiEndpoint(subject),
    ...iceEndpoint(subject),
  ];
}

function iceEndpoint({ config, certificates, view, log }: EndpointSubject): PlannedEndpoint[] {
  if (config.ice === undefined) return [];
  const onAnswer = (status: number): void => view.iceAnswers.count(status);
  const subject = { config: () => view.config, log, onAnswer };
  return [planIceEndpoint(config.ice, certificates.ofIce, subject)];
}

function healthEndpoint({ config, view, control, log }: EndpointSubject): PlannedEndpoint[] {
  const endpoint = config.admin.healthcheckEndpoint;
  if (endpoint === undefined) return [];
  const createApp = (): FastifyInstance =>
    createHealthApp(
      {
        isAlive: () => view.isAlive,
        readiness: () => view.readiness,
        status: () => control.status(),
      },
      { log: requestLog(log, 'health') },
    );
  const name = 'the health check';
  return [{ key: 'health', name, endpoint, tls: undefined, settings: undefined, createApp }];
}

function metricsEndpoint({ config, view, log }: EndpointSubject): PlannedEndpoint[] {
  const endpoint = config.admin.metricsEndpoint;
  if (endpoint === undefined) return [];
  const { path } = endpoint;
  const createApp = async (): Promise<FastifyInstance> => {
    const { createMetrics } = await import('../metrics/registry.ts');
    const { createMetricsApp } = await import('../http/metrics/app.ts');
    return createMetricsApp({
      metrics: createMetrics(metricsSource(view)),
      path,
      onFailure: (failure) => log.scope('metrics').error({ err: failure }, 'a scrape failed'),
    });
  };
  const name = 'the metrics endpoint';
  return [{ key: 'metrics', name, endpoint, tls: undefined, settings: { path }, createApp }];
}

function apiEndpoint({ config, certificates, control, log }: EndpointSubject): PlannedEndpoint[] {
  const { apiEndpoint: endpoint, apiToken: token, apiTls } = config.admin;
  if (endpoint === undefined) return [];
  const tls = certificates.ofApi;
  assert.equal(tls !== undefined, apiTls !== undefined, 'TLS settings go with admin.api_tls');
  const name = 'the admin API';
  const clientAuth = apiTls?.clientAuth;
  const createApp = async (): Promise<FastifyInstance> => {
    const apiKeys = token === undefined ? [] : [token];
    assertProtected(endpoint.host, { apiKeys, clientAuth }, name);
    const { createAdminApp } = await import('../http/admin/app.ts');
    return createAdminApp({
      control,
      token,
      clientAuth,
      audit: (record) => log.scope('audit').info(record, 'an operator acted'),
      logRefusal: (record) => log.scope('api').warn(record, 'a request was refused'),
      log: requestLog(log, 'api'),
    });
  };
  const settings = { token, clientAuth };
  return [{ key: 'api', name, endpoint, tls, settings, createApp }];
}
