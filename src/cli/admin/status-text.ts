import { formatHostPort } from '../../config/host-ports.ts';
import type {
  CertificateSummary,
  GatewayStatus,
  ListenerStatus,
} from '../../http/admin/gateway-control.ts';
import { CERTIFICATE_WARNING_DAYS } from '../../limits.ts';
import type { Colours } from '../terminal/colours.ts';
import { formatColumns, type Column } from '../terminal/columns.ts';
import { printableLine } from '../terminal/printable.ts';
import { formatAge, formatBytes, formatCount } from '../terminal/units.ts';

const LAG_WARNING_MILLISECONDS = 250;

const LISTENERS: readonly Column<ListenerStatus>[] = [
  { title: 'LISTENER', value: ({ name }) => name },
  { title: 'PROTOCOL', value: ({ protocol }) => protocol },
  { title: 'ADDRESS', value: ({ bind, port }) => formatHostPort({ host: bind ?? '*', port }) },
  { title: 'PUBLIC', value: publicText },
  { title: 'CONNECTIONS', value: ({ connections }) => formatCount(connections), isRight: true },
  { title: 'RECEIVED', value: ({ receivedBytes }) => formatBytes(receivedBytes), isRight: true },
  { title: 'SENT', value: ({ sentBytes }) => formatBytes(sentBytes), isRight: true },
  { title: 'ROUTES', value: ({ routes }) => routes.join(' ') },
];

const CLUSTERS: readonly Column<GatewayStatus['clusters'][number]>[] = [
  { title: 'CLUSTER', value: ({ name }) => name },
  { title: 'TYPE', value: ({ type }) => type },
  { title: 'PROTOCOL', value: ({ protocol }) => protocol },
  { title: 'ENDPOINTS', value: ({ endpoints }) => shortList(endpoints) },
];

const CERTIFICATES: readonly Column<CertificateSummary>[] = [
  { title: 'CERTIFICATE', value: ({ names }) => shortList(names) },
  { title: 'KIND', value: ({ kind }) => kind },
  { title: 'EXPIRES', value: ({ expires }) => expires },
  {
    title: 'DAYS LEFT',
    value: ({ daysLeft }) => formatCount(Math.floor(daysLeft)),
    isRight: true,
    colour: ({ daysLeft }, colours) =>
      daysLeft < 0 ? colours.bad : daysLeft < CERTIFICATE_WARNING_DAYS ? colours.warning : asIs,
  },
  { title: 'USED BY', value: ({ uses }) => shortList(uses) },
];

const REVOCATIONS: readonly Column<GatewayStatus['revocations'][number]>[] = [
  { title: 'REVOKED USER', value: ({ userId }) => userId },
  { title: 'UNTIL', value: ({ until }) => until },
];

/** Tells people how a gateway does. */
export function statusText(status: GatewayStatus, colours: Colours, now = Date.now()): string {
  const tables = [
    formatColumns(status.listeners, LISTENERS, colours),
    formatColumns(status.clusters, CLUSTERS, colours),
    status.certificates.length > 0 && formatColumns(status.certificates, CERTIFICATES, colours),
    status.revocations.length > 0 && formatColumns(status.revocations, REVOCATIONS, colours),
  ];
  return [headText(status, colours, now), ...tables.filter((table) => table !== false)].join('\n');
}

function headText(status: GatewayStatus, colours: Colours, now: number): string {
  const upSeconds = (now - Date.parse(status.startedAt)) / 1000;
  const lag = Math.max(0, ...status.workers.map(({ lagMilliseconds }) => lagMilliseconds));
  const restarts = status.workers.reduce((sum, worker) => sum + worker.restarts, 0);
  const lagText = `slowest loop ${formatCount(lag)} ms`;
  const rows: [string, string][] = [
    ['gateway', `${printableLine(status.name)}, version ${printableLine(status.version)}`],
    ['state', stateText(status, colours)],
    ['up', `${formatAge(upSeconds)}, since ${status.startedAt}`],
    ['allocations', shareText(status.allocations)],
    ...status.relayPorts.map((ports, index): [string, string] => [
      index === 0 ? 'relay ports' : '',
      `${printableLine(ports.family.replace('ip', 'IP'))} ${shareText({ active: ports.used, max: ports.max })}`,
    ]),
    [
      'workers',
      `${status.workers.length} (${status.mode}), ${
        lag > LAG_WARNING_MILLISECONDS ? colours.warning(lagText) : lagText
      }, ${restarts} restarted`,
    ],
    ['last reload', lastReloadText(status, colours)],
    ...pendingText(status, colours),
  ];
  return rows.map(([key, value]) => `${colours.bold(key.padEnd(11))}  ${value}\n`).join('');
}

function stateText(status: GatewayStatus, colours: Colours): string {
  const state =
    status.state === 'running' ? colours.good('running') : colours.warning(status.state);
  const alive = status.isAlive ? '' : `, ${colours.bad('not alive')}`;
  const reason = printableLine(status.notReadyReason ?? '');
  const ready = status.isReady
    ? 'ready'
    : colours.warning(reason === '' ? 'not ready' : `not ready: ${reason}`);
  return `${state}, ${ready}${alive}`;
}

function shareText({ active, max }: { readonly active: number; readonly max: number }): string {
  const share = max === 0 ? 0 : Math.round((100 * active) / max);
  return `${formatCount(active)} of ${formatCount(max)} (${share} %)`;
}

function pendingText({ lastReload }: GatewayStatus, colours: Colours): [string, string][] {
  const kept = lastReload?.kept ?? [];
  if (kept.length === 0) return [];
  return [['restart', colours.warning(`needed for ${printableLine(shortList(kept, 8))}`)]];
}

function lastReloadText({ lastReload }: GatewayStatus, colours: Colours): string {
  if (lastReload === undefined) return 'none';
  const { outcome, at, changes } = lastReload;
  if (outcome === 'failed') return `${colours.bad('failed')} at ${at}, everything is as before`;
  return `${outcome} at ${at}, ${changes.length} ${changes.length === 1 ? 'change' : 'changes'}`;
}

function publicText({ publicAddress, publicPort, port }: ListenerStatus): string {
  return publicAddress === undefined
    ? ''
    : formatHostPort({ host: publicAddress, port: publicPort ?? port });
}

function shortList(items: readonly string[], max = 4): string {
  const more = items.length - max;
  return more > 0 ? `${items.slice(0, max).join(' ')} … ${more} more` : items.join(' ');
}

function asIs(text: string): string {
  return text;
}
