import { formatLogLevels, parseLogLevels } from '../config/log-levels.ts';
import type { AuthConfig } from '../config/gateway-config.ts';
import { redactConfig } from '../config/redact.ts';
import { GatewayError } from '../errors.ts';
import type {
  GatewayControl,
  GatewayEvent,
  GatewayStatus,
  LiveMetrics,
  ReloadResult,
  RevocationResult,
  RouteAnswer,
  RouteQuestion,
  SessionFilter,
  SessionList,
  TestAccess,
} from '../http/admin/gateway-control.ts';
import { offerToEcho } from './echo-client.ts';
import type { EventHub } from './event-hub.ts';
import { CREDENTIAL_CLOCK_SKEW_MAX_SECONDS, SESSIONS_PER_PAGE_MAX } from '../limits.ts';
import type { Log } from '../log.ts';
import { TransportAddress } from '../stun/transport-address.ts';
import { describeGateway, describeLive, describeSession, timeText } from './gateway-status.ts';
import type { GatewayView } from './gateway-view.ts';
import type { Reloader } from './reloader.ts';
import { testAccess } from './test-access.ts';

/** The last day that RFC 3339 can name. */
const NEVER_UNIX_SECONDS = Date.UTC(9999, 11, 31) / 1000;

/** What an operator's wishes are carried out by. */
export interface OperatorControlOptions {
  readonly view: GatewayView;
  readonly log: Log;
  readonly events: EventHub;
  readonly reloader: Pick<Reloader, 'reload' | 'plan'>;
  readonly drain: () => void;
  readonly undrain: () => boolean;
}

/** Tells operators about a running gateway and does what they want of it. */
export class OperatorControl implements GatewayControl {
  readonly #options: OperatorControlOptions;

  constructor(options: OperatorControlOptions) {
    this.#options = options;
  }

  status(): GatewayStatus {
    return describeGateway(this.#options.view);
  }

  config(): Record<string, unknown> {
    return redactConfig(this.#options.view.config);
  }

  async sessions({ userId, listener, limit }: SessionFilter): Promise<SessionList> {
    const { plane } = this.#options.view.created;
    const bounded = Math.min(limit ?? SESSIONS_PER_PAGE_MAX, SESSIONS_PER_PAGE_MAX);
    const { sessions, total } = await plane.sessions({ userId, listener, limit: bounded });
    return { sessions: sessions.map(describeSession), total };
  }

  kick(target: { readonly id: string } | { readonly userId: string }): Promise<number> {
    return this.#options.view.created.plane.endSessions({ ...target, reason: 'kicked' });
  }

  async revoke(userId: string, untilUnixSeconds?: number): Promise<RevocationResult> {
    const { policies, created, config } = this.#options.view;
    const until = untilUnixSeconds ?? this.#lastExpiry(userId, config.auth);
    // The workers get the revocation first, so that no new session comes in between.
    policies.revoke({ userId, untilUnixSeconds: until });
    const ended = await created.plane.endSessions({ userId, reason: 'revoked' });
    return { userId, until: timeText(until), ended };
  }

  unrevoke(userId: string): boolean {
    return this.#options.view.policies.unrevoke(userId);
  }

  explainRoute({ listener, peer, port, userRoutes }: RouteQuestion): RouteAnswer {
    const { policies, config } = this.#options.view;
    const address = TransportAddress.parse(peer, port);
    const names = config.listeners.map(({ name }) => name);
    if (address === undefined) throw new GatewayError('GW_ERR_USAGE', `"${peer}" is no IP address`);
    if (!names.includes(listener)) {
      const detail = `no listener is named "${listener}"; there are: ${names.join(', ')}`;
      throw new GatewayError('GW_ERR_USAGE', detail);
    }
    const answer = policies.routes.explain(listener, userRoutes, address, port);
    const { verdict, cluster, endpoint, forbidden, nearest } = answer;
    return {
      listener,
      peer: address.toString(),
      verdict,
      cluster,
      endpoint,
      forbidden,
      nearest: nearest && `${nearest.cluster} ${nearest.endpoint}`,
      why: nearest?.why,
    };
  }

  reload(): Promise<ReloadResult> {
    return this.#options.reloader.reload('api');
  }

  planReload(text: string | undefined): Promise<ReloadResult> {
    return this.#options.reloader.plan(text);
  }

  drain(): void {
    this.#options.drain();
  }

  undrain(): boolean {
    return this.#options.undrain();
  }

  setLogLevels(text: string): Record<string, string> {
    const levels = parseLogLevels(text);
    if (typeof levels === 'string') throw new GatewayError('GW_ERR_USAGE', `levels ${levels}`);
    const { log } = this.#options;
    // Scopes that are not named keep their level, `all` included.
    const named = new Set(text.split(',').map((part) => part.trim().split(':')[0]));
    const wanted = Object.entries(levels).filter(([scope]) => named.has(scope));
    log.setLevels({ ...log.levels, ...Object.fromEntries(wanted) });
    log.scope('gateway').info({ levels: formatLogLevels(log.levels) }, 'log levels were set');
    return { ...log.levels };
  }

  testAccess(): TestAccess {
    return testAccess(this.#options.view.config);
  }

  offerToEcho(offer: string): Promise<string> {
    return offerToEcho(this.#options.view.config.admin.echoEndpoint, offer);
  }

  metrics(): LiveMetrics {
    return describeLive(this.#options.view);
  }

  subscribe(onEvent: (event: GatewayEvent) => void, afterId?: number): () => void {
    return this.#options.events.subscribe(onEvent, afterId);
  }

  /** When the last credential that a user may have now expires; a name and password never do. */
  #lastExpiry(userId: string, { users, maxTtlSeconds }: AuthConfig): number {
    if (users.some(({ username }) => username === userId)) return NEVER_UNIX_SECONDS;
    return Math.ceil(Date.now() / 1000) + maxTtlSeconds + CREDENTIAL_CLOCK_SKEW_MAX_SECONDS;
  }
}
