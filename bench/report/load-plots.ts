import type { RelayFigures, Report } from '../report-data.ts';
import { describeFamily, familiesBy, type Family, type Variable } from './figure-families.ts';
import type { Axis } from './line-chart.ts';
import { type LinePlot, plotBothWays } from './line-plot.ts';

/** CPU per packet, the vertical axis of most plots. */
const CPU: Axis = { name: 'CPU, µs per packet', scale: 'linear' };
const RECEIVED: Axis = { name: 'thousand packets relayed per second', scale: 'linear' };
const SENT: Axis = { name: 'thousand packets sent per second', scale: 'linear' };
const PERCENTILES = { p50: 'p50', p99: 'p99', p999: 'p99.9' } as const;
const SIZES: Readonly<Record<Exclude<Variable, 'packetsPerSecond'>, string>> = {
  clients: 'flows',
  payloadBytes: 'bytes of data',
  allocations: 'allocations',
  routes: 'route endpoints',
  workers: 'workers',
};

/** CPU per packet received, by load. */
export function cpuPlots(report: Report): LinePlot[] {
  return byLoad(report.relay).flatMap((family) => plotCpuByLoad(report, family));
}

/** CPU per packet received by load for one family of cases; an empty list when there is nothing to draw. */
export function plotCpuByLoad(report: Report, family: Family): LinePlot[] {
  return plotBothWays(report, {
    title: describeFamily('packetsPerSecond', family),
    figures: family.figures,
    x: RECEIVED,
    xOf: (each) => each.receivedPerSecond / 1000,
    y: CPU,
    yOf: (each) => each.cpuMicrosecondsPerPacket,
  });
}

/** Percentiles of the latency that servers add to the direct way, by load. */
export function latencyPlots(report: Report): LinePlot[] {
  return byLoad(report.relay).flatMap((family) =>
    (['p50', 'p99', 'p999'] as const).flatMap((percentile) =>
      plotBothWays(report, {
        title: `${PERCENTILES[percentile]}: ${describeFamily('packetsPerSecond', family)}`,
        figures: family.figures,
        x: SENT,
        xOf: thousandsSent,
        y: { name: 'added latency, µs', scale: 'logarithmic' },
        yOf: (each) => positive(each.addedLatency?.[percentile]),
      }),
    ),
  );
}

/** Datagrams lost, by load. */
export function lossPlots(report: Report): LinePlot[] {
  const datagrams = report.relay.filter((each) => each.case.transport === 'udp');
  return byLoad(datagrams).flatMap((family) =>
    plotBothWays(report, {
      title: describeFamily('packetsPerSecond', family),
      figures: family.figures,
      x: SENT,
      xOf: thousandsSent,
      y: { name: 'loss, percent', scale: 'linear' },
      yOf: (each) => each.lossPercent,
    }),
  );
}

/** CPU per packet by whatever else makes a load of datagrams large. */
export function scalePlots(report: Report): LinePlot[] {
  const datagrams = report.relay.filter((each) => each.case.transport === 'udp');
  return (Object.keys(SIZES) as (keyof typeof SIZES)[]).flatMap((variable) =>
    familiesBy(variable, datagrams).flatMap((family) =>
      plotBothWays(report, {
        title: `By ${SIZES[variable]}: ${describeFamily(variable, family)}`,
        figures: family.figures,
        x: { name: SIZES[variable], scale: 'category' },
        xOf: (each) => each.case[variable],
        y: CPU,
        yOf: (each) => each.cpuMicrosecondsPerPacket,
      }),
    ),
  );
}

function byLoad(figures: readonly RelayFigures[]): Family[] {
  return familiesBy('packetsPerSecond', figures);
}

function thousandsSent({ receivedPerSecond, lossPercent }: RelayFigures): number {
  return receivedPerSecond / (1 - lossPercent / 100) / 1000;
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}
