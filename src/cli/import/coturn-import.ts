import { parseIp } from '../../config/addresses.ts';
import { formatHttpEndpoint } from '../../config/http-endpoints.ts';
import { GatewayError } from '../../errors.ts';
import { nearestMatch } from '../../config/suggest.ts';
import { commentedYaml, Remarked } from './commented-yaml.ts';
import { importAuthentication, type SecretText } from './coturn-authentication.ts';
import { CoturnFile, placeOf, type CoturnSetting } from './coturn-file.ts';
import { importListeners } from './coturn-listeners.ts';
import { MAPPED_OPTIONS, OTHER_OPTIONS } from './coturn-options.ts';
import { importPeers, type PeerChoice } from './coturn-peers.ts';
import { importRelay } from './coturn-relay.ts';
import { ImportNotes, type ImportNote } from './import-notes.ts';

/** How a coturn file is imported. */
export interface ImportOptions {
  /** Name to print in the head of the result. */
  readonly fileName: string;
  readonly peers: PeerChoice;
  readonly secretText: SecretText;
  /** Makes a secret that nobody knows. */
  readonly newSecret: () => string;
}

/** A configuration as YAML text, and what does not map. */
export interface ImportResult {
  readonly yaml: string;
  readonly notes: readonly ImportNote[];
}

const PROMETHEUS_PORT = '9641';

/**
 * Turns coturn's `turnserver.conf` into a configuration of the gateway.
 *
 * @throws GatewayError GW_ERR_USAGE when the text is no configuration file of coturn at all.
 */
export function importCoturn(text: string, options: ImportOptions): ImportResult {
  const file = new CoturnFile(text);
  refuseStrangeFile(file);
  const notes = new ImportNotes();
  noteOtherOptions(file, notes);
  const relay = importRelay(file, notes);
  const isStunOnly = file.flag('stun-only') !== undefined;
  const { clusters, routes } = isStunOnly
    ? { clusters: [], routes: [] }
    : importPeers(file, options.peers, notes);
  const { secretText } = options;
  const data = {
    version: 'v1',
    admin: adminSection(file),
    auth: importAuthentication(file, notes, secretText, options.newSecret),
    listeners: importListeners(file, { relay, routes, secretText }, notes),
    relay: relay.section,
    clusters,
    strict_channel_numbers: undefined,
    limits: limitsSection(file, notes),
  };
  return { yaml: commentedYaml(data, headOf(options.fileName)), notes: notes.all };
}

/** A file of which nothing is known is that of another program; one without settings is coturn's default. */
function refuseStrangeFile({ settings }: CoturnFile): void {
  if (settings.length === 0 || settings.some(isKnown)) return;
  const detail = 'nothing in it is an option of coturn; give its turnserver.conf';
  throw new GatewayError('GW_ERR_USAGE', detail);
}

function isKnown({ name }: CoturnSetting): boolean {
  return MAPPED_OPTIONS.has(name) || OTHER_OPTIONS.has(name);
}

/** Turned off, which needs nothing here; for nonces 0 means that they never end. */
function isOff({ name, value }: CoturnSetting): boolean {
  return name !== 'stale-nonce' && /^(?:0|no?|f|false|off)$/i.test(value);
}

function headOf(fileName: string): string[] {
  return [
    `Made from ${fileName} by turnpike config import.`,
    'Each remark names the line that a value comes from. Look at the clusters: nothing is relayed but to them.',
  ];
}

function adminSection(file: CoturnFile): object | undefined {
  const quota = limitOf(file, 'user-quota');
  const talkative = file.flag('Verbose');
  const metrics = metricsEndpoint(file);
  const section = {
    loglevel: talkative && new Remarked('all:DEBUG', placeOf(talkative)),
    metrics_endpoint: metrics,
    user_quota: quota,
  };
  return Object.values(section).some((value) => value !== undefined) ? section : undefined;
}

function metricsEndpoint(file: CoturnFile): Remarked | undefined {
  const setting = file.flag('prometheus');
  if (setting === undefined) return undefined;
  const host = parseIp(file.text('prometheus-address')?.value ?? '') ?? '';
  const port = /^\d{1,5}$/.exec(file.text('prometheus-port')?.value ?? '')?.[0] ?? PROMETHEUS_PORT;
  const [path = '/metrics'] = /^\/[\w/.-]*$/.exec(file.text('prometheus-path')?.value ?? '') ?? [];
  return new Remarked(
    formatHttpEndpoint({ host, port: Number(port), path }),
    `${placeOf(setting)}; the series have other names than coturn's`,
  );
}

function limitsSection(file: CoturnFile, notes: ImportNotes): object | undefined {
  const section = {
    allocations_max: limitOf(file, 'total-quota', 10_000_000),
    bytes_per_second_per_allocation: limitOf(file, 'max-bps', 2_000_000_000),
    unauthenticated_per_second_per_address: limitOf(file, 'unauthorized-ratelimit-rps'),
  };
  for (const name of ['total-quota', 'user-quota', 'max-bps', 'unauthorized-ratelimit-rps']) {
    const setting = file.text(name);
    if (setting !== undefined && !/^\d{1,18}$/.test(setting.value)) {
      notes.setting(setting, 'is no number; left out');
    }
  }
  return Object.values(section).some((value) => value !== undefined) ? section : undefined;
}

/** Undefined when the option is absent, unusable, or 0, which means none. */
function limitOf(file: CoturnFile, name: string, max = 1_000_000): Remarked | undefined {
  const setting = file.text(name);
  if (setting === undefined || !/^\d{1,18}$/.test(setting.value)) return undefined;
  const value = Math.min(Number(setting.value), max);
  return value === 0 ? undefined : new Remarked(value, placeOf(setting));
}

/** Names every option that means nothing to the gateway, once each. */
function noteOtherOptions(file: CoturnFile, notes: ImportNotes): void {
  const seen = new Set<string>();
  for (const setting of file.settings) {
    const { name } = setting;
    if (MAPPED_OPTIONS.has(name) || seen.has(name)) continue;
    seen.add(name);
    if (!OTHER_OPTIONS.has(name)) noteUnknown(setting, notes);
    else if (!isOff(setting)) noteKnown(setting, notes);
  }
}

function noteKnown(setting: CoturnSetting, notes: ImportNotes): void {
  const text = OTHER_OPTIONS.get(setting.name);
  if (text !== undefined) notes.setting(setting, text);
}

function noteUnknown(setting: CoturnSetting, notes: ImportNotes): void {
  const nearest = nearestMatch(setting.name, [...MAPPED_OPTIONS, ...OTHER_OPTIONS.keys()]);
  const guess = nearest === undefined ? '' : `; did you mean ${nearest}?`;
  notes.setting(setting, `is not an option of coturn that is known; left out${guess}`);
}
