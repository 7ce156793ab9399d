import { differencesOf, type ConfigView, type Difference } from './differences.ts';
import type { GatewayConfig } from './gateway-config.ts';
import { formatPath, type Path } from './problems.ts';
import { configEntries, redactConfig } from './redact.ts';

/** How a change comes into force: in place, by opening a socket elsewhere, or only in a new process. */
export type ChangeEffect = 'update' | 'reopen' | 'restart';

/** One difference between two configurations. */
export interface ConfigChange {
  /** Path in the file, named objects by their name: `listeners.udp.port`, `auth.credentials.secrets`. */
  readonly path: string;
  /** In the format of the file, secrets masked; undefined when there was nothing. */
  readonly before: unknown;
  /** The same; undefined when there is nothing any more. */
  readonly after: unknown;
  readonly effect: ChangeEffect;
}

/** An asterisk stands for any name. */
const REOPENED = new Set([
  'admin.metrics_endpoint',
  'admin.healthcheck_endpoint',
  'admin.api_endpoint',
  'ice.endpoint',
  'listeners.*.protocol',
  'listeners.*.bind',
  'listeners.*.port',
]);
const WORKERS = 'relay.workers';

/**
 * Finds every difference between two configurations, and what it takes to bring it into force.
 *
 * Files that are read later, certificates above all, are compared by their names only. Whether an endpoint is a default
 * one is no difference.
 *
 * @returns the changes in the order of the file; empty when nothing would change.
 * @param autoWorkers - how many workers `auto` stands for; the same number in its place then needs no restart.
 */
export function planReload(
  before: GatewayConfig,
  after: GatewayConfig,
  autoWorkers?: number,
): ConfigChange[] {
  const differences = differencesOf(viewOf(before), viewOf(after));
  const isSameCount = workerCount(before, autoWorkers) === workerCount(after, autoWorkers);
  return differences.map((difference) => ({
    ...difference,
    path: formatPath(difference.path),
    effect: effectOf(difference, isSameCount),
  }));
}

function viewOf(config: GatewayConfig): ConfigView {
  return { real: configEntries(config, (secret) => secret), shown: redactConfig(config) };
}

function workerCount({ relay }: GatewayConfig, auto: number | undefined): number | undefined {
  return relay.workers === 'auto' ? auto : relay.workers;
}

function effectOf({ path }: Difference, isSameWorkerCount: boolean): ChangeEffect {
  const pattern = patternOf(path);
  if (pattern === WORKERS) return isSameWorkerCount ? 'update' : 'restart';
  return REOPENED.has(pattern) ? 'reopen' : 'update';
}

function patternOf(path: Path): string {
  return path.map((key, depth) => (path[0] === 'listeners' && depth === 1 ? '*' : key)).join('.');
}
