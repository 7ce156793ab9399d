import type { ConfigChange } from '../../config/plan.ts';

/** What the admin API tells and does; implemented by the gateway. All values are plain data without secrets. */
export interface GatewayControl {
  status(): GatewayStatus;
  /** The effective configuration in the format of the file, secrets masked. */
  config(): Record<string, unknown>;
  sessions(query: SessionFilter): Promise<SessionList>;
  /** Ends sessions; resolves with how many. */
  kick(target: { readonly id: string } | { readonly userId: string }): Promise<number>;
  /**
   * Refuses every credential of a user from now on and ends its sessions.
   *
   * @param untilUnixSeconds - undefined: as long as any credential issued by now may be valid.
   * @throws GatewayError GW_ERR_TOO_MANY_REVOCATIONS.
   */
  revoke(userId: string, untilUnixSeconds: number | undefined): Promise<RevocationResult>;
  /** Lets a user in again before its time; false when it was not revoked. */
  unrevoke(userId: string): boolean;
  /** Would a peer be relayed, and why. Throws GatewayError GW_ERR_USAGE when there is no such listener. */
  explainRoute(question: RouteQuestion): RouteAnswer;
  /** Reads the configuration again. */
  reload(): Promise<ReloadResult>;
  /** Says what a reload would change; `text` is that of a configuration to look at in place of the gateway's file. */
  planReload(text: string | undefined): Promise<ReloadResult>;
  /** Accepts no new allocations; live ones go on. */
  drain(): void;
  /** False when it is too late, since the gateway stops. */
  undrain(): boolean;
  /** Sets log levels, written as `admin.loglevel`; throws GatewayError GW_ERR_USAGE when they are none. */
  setLogLevels(levels: string): Record<string, string>;
  /** What a client needs to try every listener. */
  testAccess(): TestAccess;
  /**
   * Hands an offer to the WebRTC echo and resolves with its answer.
   *
   * @throws GatewayError GW_ERR_ECHO or GW_ERR_ECHO_BUSY.
   */
  offerToEcho(offer: string): Promise<string>;
  /** Numbers since the start and of now, for a page that shows them live. */
  metrics(): LiveMetrics;
  /**
   * Calls back for everything that happens from now on, until the returned function is called.
   *
   * @param afterId - first, at once, what is still kept of the events after this one; undefined: nothing.
   */
  subscribe(onEvent: (event: GatewayEvent) => void, afterId?: number): () => void;
}

/** How the gateway does. */
export interface GatewayStatus {
  readonly name: string;
  readonly version: string;
  readonly mode: 'reactor' | 'portable';
  readonly startedAt: string;
  readonly state: 'running' | 'draining' | 'stopping';
  /** False when health checks say so, with the reason. */
  readonly isReady: boolean;
  readonly notReadyReason: string | undefined;
  readonly isAlive: boolean;
  readonly allocations: { readonly active: number; readonly max: number };
  /** Relay ports in use, of those in the range, by address family. */
  readonly relayPorts: readonly {
    readonly family: string;
    readonly used: number;
    readonly max: number;
  }[];
  readonly workers: readonly { readonly lagMilliseconds: number; readonly restarts: number }[];
  readonly listeners: readonly ListenerStatus[];
  readonly clusters: readonly {
    readonly name: string;
    readonly type: string;
    readonly protocol: string;
    readonly endpoints: readonly string[];
  }[];
  readonly certificates: readonly CertificateSummary[];
  readonly revocations: readonly { readonly userId: string; readonly until: string }[];
  readonly lastReload: ReloadResult | undefined;
}

/** A listener as it serves. */
export interface ListenerStatus {
  readonly name: string;
  readonly protocol: string;
  readonly bind: string | undefined;
  readonly port: number;
  readonly publicAddress: string | undefined;
  readonly publicPort: number | undefined;
  readonly routes: readonly string[];
  readonly connections: number;
  readonly receivedPackets: number;
  readonly receivedBytes: number;
  readonly sentPackets: number;
  readonly sentBytes: number;
}

/** A certificate in use. */
export interface CertificateSummary {
  readonly names: readonly string[];
  /** What it is for, as paths of the configuration. */
  readonly uses: readonly string[];
  readonly kind: string;
  readonly expires: string;
  readonly daysLeft: number;
}

/** Which sessions are asked for. */
export interface SessionFilter {
  readonly userId?: string | undefined;
  readonly listener?: string | undefined;
  readonly limit?: number | undefined;
}

/** Sessions that fit a filter, and how many there are in all. */
export interface SessionList {
  readonly sessions: readonly SessionEntry[];
  readonly total: number;
}

/** A live allocation. */
export interface SessionEntry {
  readonly id: string;
  readonly user: string;
  readonly listener: string;
  readonly transport: string;
  readonly client: string;
  readonly relayed: readonly string[];
  readonly createdAt: string;
  readonly secondsLeft: number;
  readonly credentialExpiresAt: string | undefined;
  readonly isDegraded: boolean;
  readonly permissions: readonly string[];
  readonly channels: readonly { readonly number: number; readonly peer: string }[];
  readonly receivedPackets: number;
  readonly receivedBytes: number;
  readonly sentPackets: number;
  readonly sentBytes: number;
  readonly worker: number;
}

/** What a revocation has done. */
export interface RevocationResult {
  readonly userId: string;
  readonly until: string;
  /** Sessions that were ended. */
  readonly ended: number;
}

/** A peer to be judged. */
export interface RouteQuestion {
  readonly listener: string;
  /** IP address. */
  readonly peer: string;
  readonly port: number;
  /** Clusters that the user is confined to; undefined: none. */
  readonly userRoutes?: readonly string[] | undefined;
}

/** What becomes of a peer. */
export interface RouteAnswer {
  readonly listener: string;
  readonly peer: string;
  readonly verdict: string;
  readonly cluster?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly forbidden?: string | undefined;
  readonly nearest?: string | undefined;
  readonly why?: string | undefined;
}

/** What a reload has done, or would do. */
export interface ReloadResult {
  /** `failed`: everything is as before. */
  readonly outcome: 'applied' | 'unchanged' | 'failed' | 'dryRun';
  readonly at: string;
  readonly changes: readonly ConfigChange[];
  /** What is configured otherwise but stays as it is until a restart. */
  readonly kept: readonly string[];
  /** Every problem as `file:line:column: message`; empty unless it failed. */
  readonly problems: readonly string[];
  readonly milliseconds: number;
}

/** What a client needs to try every listener. */
export interface TestAccess {
  readonly authentication: 'ephemeral' | 'static' | 'none';
  /** Undefined where none can be made that expires: passwords of users are told to nobody. */
  readonly credential:
    | { readonly username: string; readonly password: string; readonly expiresAt: string }
    | undefined;
  readonly listeners: readonly TestListener[];
  /** URL of the WebRTC echo; undefined when none is configured. */
  readonly echo: string | undefined;
}

/** A listener as clients are told of it. */
export interface TestListener {
  readonly name: string;
  readonly protocol: string;
  readonly uri: string;
  /** Its certificate was made at the start, so nobody trusts it. */
  readonly isSelfSigned: boolean;
}

/** Numbers of now. */
export interface LiveMetrics {
  readonly at: string;
  readonly allocationsActive: number;
  readonly receivedPackets: number;
  readonly receivedBytes: number;
  readonly sentPackets: number;
  readonly sentBytes: number;
  readonly drops: Readonly<Record<string, number>>;
  readonly authenticationFailures: Readonly<Record<string, number>>;
  readonly denials: Readonly<Record<string, number>>;
  readonly allocationsRefused: Readonly<Record<string, number>>;
}

/** Something that happened; `data` has no secrets and only bounded text. */
export interface GatewayEvent {
  /** Counts from 1. */
  readonly id: number;
  readonly at: string;
  /** Such as `allocation.created`, `auth.failed`, `peer.denied` or `config.reloaded`. */
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}
