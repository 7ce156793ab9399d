import type { PasswordAlgorithm } from '../stun/registry.ts';
import type { CompatibleService } from './compatible-services.ts';

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
  /** What becomes of a live allocation whose credential expires. */
  readonly onExpiry: 'keep' | 'refuse' | 'close';
  readonly algorithms: readonly PasswordAlgorithm[];
}

/** An HTTP endpoint to listen on. */
export interface HttpEndpoint {
  /** IP address or host name; empty means every address. */
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** Nobody asked for it: when its port is taken, the gateway says so and runs without it. */
  readonly isDefault?: boolean | undefined;
}

/** Where a certificate chain and its private key come from. */
export type CertificateSource =
  /** PEM text out of the configuration itself. */
  | {
      readonly kind: 'inline';
      readonly certificatePem: string;
      readonly keyPem: string;
      readonly passphrase: string | undefined;
    }
  /** Files with PEM text, or with base64 of it; watched. */
  | {
      readonly kind: 'files';
      readonly certFile: string;
      readonly keyFile: string;
      readonly passphrase: string | undefined;
    }
  /** A PKCS #12 file with chain and key; watched. */
  | { readonly kind: 'pkcs12'; readonly file: string; readonly passphrase: string | undefined }
  /** The certificate of the `acme` section. */
  | { readonly kind: 'acme' }
  /** Made at start, for development: nobody trusts it. */
  | { readonly kind: 'generated' };

/** A certificate for clients that ask for certain names (RFC 6066 §3). */
export interface SniCertificate {
  /** Lower-case DNS names, the first label maybe `*`; empty: those of the certificate itself. */
  readonly names: readonly string[];
  readonly source: CertificateSource;
}

/** Whether clients are asked for a certificate of their own. */
export type ClientAuth = 'none' | 'request' | 'require';

/** Lowest protocol version; DTLS 1.2 stands and falls with TLS 1.2. */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** What a verified client certificate stands for. */
export interface ClientIdentity {
  /** What the certificate must say, all of it: `CN=alice`, `O=Example,OU=edge`, `DNS:…`, `URI:…`, `email:…`, `*`. */
  readonly subject: string;
  /** User id of its allocations, `{CN}` being the common name; undefined: that of the credential. */
  readonly userId: string | undefined;
  /** Names of the clusters that it is confined to; undefined means all that the credential allows. */
  readonly routes: readonly string[] | undefined;
}

/** How an endpoint speaks TLS or DTLS. */
export interface TlsConfig {
  /** For clients that name no server, or one that nothing else is for. */
  readonly certificate: CertificateSource;
  readonly sni: readonly SniCertificate[];
  readonly minVersion: TlsVersion;
  /** Cipher list of TLS 1.2 and DTLS 1.2 as OpenSSL reads it. */
  readonly ciphers: string;
  /** Cipher suites of TLS 1.3, separated by colons. */
  readonly cipherSuites: string;
  /** Key exchange groups, preferred first, separated by colons; those that this OpenSSL lacks are left out. */
  readonly curves: string;
  readonly clientAuth: ClientAuth;
  /** PEM files of the authorities that client certificates are trusted from; watched. */
  readonly clientCaFiles: readonly string[];
  /** PEM files of their revocation lists; watched. */
  readonly clientCrlFiles: readonly string[];
  /** The first that fits a verified client certificate counts. */
  readonly clientIdentities: readonly ClientIdentity[];
}

/** An address range. */
export interface PrefixConfig {
  readonly address: string;
  /** Bits. */
  readonly prefixLength: number;
}

/** Certificates from an ACME directory (RFC 8555). */
export interface AcmeConfig {
  /** URL of the directory. */
  readonly directory: string;
  /** DNS names of the certificate, the first one its common name. */
  readonly domains: readonly string[];
  /** Contact of the account. */
  readonly email: string | undefined;
  readonly challenge: 'http-01' | 'tls-alpn-01';
  /** Where the answers to HTTP-01 are served while an order runs. */
  readonly httpEndpoint: HttpEndpoint;
  /** Folder that keeps account key, certificate and key. */
  readonly storage: string;
  /** PEM file of the authority that the directory itself is trusted from; undefined: those of Node.js. */
  readonly caFile: string | undefined;
  /** A certificate is renewed so long before it expires. */
  readonly renewBeforeSeconds: number;
}

/** The ICE API for app servers. */
export interface IceConfig {
  readonly endpoint: HttpEndpoint;
  /** Undefined: plain HTTP. */
  readonly tls: TlsConfig | undefined;
  readonly apiKeys: readonly string[];
  /** Exact origins that browsers may call from. */
  readonly cors: readonly string[];
  /** Services whose credential requests are answered as well. */
  readonly compat: readonly CompatibleService[];
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
  /** Set for the protocols tls and dtls when TLS ends here; undefined when it ends at a load balancer in front. */
  readonly tls: TlsConfig | undefined;
  /** Serves plain TCP next to TLS, or plain UDP next to DTLS, told apart by the first byte. */
  readonly alsoPlain: boolean;
  /** Whether connections begin with the client's address as a load balancer writes it. */
  readonly proxyProtocol: 'off' | 'optional' | 'required';
  /** Who may say so. */
  readonly proxyTrusted: readonly PrefixConfig[];
}

/** Where relayed transport addresses come from. */
export interface RelayConfig {
  readonly minPort: number;
  readonly maxPort: number;
  readonly addresses: readonly {
    readonly bind: string;
    /** IP address told to clients; `discover` asks the STUN servers. */
    readonly advertise: string;
  }[];
  /** STUN servers that tell the public address, host:port; asked one after the other. */
  readonly stunServers: readonly string[];
  /** IPv6 prefixes under which the network translates to IPv4 (RFC 6052 §2.2). */
  readonly nat64Prefixes: readonly PrefixConfig[];
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
  readonly dangerouslyAllow: readonly PrefixConfig[];
}

/** Bounds an operator may move; the others are in `src/limits.ts`. */
export interface LimitsConfig {
  readonly allocationsMax: number;
  readonly allocationsPerAddressMax: number;
  /** TCP and TLS connections of one client address, and as many DTLS associations counted apart, per worker. */
  readonly connectionsPerAddressMax: number;
  /** TLS and DTLS handshakes begun, over all workers together. */
  readonly handshakesPerSecond: number;
  /** The same of one client address, per worker. */
  readonly handshakesPerSecondPerAddress: number;
  readonly permissionsPerAllocationMax: number;
  readonly channelsPerAllocationMax: number;
  /** Rates hold for each way; 0 is no limit. */
  readonly bytesPerSecondPerAllocation: number;
  readonly packetsPerSecondPerAllocation: number;
  readonly bytesPerSecondPerUser: number;
  readonly packetsPerSecondPerUser: number;
  /** What an allocation beyond `admin.user_quota` meets. */
  readonly overUserQuota: 'refuse' | 'degrade';
  /** Bytes per second of a degraded allocation, each way. */
  readonly degradedBytesPerSecond: number;
  /** Error answers to one address that has proven nothing; 0 is no limit. */
  readonly unauthenticatedPerSecondPerAddress: number;
}

/** A TURN server to send clients to. */
export interface AlternateServer {
  /** IP address. */
  readonly address: string;
  readonly port: number;
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
    /** Admin API and console. */
    readonly apiEndpoint: HttpEndpoint | undefined;
    /** Bearer token of the admin API; undefined: none is needed, on loopback only. */
    readonly apiToken: string | undefined;
    /** Undefined: plain HTTP. */
    readonly apiTls: TlsConfig | undefined;
    /** WebRTC echo that the test page of the console relays to. */
    readonly echoEndpoint: HttpEndpoint | undefined;
    /** Allocations per user id; 0 means no quota. */
    readonly userQuota: number;
    /** Longest wait for live allocations before a gateway that drains stops. */
    readonly drainTimeoutSeconds: number;
    /** Where clients are sent while the gateway drains. */
    readonly alternateServers: readonly AlternateServer[];
    /** Share of `limits.allocations_max` from which on the gateway is not ready for more, 0 to 1. */
    readonly readyFillMax: number;
  };
  readonly auth: AuthConfig;
  /** Undefined when the file has no `ice` section. */
  readonly ice: IceConfig | undefined;
  /** Undefined when the file has no `acme` section. */
  readonly acme: AcmeConfig | undefined;
  readonly listeners: readonly ListenerConfig[];
  readonly relay: RelayConfig;
  readonly clusters: readonly ClusterConfig[];
  readonly strictChannelNumbers: boolean;
  readonly limits: LimitsConfig;
}
