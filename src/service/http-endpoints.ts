import { isDeepStrictEqual } from 'node:util';
import type { FastifyInstance } from 'fastify';
import type { HttpEndpoint } from '../config/gateway-config.ts';
import { GatewayError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { TlsSettings } from '../tls/tls-settings.ts';
import { HttpService } from './http-service.ts';

/** Requests under way at an endpoint that moves have so long to be answered. */
const GRACE_MS = 5000;

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
  readonly createApp: () => FastifyInstance | Promise<FastifyInstance>;
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
  #isClosed = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Opens what is planned in another place than before. What is served goes on, unless its port is needed.
   *
   * @throws GatewayError GW_ERR_LISTEN or GW_ERR_HTTP_UNPROTECTED; everything is as before then.
   */
  async prepare(plans: readonly PlannedEndpoint[]): Promise<PreparedEndpoints> {
    if (this.#isClosed) throw new GatewayError('GW_ERR_LISTEN', 'the HTTP endpoints are closed');
    const change = new EndpointChange(this.#log, this.#served);
    try {
      await change.open(plans);
    } catch (error) {
      this.#served = await change.rollBack();
      throw error;
    }
    return {
      commit: async () => {
        this.#served = await change.commit();
        if (this.#isClosed) await this.stop();
      },
      rollBack: async () => {
        this.#served = await change.rollBack();
      },
    };
  }

  /** Lets new connections to an endpoint have other TLS settings. */
  replaceTls(key: string, settings: TlsSettings | undefined): void {
    this.#served.find(({ plan }) => plan.key === key)?.service?.replaceTls(settings);
  }

  /** Closes every endpoint, for good. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    const served = this.#served;
    this.#served = [];
    await Promise.all(served.map(async ({ service }) => service?.stop()));
  }
}

/** One change from what is served to what is planned. */
class EndpointChange {
  readonly #log: Log;
  readonly #before: readonly ServedEndpoint[];
  readonly #after: ServedEndpoint[] = [];
  readonly #opened: HttpService[] = [];
  readonly #apps: { readonly service: HttpService; readonly app: FastifyInstance }[] = [];
  /** Stopped because their port is needed. */
  readonly #yielded = new Set<ServedEndpoint>();

  constructor(log: Log, before: readonly ServedEndpoint[]) {
    this.#log = log;
    this.#before = before;
  }

  async open(plans: readonly PlannedEndpoint[]): Promise<void> {
    const moved = plans.filter((plan) => !this.#isInPlace(plan));
    for (const plan of plans) if (!moved.includes(plan)) await this.#keep(plan);
    const ports = new Set(moved.map(({ endpoint }) => endpoint.port));
    for (const old of this.#before) {
      const isKept = this.#after.some(({ service }) => service === old.service);
      if (isKept || !ports.has(old.plan.endpoint.port)) continue;
      this.#yielded.add(old);
      void old.service?.stop(GRACE_MS);
    }
    for (const plan of moved) await this.#move(plan);
  }

  async commit(): Promise<readonly ServedEndpoint[]> {
    for (const { service, app } of this.#apps) await service.replaceApp(app);
    const kept = new Set(this.#after.map(({ service }) => service));
    for (const old of this.#before) {
      // The request that has asked for the change may be under way there.
      if (!kept.has(old.service) && !this.#yielded.has(old)) void old.service?.stop(GRACE_MS);
    }
    return this.#after;
  }

  async rollBack(): Promise<readonly ServedEndpoint[]> {
    await Promise.all([
      ...this.#opened.map((one) => one.stop()),
      ...this.#apps.map(({ app }) => app.close()),
    ]);
    return Promise.all(
      this.#before.map(async (old) => {
        return this.#yielded.has(old) ? { plan: old.plan, service: await this.#reopen(old) } : old;
      }),
    );
  }

  #oldOf({ key }: PlannedEndpoint): ServedEndpoint | undefined {
    return this.#before.find(({ plan }) => plan.key === key);
  }

  #isInPlace(plan: PlannedEndpoint): boolean {
    const old = this.#oldOf(plan);
    return old?.service !== undefined && isSamePlace(old.plan, plan);
  }

  async #keep(plan: PlannedEndpoint): Promise<void> {
    const { plan: before, service } = this.#oldOf(plan)!;
    this.#after.push({ plan, service });
    if (isDeepStrictEqual(before.settings, plan.settings)) return;
    const app = await plan.createApp();
    this.#apps.push({ service: service!, app });
    await app.ready();
  }

  async #move(plan: PlannedEndpoint): Promise<void> {
    try {
      const service = await this.#start(plan);
      this.#opened.push(service);
      this.#after.push({ plan, service });
    } catch (error) {
      // Nobody has asked for it, and nobody loses what was there.
      const isMissable =
        plan.endpoint.isDefault === true && this.#oldOf(plan)?.service === undefined;
      if (!isMissable || !(error instanceof GatewayError)) throw error;
      this.#log.scope(plan.key).warn({ reason: error.message }, `${plan.name} is not served`);
      this.#after.push({ plan, service: undefined });
    }
  }

  async #reopen({ plan }: ServedEndpoint): Promise<HttpService | undefined> {
    try {
      return await this.#start(plan);
    } catch (error) {
      this.#log.scope(plan.key).error({ err: error }, `${plan.name} could not be opened again`);
      return undefined;
    }
  }

  async #start(plan: PlannedEndpoint): Promise<HttpService> {
    const { name, key, endpoint, tls } = plan;
    const app = await plan.createApp();
    return HttpService.start({ name, scope: key, endpoint, tls, app, log: this.#log });
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
