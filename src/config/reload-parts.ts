import type { Difference } from './differences.ts';

/**
 * Parts of a running gateway that a change of the configuration may concern. What is in none of them, such as
 * `admin.name` and `admin.drain_timeout`, is looked up when it is needed.
 *
 * - policies: what workers decide by: credentials, routes, quotas, rates, own addresses
 * - listeners: which sockets clients connect to, and how bytes on them are read
 * - relay: relay ports and addresses, and the STUN servers that tell them
 * - limits: connections and handshakes that a data plane takes
 * - tls: certificates and TLS settings, of any endpoint
 * - ice: what the ICE API serves, where and to whom
 * - metrics, health, api: where these are served, and to whom
 * - log: levels and form of log records
 * - acme: where certificates are ordered
 */
export const RELOAD_PARTS = [
  'policies',
  'listeners',
  'relay',
  'limits',
  'tls',
  'ice',
  'metrics',
  'health',
  'api',
  'log',
  'acme',
] as const;

/** A part of a running gateway. */
export type ReloadPart = (typeof RELOAD_PARTS)[number];

/** Which parts a reload concerns. */
export type ChangedSections = Readonly<Record<ReloadPart, boolean>>;

/** Nothing has changed. */
export const NO_PART_CHANGED = Object.fromEntries(
  RELOAD_PARTS.map((part) => [part, false]),
) as Record<ReloadPart, boolean>;

/** What each key concerns, with all that is below it; an asterisk stands for any name. */
const PARTS_BY_KEY: readonly (readonly [key: string, ...parts: ReloadPart[]])[] = [
  ['admin.loglevel', 'log'],
  ['admin.log_format', 'log'],
  ['admin.metrics_endpoint', 'metrics', 'policies'],
  ['admin.healthcheck_endpoint', 'health', 'policies'],
  // A certificate made at start names the hosts that its endpoint is reached by.
  ['admin.api_endpoint', 'api', 'policies', 'tls'],
  ['admin.api_token', 'api'],
  ['admin.api_tls', 'api', 'tls'],
  ['admin.user_quota', 'policies'],
  ['admin.alternate_servers', 'policies'],
  ['auth', 'policies', 'ice'],
  ['ice', 'ice'],
  ['ice.endpoint', 'policies', 'tls'],
  ['ice.tls', 'tls'],
  ['acme', 'acme', 'tls'],
  ['listeners', 'ice'],
  ['listeners.*.name', 'listeners', 'policies'],
  ['listeners.*.protocol', 'listeners', 'tls'],
  ['listeners.*.bind', 'listeners', 'policies', 'tls'],
  ['listeners.*.port', 'listeners', 'policies'],
  ['listeners.*.address', 'listeners', 'policies'],
  ['listeners.*.public_address', 'policies', 'tls'],
  ['listeners.*.public_port', 'policies'],
  ['listeners.*.cert', 'tls'],
  ['listeners.*.key', 'tls'],
  ['listeners.*.tls', 'tls'],
  ['listeners.*.tls.termination', 'listeners'],
  ['listeners.*.also_plain', 'listeners'],
  ['listeners.*.proxy_protocol', 'listeners'],
  ['listeners.*.proxy_trusted', 'listeners'],
  ['listeners.*.routes', 'policies'],
  ['relay.min_port', 'relay', 'policies'],
  ['relay.max_port', 'relay', 'policies'],
  ['relay.addresses', 'relay', 'listeners', 'policies'],
  ['relay.stun_servers', 'relay'],
  ['clusters', 'policies'],
  ['strict_channel_numbers', 'policies'],
  ['limits', 'policies'],
  ['limits.connections_per_address_max', 'limits'],
  ['limits.handshakes_per_second', 'limits'],
  ['limits.handshakes_per_second_per_address', 'limits'],
];

const KEYS: readonly (readonly [keys: readonly string[], parts: readonly ReloadPart[]])[] =
  PARTS_BY_KEY.map(([key, ...parts]) => [key.split('.'), parts]);

/** The parts that a difference concerns; of an object that comes or goes, those of everything in it. */
export function partsOf({ path, before, after }: Difference): ReadonlySet<ReloadPart> {
  const keys = path.map(String);
  const leaves = [...leafKeys(before, keys), ...leafKeys(after, keys)];
  const parts = KEYS.filter(([pattern]) => leaves.some((leaf) => isBelow(leaf, pattern)));
  return new Set(parts.flatMap(([, concerned]) => concerned));
}

function isBelow(leaf: readonly string[], pattern: readonly string[]): boolean {
  return (
    pattern.length <= leaf.length &&
    pattern.every((key, depth) => key === '*' || key === leaf[depth])
  );
}

function leafKeys(value: unknown, keys: readonly string[]): (readonly string[])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [keys];
  return Object.entries(value).flatMap(([key, child]) =>
    leafKeys(child as unknown, [...keys, key]),
  );
}
