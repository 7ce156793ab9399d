import type { PasswordAlgorithm } from '../stun/registry.ts';
import type { LogLevel } from './gateway-config.ts';

/** Name of a gateway whose file names none, as STUNner has it. */
export const NAME_DEFAULT = 'default-stunnerd';
/** Log level of every scope that has none. */
export const LOG_LEVEL_DEFAULT: LogLevel = 'INFO';
/** Realm of files that name none, as STUNner has it. */
export const REALM_DEFAULT = 'stunner.l7mp.io';
/** Password algorithms offered to clients, preferred first. */
export const ALGORITHMS_DEFAULT: readonly PasswordAlgorithm[] = ['SHA-256', 'MD5'];
/** Longest lifetime of a credential. */
export const MAX_TTL_DEFAULT = '24h';
/** Port of a listener (RFC 8656 §5). */
export const LISTENER_PORT_DEFAULT = 3478;
/** The dynamic ports, as RFC 8656 §5 recommends. */
export const RELAY_MIN_PORT_DEFAULT = 49_152;
export const RELAY_MAX_PORT_DEFAULT = 65_535;
/** Port of a metrics endpoint that names none. */
export const METRICS_PORT_DEFAULT = 8080;
/** Port of a health check endpoint that names none, and the endpoint of files without one: on every address. */
export const HEALTHCHECK_PORT_DEFAULT = 8086;
export const HEALTHCHECK_ENDPOINT_DEFAULT = `http://:${HEALTHCHECK_PORT_DEFAULT}`;
/** Where the ICE API is served when nothing else is said. */
export const ICE_HOST_DEFAULT = '127.0.0.1';
export const ICE_PORT_DEFAULT = 8088;
export const ICE_ENDPOINT_DEFAULT = `http://${ICE_HOST_DEFAULT}:${ICE_PORT_DEFAULT}`;
