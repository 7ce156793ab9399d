import type { Percentiles } from '../load/protocol.ts';
import type { MemoryFigures, RelayFigures, Report } from '../report-data.ts';
import { formatCount } from './formats.ts';
import { markup, type Content, type Markup } from './markup.ts';
import { OURS, serverLabel, serverNames } from './server-names.ts';

/** What a column shows of a row; an empty text where there is nothing. */
interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
}

const NOTHING = '–';

/** All figures of a report as tables. */
export function figureTables(report: Report): Markup {
  const groups = [...new Set(report.relay.map((figures) => figures.case.group))];
  return markup`<section id="figures" aria-labelledby="figures-title">
<h2 id="figures-title">All figures</h2>
<p>Medians over the rounds. Multiples compare servers within one round; the median of these is shown.</p>
${groups.map((group) => relayTable(report, group))}${directTable(report)}${highestRateTable(report)}
${memoryTable(report)}${garbageTable(report)}</section>
`;
}

function relayTable(report: Report, group: string): Markup {
  const rows = report.relay.filter((figures) => figures.case.group === group);
  return table(`Relay, ${group}`, 'Load', 'Server', rows, relayColumns(report), (row) => [
    row.case.name,
    serverLabel(report, row.server),
  ]);
}

function relayColumns(report: Report): Column<RelayFigures>[] {
  return [
    { title: 'received/s', text: (row) => formatCount(row.receivedPerSecond) },
    { title: 'loss, %', text: (row) => row.lossPercent.toFixed(3) },
    { title: 'CPU, µs/packet', text: (row) => row.cpuMicrosecondsPerPacket.toFixed(2) },
    ...ratioColumns<RelayFigures>(report, 'CPU', (row) => row.cpuRatios),
    { title: 'user, %', text: (row) => row.userPercent.toFixed(1) },
    { title: 'user, µs/packet', text: (row) => row.userMicrosecondsPerPacket.toFixed(2) },
    { title: 'latency p50 / p99 / p99.9, µs', text: (row) => percentiles(row.latency) },
    { title: 'added p50 / p99 / p99.9, µs', text: (row) => percentiles(row.addedLatency) },
    { title: 'reordered', text: (row) => formatCount(row.reordered) },
    { title: 'server busy, %', text: (row) => formatCount(row.serverPercent) },
    { title: 'generator busy, %', text: (row) => formatCount(row.generatorPercent) },
    { title: 'sent late p50 / p99 / p99.9, µs', text: (row) => percentiles(row.generatorLateness) },
  ];
}

function directTable({ direct }: Report): Markup {
  return table(
    'Latency without a server',
    'Load',
    'Between',
    direct,
    [
      { title: 'p50, µs', text: ({ latency }) => latency.p50.toFixed(1) },
      { title: 'p99, µs', text: ({ latency }) => latency.p99.toFixed(1) },
      { title: 'p99.9, µs', text: ({ latency }) => latency.p999.toFixed(1) },
    ],
    (row) => [row.case.name, 'clients and peer'],
  );
}

function highestRateTable(report: Report): Markup {
  return table(
    'Highest rates',
    'Load',
    'Server',
    report.highestRates,
    [
      { title: 'packets/s', text: (row) => formatCount(row.packetsPerSecond) },
      ...ratioColumns<Report['highestRates'][number]>(report, 'rate', (row) => row.rateRatios),
      { title: 'loss allowed, %', text: (row) => String(row.lossPercentMax) },
      { title: 'limit', text: (row) => (row.isGeneratorLimit ? 'generator' : 'server') },
    ],
    (row) => [row.case.name, serverLabel(report, row.server)],
  );
}

function memoryTable(report: Report): Markup {
  return table(
    'Allocations',
    'Allocations',
    'Server',
    report.memory.toSorted((a, b) => a.allocations - b.allocations),
    [
      { title: 'idle, MB', text: (row) => row.idleMegabytes.toFixed(1) },
      { title: 'grown, MB', text: (row) => row.grownMegabytes.toFixed(1) },
      { title: 'B/allocation', text: (row) => formatCount(row.bytesPerAllocation) },
      { title: 'with channel', text: (row) => formatCount(row.bytesPerAllocationWithChannel) },
      ...ratioColumns<MemoryFigures>(report, 'memory', (row) => row.memoryRatios),
      { title: 'allocations/s', text: (row) => formatCount(row.allocationsPerSecond) },
      ...ratioColumns<MemoryFigures>(report, 'rate', (row) => row.allocationRateRatios),
      { title: 'CPU, µs each', text: (row) => row.cpuMicrosecondsPerAllocation.toFixed(1) },
      { title: 'retransmissions', text: (row) => formatCount(row.retransmissions) },
      { title: 'generator busy, %', text: (row) => formatCount(row.generatorPercent) },
    ],
    (row) => [formatCount(row.allocations), serverLabel(report, row.server)],
  );
}

function garbageTable(report: Report): Markup {
  return table(
    'Garbage of the packet path',
    'Direction',
    'Server',
    report.garbage,
    [
      { title: 'packets', text: (row) => formatCount(row.packets) },
      { title: 'collections', text: (row) => formatCount(row.collections) },
      { title: 'heap at most, B/packet', text: (row) => row.bytesPerPacketMax.toFixed(2) },
    ],
    (row) => [row.direction, serverLabel(report, OURS)],
  );
}

/** A column for each peer that something is a multiple of. */
function ratioColumns<Row>(
  report: Report,
  what: string,
  ratios: (row: Row) => Readonly<Record<string, number>>,
): Column<Row>[] {
  const peers = serverNames(report).filter((name) => name !== OURS);
  return peers.map((name) => ({
    title: `${what} / ${serverLabel(report, name)}`,
    text: (row) => ratios(row)[name]?.toFixed(2) ?? '',
  }));
}

/** A table, or nothing without rows; columns in which nothing stands are left out. */
function table<Row>(
  caption: string,
  groupTitle: string,
  rowTitle: string,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  headsOf: (row: Row) => readonly [group: string, row: string],
): Markup {
  if (rows.length === 0) return markup``;
  const filled = columns.filter(({ text }) => rows.some((row) => text(row) !== ''));
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const [group] = headsOf(row);
    groups.set(group, [...(groups.get(group) ?? []), row]);
  }
  const heads = filled.map(({ title }) => markup`<th scope="col">${title}</th>`);
  const bodies = [...groups].map(([group, members]) => {
    const lines = members.map((row, index) => {
      const [, name] = headsOf(row);
      const cells = filled.map(({ text }) => markup`<td>${text(row) || NOTHING}</td>`);
      return markup`<tr>${index === 0 ? groupHead(group, members.length) : ''}<th scope="row">${name}</th>${cells}</tr>
`;
    });
    return markup`<tbody>${lines}</tbody>`;
  });
  return scrolling(
    caption,
    markup`<table class="figures"><caption>${caption}</caption>
<thead><tr><th scope="col">${groupTitle}</th><th scope="col">${rowTitle}</th>${heads}</tr></thead>
${bodies}
</table>`,
  );
}

function groupHead(group: string, rows: number): Markup {
  return markup`<th scope="rowgroup" rowspan="${rows}">${group}</th>`;
}

/** Wide content that scrolls on its own, by keyboard as well. */
function scrolling(label: string, content: Content): Markup {
  return markup`<div class="scroll" role="region" aria-label="${label}" tabindex="0">${content}</div>
`;
}

function percentiles(values: Percentiles | null): string {
  if (values === null) return '';
  return [values.p50, values.p99, values.p999].map((value) => value.toFixed(0)).join(' / ');
}
