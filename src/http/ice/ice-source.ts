import type { ListenerProtocol } from '../../config/gateway-config.ts';

/** A listener as clients are to reach it. */
export interface IceListener {
  /** Any name; only `namespace/gateway/listener` can be selected by filters. */
  readonly name: string;
  readonly protocol: ListenerProtocol;
  /** Host in ICE URIs. */
  readonly publicAddress?: string | undefined;
  /** Host in ICE URIs when there is no public address. */
  readonly address?: string | undefined;
  /** Port in ICE URIs: the public port where one is configured, else the listening port. */
  readonly port: number;
}

/** A credential for one user. */
export interface IceCredential {
  readonly username: string;
  readonly password: string;
  /** Lifetime told to the client. */
  readonly ttlSeconds: number;
  /** Wall-clock second in which the credential is valid for the last time; undefined when it does not expire. */
  readonly expiresAtUnixSeconds?: number | undefined;
}

/** One gateway configuration: its listeners and the credentials they accept. */
export interface IceGateway {
  readonly listeners: readonly IceListener[];
  /**
   * Issues a credential that the listeners accept.
   *
   * @param userId - user id, possibly empty; ignored for static users.
   * @param ttlSeconds - 0 or more; a longer lifetime than `auth.max_ttl` is cut to it.
   * @returns undefined when the gateway has no credentials (`auth.type: none`).
   */
  issue(userId: string, ttlSeconds: number): IceCredential | undefined;
}

/** Where the ICE API finds what is running; implemented by the gateway. */
export interface IceSource {
  /** The current gateway configurations in configuration order; empty while there is none. */
  gateways(): readonly IceGateway[];
}
