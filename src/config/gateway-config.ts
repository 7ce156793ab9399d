import type { PasswordAlgorithm } from '../stun/registry.ts';

/** How clients reach a listener; `TURN-` prefixes and letter case of the file are normalised away. */
export type ListenerProtocol = 'udp' | 'tcp' | 'tls' | 'dtls';

/** Log levels from silent to most talkative. */
export type LogLevel = 'DISABLE' | 'ERROR' | 'WARN' | 'INFO' | 'DEBUG' | 'TRACE';

/** A static user; `routes` confines it to the named clusters. */
export interface StaticUser {
  readonly username: string;
  readonly password: string;
  readonly routes: readonly string[] | undefined;
}

/** Who may allocate. */
export interface AuthConfig {
  readonly type: 'static' | 'ephemeral' | 'none';
  readonly realm: string;
  /** Shared secrets of ephemeral credentials, the one that signs first; empty unless type is ephemeral. */
  readonly secrets: readonly string[];
  /** Static users: `credentials.username` (first) and `users`. */
  readonly users: readonly StaticUser[];
  readonly maxTtlSeconds: number;
  readonly algorithms: readonly PasswordAlgorithm[];
}

/** An HTTP endpoint to listen on. */
export interface HttpEndpoint {
  /** IP address or host name; empty means every address. */
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

/** The ICE API for app servers. */
export interface IceConfig {
  readonly endpoint: HttpEndpoint;
  readonly apiKeys: readonly string[];
  /** Exact origins that browsers may call from. */
  readonly cors: readonly string[];
}

/** A socket that clients connect to. */
export interface ListenerConfig {
  readonly name: string;
  readonly protocol: ListenerProtocol;
  /** Address to listen on; undefined means all addresses of both families. */
  readonly bind: string | undefined;
  readonly port: number;
  /** IP address of the relayed transport addresses told to clients; undefined: the gateway chooses. */
  readonly address: string | undefined;
  /** Host in ICE URIs. */
  readonly publicAddress: string | undefined;
  /** Port in ICE URIs; undefined: `port`. */
  readonly publicPort: number | undefined;
  /** Names of clusters whose endpoints may be reached. */
  readonly routes: readonly string[];
}

/** Where relayed transport addresses come from. */
export interface RelayConfig {
  readonly minPort: number;
  readonly maxPort: number;
  readonly addresses: readonly { readonly bind: string; readonly advertise: string }[];
  /** Number of relay workers; 'auto' means one per available core. */
  readonly workers: number | 'auto';
}

/** One endpoint of a cluster: an address range with ports, or a host name (STRICT_DNS). */
export interface EndpointConfig {
  /** IP address, or host name when the cluster is STRICT_DNS. */
  readonly host: string;
  /** Prefix length in bits; undefined for a host name. */
  readonly prefixLength: number | undefined;
  readonly minPort: number;
  readonly maxPort: number;
}

/** A named set of backends. */
export interface ClusterConfig {
  readonly name: string;
  readonly type: 'STATIC' | 'STRICT_DNS';
  readonly protocol: 'udp' | 'tcp';
  readonly endpoints: readonly EndpointConfig[];
  /** Exact exceptions from the hard deny list. */
  readonly dangerouslyAllow: readonly { readonly address: string; readonly prefixLength: number }[];
}

/** Bounds an operator may move; the others are in `src/limits.ts`. */
export interface LimitsConfig {
  readonly allocationsMax: number;
  readonly allocationsPerAddressMax: number;
}

/** The whole configuration after validation, with every default filled in; deeply frozen. */
export interface GatewayConfig {
  readonly admin: {
    readonly name: string;
    /** Level by scope; `all` is always present. */
    readonly logLevels: Readonly<Record<string, LogLevel>>;
    readonly logFormat: 'json' | 'text';
    readonly metricsEndpoint: HttpEndpoint | undefined;
    readonly healthcheckEndpoint: HttpEndpoint | undefined;
    /** Allocations per user id; 0 means no quota. */
    readonly userQuota: number;
  };
  readonly auth: AuthConfig;
  /** Undefined when the file has no `ice` section. */
  readonly ice: IceConfig | undefined;
  readonly listeners: readonly ListenerConfig[];
  readonly relay: RelayConfig;
  readonly clusters: readonly ClusterConfig[];
  readonly strictChannelNumbers: boolean;
  readonly limits: LimitsConfig;
}
