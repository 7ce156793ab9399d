import type { RelayFigures, Report } from '../report-data.ts';
import type { Axis, Line, Panel } from './line-chart.ts';
import { serverStyles } from './palette.ts';
import { serverLabel, serverNames } from './server-names.ts';

/** A plot of lines, one for each server, that has not been drawn yet. */
export interface LinePlot {
  readonly title: string;
  /** What the lines say, in words. */
  readonly description: string;
  readonly panels: readonly Panel[];
  readonly x: Axis;
  readonly y: Axis;
}

/** What to plot of some figures; undefined leaves a figure out. */
export interface LinePlotRequest {
  readonly title: string;
  readonly figures: readonly RelayFigures[];
  readonly x: Axis;
  readonly xOf: (figures: RelayFigures) => number;
  readonly y: Axis;
  readonly yOf: (figures: RelayFigures) => number | undefined;
}

const PANELS = { up: 'Up: clients to peer', down: 'Down: peer to clients' } as const;

/** Plots figures up and down side by side; an empty list when no line would have two points. */
export function plotBothWays(report: Report, request: LinePlotRequest): LinePlot[] {
  const { title, x, y } = request;
  const panels = (['up', 'down'] as const)
    .map((direction) => ({
      title: PANELS[direction],
      lines: linesOf(
        report,
        request,
        request.figures.filter((each) => each.case.direction === direction),
      ),
    }))
    .filter(({ lines }) => lines.some(({ points }) => points.length > 1));
  if (panels.length === 0) return [];
  return [{ title, description: describePanels(panels, x, y), panels, x, y }];
}

/** Says in words where each line begins and ends. */
export function describePanels(panels: readonly Panel[], x: Axis, y: Axis): string {
  const sentences = panels.map(({ title, lines }) => {
    const each = lines.map(({ label, points }) => {
      const first = points[0]!;
      const last = points.at(-1)!;
      const begin = `${label} ${number(first.y)} at ${number(first.x)}`;
      return first === last ? begin : `${begin}, ${number(last.y)} at ${number(last.x)}`;
    });
    return `${title}: ${each.join('; ')}.`;
  });
  return `${y.name} by ${x.name}. ${sentences.join(' ')}`;
}

function linesOf(
  report: Report,
  { xOf, yOf }: LinePlotRequest,
  figures: readonly RelayFigures[],
): Line[] {
  const names = serverNames(report);
  const styles = serverStyles(names);
  return names
    .map((name) => ({
      label: serverLabel(report, name),
      style: styles.get(name)!,
      points: figures
        .filter(({ server }) => server === name)
        .flatMap((each) => {
          const y = yOf(each);
          return y === undefined ? [] : [{ x: xOf(each), y, isHollow: each.isGeneratorLimit }];
        })
        .toSorted((a, b) => a.x - b.x),
    }))
    .filter(({ points }) => points.length > 0);
}

function number(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}
