import type { GatewayStatus, ListenerStatus, LiveMetrics } from '../../admin/gateway-control.ts';
import { byId, setText, type Tone } from './dom.ts';
import {
  formatAddress,
  formatAge,
  formatBitRate,
  formatBytes,
  formatCount,
  formatDate,
  formatNumberOf,
} from './format.ts';
import { KeyedTable, type Cell } from './keyed-table.ts';
import { sumOf } from './sum.ts';
import { TrafficChart } from './traffic-chart.ts';

const CERTIFICATE_WARNING_DAYS = 14;

/** How the gateway does at a glance: tiles, traffic, listeners, certificates. */
export class Overview {
  readonly #chart = new TrafficChart(byId('traffic', SVGSVGElement));
  readonly #listeners = new KeyedTable(
    byId('listeners', HTMLTableElement),
    'The configuration has no listeners, so nobody can connect.',
  );
  readonly #certificates = new KeyedTable(
    byId('certificates', HTMLTableElement),
    'No listener and no endpoint uses TLS here.',
  );
  #last: LiveMetrics | undefined;

  /** Shows the numbers of a moment; rates are against the moment before. */
  showMetrics(metrics: LiveMetrics): void {
    const last = this.#last;
    this.#last = metrics;
    tile('denials', formatCount(sumOf(metrics.denials)));
    tile('logins', formatCount(sumOf(metrics.authenticationFailures)));
    if (last === undefined) return;
    const seconds = (Date.parse(metrics.at) - Date.parse(last.at)) / 1000;
    if (seconds <= 0) return;
    const rate = (now: number, before: number): number => Math.max(0, now - before) / seconds;
    const fromClients = rate(metrics.receivedBytes, last.receivedBytes);
    const toClients = rate(metrics.sentBytes, last.sentBytes);
    const packets = (now: number, before: number): string =>
      `${formatCount(rate(now, before))} packets/s`;
    tile(
      'from-clients',
      formatBitRate(fromClients),
      packets(metrics.receivedPackets, last.receivedPackets),
    );
    tile('to-clients', formatBitRate(toClients), packets(metrics.sentPackets, last.sentPackets));
    const top = this.#chart.add({ fromClients, toClients }, seconds);
    setText(byId('traffic-top', HTMLElement), formatBitRate(top));
  }

  /** Shows listeners, certificates and what else changes slowly. */
  showStatus(status: GatewayStatus): void {
    const { allocations, workers, startedAt, version, mode } = status;
    tile('allocations', formatCount(allocations.active), `of ${formatCount(allocations.max)}`);
    const lag = Math.max(0, ...workers.map(({ lagMilliseconds }) => lagMilliseconds));
    tile('lag', `${formatCount(lag)} ms`, formatNumberOf(workers.length, 'worker'));
    const up = (Date.now() - Date.parse(startedAt)) / 1000;
    const about = `Version ${version}, ${mode} mode, up ${formatAge(up)}, ${portText(status)}.`;
    setText(byId('about', HTMLElement), about);
    this.#listeners.show(
      status.listeners.map((listener) => ({ key: listener.name, cells: listenerCells(listener) })),
    );
    this.#certificates.show(
      status.certificates.map(({ names, uses, kind, expires, daysLeft }, index) => ({
        // One use may have several, for names of their own.
        key: String(index),
        cells: [names.join(', '), uses.join(', '), kind, formatDate(expires), daysCell(daysLeft)],
      })),
    );
  }
}

function tile(name: string, value: string, note?: string): void {
  setText(byId(`tile-${name}`, HTMLElement), value);
  if (note !== undefined) setText(byId(`tile-${name}-note`, HTMLElement), note);
}

function listenerCells(listener: ListenerStatus): Cell[] {
  const { name, protocol, bind, port, publicAddress, publicPort, routes } = listener;
  return [
    name,
    protocol.toUpperCase(),
    formatAddress(bind ?? '*', port),
    publicAddress === undefined ? 'not set' : formatAddress(publicAddress, publicPort ?? port),
    routes.length === 0 ? { text: 'none', tone: 'warning' } : routes.join(', '),
    formatCount(listener.connections),
    formatBytes(listener.receivedBytes),
    formatBytes(listener.sentBytes),
  ];
}

function daysCell(daysLeft: number): { text: string; tone: Tone } {
  const days = Math.floor(daysLeft);
  if (days < 0) return { text: 'expired', tone: 'bad' };
  if (days < CERTIFICATE_WARNING_DAYS) return { text: `${days}, renew it`, tone: 'warning' };
  return { text: formatCount(days), tone: 'neutral' };
}

function portText({ relayPorts }: GatewayStatus): string {
  const used = relayPorts.map(
    ({ family, used: count, max }) =>
      `${formatCount(count)} of ${formatCount(max)} ${family.replace('ip', 'IP')} relay ports in use`,
  );
  return used.join(', ');
}
