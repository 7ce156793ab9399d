import type { HighestRateFigures, MemoryFigures, Report } from '../report-data.ts';
import type { Bar } from './bar-chart.ts';
import { formatCount, formatKilobytes, formatRate } from './formats.ts';
import { describePanels, type LinePlot } from './line-plot.ts';
import type { Axis } from './line-chart.ts';
import { serverStyles } from './palette.ts';
import { serverLabel, serverNames } from './server-names.ts';

/** A plot of bars, one for each server, that has not been drawn yet. */
export interface BarPlot {
  readonly title: string;
  /** What the bars say, in words. */
  readonly description: string;
  readonly bars: readonly Bar[];
}

/** Highest rates, a plot for each load. */
export function highestRatePlots(report: Report): BarPlot[] {
  const { highestRates } = report;
  const names = new Set(highestRates.map((figures) => figures.case.name));
  return [...names].map((name) => {
    const figures = highestRates.filter((each) => each.case.name === name);
    const percent = figures[0]!.lossPercentMax;
    return barPlot(report, `${name}, at most ${percent} % lost`, figures, rateOf);
  });
}

/** What the largest number of allocations that was measured costs. */
export function allocationPlots(report: Report): BarPlot[] {
  const most = Math.max(...report.memory.map(({ allocations }) => allocations));
  const figures = report.memory.filter(({ allocations }) => allocations === most);
  if (figures.length === 0) return [];
  const count = formatCount(most);
  return [
    barPlot(report, `Memory per allocation, ${count} of them`, figures, memoryOf),
    barPlot(report, `Allocations per second, ${count} of them`, figures, allocationRateOf),
  ];
}

/** Resident memory by number of allocations; an empty list when there is only one number. */
export function memoryPlots(report: Report): LinePlot[] {
  const x: Axis = { name: 'allocations', scale: 'linear' };
  const y: Axis = { name: 'resident memory above idle, MB', scale: 'linear' };
  if (new Set(report.memory.map(({ allocations }) => allocations)).size < 2) return [];
  const names = serverNames(report);
  const styles = serverStyles(names);
  const lines = names
    .map((name) => ({
      label: serverLabel(report, name),
      style: styles.get(name)!,
      points: report.memory
        .filter(({ server }) => server === name)
        .map(({ allocations, grownMegabytes }) => ({
          x: allocations,
          y: Math.max(0, grownMegabytes),
          isHollow: false,
        }))
        .toSorted((one, other) => one.x - other.x),
    }))
    .filter(({ points }) => points.length > 0);
  const panels = [{ title: 'An allocation and a channel for each client', lines }];
  const title = 'Memory by number of allocations';
  return [{ title, description: describePanels(panels, x, y), panels, x, y }];
}

function barPlot<Figures extends { readonly server: string }>(
  report: Report,
  title: string,
  figures: readonly Figures[],
  barOf: (figures: Figures) => Pick<Bar, 'value' | 'text'>,
): BarPlot {
  const names = serverNames(report);
  const styles = serverStyles(names);
  const bars = names.flatMap((name) =>
    figures
      .filter(({ server }) => server === name)
      .map((each) => ({
        label: serverLabel(report, name),
        style: styles.get(name)!,
        ...barOf(each),
      })),
  );
  return {
    title,
    bars,
    description: bars.map(({ label, text }) => `${label}: ${text}`).join('; '),
  };
}

function rateOf({
  packetsPerSecond,
  isGeneratorLimit,
}: HighestRateFigures): Pick<Bar, 'value' | 'text'> {
  const prefix = isGeneratorLimit ? '≥ ' : '';
  return { value: packetsPerSecond, text: `${prefix}${formatRate(packetsPerSecond)}` };
}

function memoryOf({
  bytesPerAllocationWithChannel: bytes,
}: MemoryFigures): Pick<Bar, 'value' | 'text'> {
  return { value: Math.max(0, bytes), text: formatKilobytes(bytes) };
}

function allocationRateOf({ allocationsPerSecond }: MemoryFigures): Pick<Bar, 'value' | 'text'> {
  return { value: allocationsPerSecond, text: `${formatCount(allocationsPerSecond)}/s` };
}
