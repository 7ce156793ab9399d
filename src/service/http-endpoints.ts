import { isDeepStrictEqual } from 'node:util';
import type { FastifyInstance } from 'fastify';
import type { HttpEndpoint } from '../config/gateway-config.ts';
import type { Log } from '../log.ts';
import type { TlsSettings } from '../tls/tls-settings.ts';
import { HttpService } from './http-service.ts';

/** One endpoint as it is planned. */
export interface PlannedEndpoint {
  /** Tells endpoints apart; also the scope of its log records. */
  readonly key: string;
  /** As messages name it. */
  readonly name: string;
  readonly endpoint: HttpEndpoint;
  /** Undefined: plain HTTP. */
  readonly tls: TlsSettings | undefined;
  /** What the application is made from; as long as it is equal the application stays. */
  readonly settings: unknown;
  readonly createApp: () => FastifyInstance;
}

/** A change of endpoints that is ready to be made. */
export interface PreparedEndpoints {
  /** Makes it; does not fail. */
  commit(): Promise<void>;
  /** Leaves everything as it was. */
  rollBack(): Promise<void>;
}

interface ServedEndpoint {
  readonly plan: PlannedEndpoint;
  /** Undefined when nobody asked for it and its port was taken. */
  readonly service: HttpService | undefined;
}

/** Every HTTP endpoint of a gateway. */
export class HttpEndpoints {
  readonly #log: Log;
  #served: readonly ServedEndpoint[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Opens what is planned in another place than before; nothing that is served now is touched yet.
   *
   * @throws GatewayError GW_ERR_LISTEN or GW_ERR_HTTP_UNPROTECTED; everything is as before then.
   */
  async prepare(plans: readonly PlannedEndpoint[]): Promise<PreparedEndpoints> {
    const before = this.#served;
    const after: ServedEndpoint[] = [];
    const opened: HttpService[] = [];
    const apps: { readonly service: HttpService; readonly app: FastifyInstance }[] = [];
    const rollBack = async (): Promise<void> => {
      await Promise.all([
        ...opened.map((one) => one.stop()),
        ...apps.map(({ app }) => app.close()),
      ]);
    };
    try {
      for (const plan of plans) {
        const old = before.find(({ plan: { key } }) => key === plan.key);
        if (old?.service !== undefined && isSamePlace(old.plan, plan)) {
          after.push({ plan, service: old.service });
          if (isDeepStrictEqual(old.plan.settings, plan.settings)) continue;
          const app = plan.createApp();
          apps.push({ service: old.service, app });
          await app.ready();
          continue;
        }
        const service = await this.#open(plan);
        if (service !== undefined) opened.push(service);
        after.push({ plan, service });
      }
    } catch (error) {
      await rollBack();
      throw error;
    }
    const commit = async (): Promise<void> => {
      this.#served = after;
      const kept = new Set(after.map(({ service }) => service));
      const gone = before.flatMap(({ service }) => service ?? []).filter((one) => !kept.has(one));
      await Promise.all([
        ...apps.map(({ service, app }) => service.replaceApp(app)),
        ...gone.map((service) => service.stop()),
      ]);
    };
    return { commit, rollBack };
  }

  /** Lets new connections to an endpoint have other TLS settings. */
  replaceTls(key: string, settings: TlsSettings | undefined): void {
    this.#served.find(({ plan }) => plan.key === key)?.service?.replaceTls(settings);
  }

  /** Closes every endpoint. */
  async stop(): Promise<void> {
    const served = this.#served;
    this.#served = [];
    await Promise.all(served.map(async ({ service }) => service?.stop()));
  }

  #open(plan: PlannedEndpoint): Promise<HttpService | undefined> {
    return HttpService.start({
      name: plan.name,
      scope: plan.key,
      endpoint: plan.endpoint,
      tls: plan.tls,
      app: plan.createApp(),
      log: this.#log,
    });
  }
}

function isSamePlace(a: PlannedEndpoint, b: PlannedEndpoint): boolean {
  const isSecure = a.tls !== undefined;
  return (
    a.endpoint.host === b.endpoint.host &&
    a.endpoint.port === b.endpoint.port &&
    isSecure === (b.tls !== undefined)
  );
}
