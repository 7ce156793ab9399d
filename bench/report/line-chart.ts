import type { LineSeriesOption } from 'echarts/charts';
import type { ChartOption } from './chart.ts';
import { formatCount } from './formats.ts';
import { PLOT_TONES, type ServerStyle } from './palette.ts';

/** Plots side by side that share the vertical axis and the legend. */
export interface LineChartSpec {
  readonly x: Axis;
  readonly y: Axis;
  readonly panels: readonly Panel[];
  readonly width: number;
  readonly height: number;
  /** Points of the text. */
  readonly fontSize: number;
}

/** What figures are drawn along. */
export interface Axis {
  readonly name: string;
  /** A `category` has the values that occur at even distances. */
  readonly scale: 'linear' | 'logarithmic' | 'category';
}

/** One of the plots. */
export interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
}

/** Points of one server. */
export interface Line {
  readonly label: string;
  readonly style: ServerStyle;
  readonly points: readonly Point[];
}

/** One figure. */
export interface Point {
  readonly x: number;
  readonly y: number;
  /** Drawn without a filling: the generator was the limit. */
  readonly isHollow: boolean;
}

const LEFT = 48;
const RIGHT = 24;
const BETWEEN = 36;
const BELOW = 46;
const LEGEND_ROW = 22;
/** Width of a legend entry without its text. */
const LEGEND_ICON = 45;
/** About so many lines behind a plot. */
const STEPS = 5;

/** Of both axes; the types of ECharts tell axes apart by scale, which is chosen here. */
interface AxisOption {
  readonly axisLabel?: object;
  readonly [property: string]: unknown;
}

/** Lays the plots out below their legend. */
export function lineChartOption(spec: LineChartSpec): ChartOption {
  const { panels, width, fontSize } = spec;
  const top = legendHeight(spec) + 2.6 * fontSize;
  const panelWidth = (width - LEFT - RIGHT - BETWEEN * (panels.length - 1)) / panels.length;
  const left = (index: number): number => LEFT + index * (panelWidth + BETWEEN);
  return {
    legend: {
      top: 0,
      left: LEFT - 6,
      right: RIGHT,
      itemGap: 14,
      itemWidth: 26,
      itemHeight: 9,
      padding: 2,
      textStyle: { color: PLOT_TONES.text.light, fontSize },
    },
    title: panels.map(({ title }, index) => ({
      text: title,
      left: left(index) - 5,
      top: top - 2.3 * fontSize,
      textStyle: { fontSize, fontWeight: 600, color: PLOT_TONES.text.light },
    })),
    grid: panels.map((_, index) => ({
      left: left(index),
      top,
      width: panelWidth,
      bottom: BELOW,
      outerBoundsMode: 'none',
    })),
    xAxis: panels.map((_, index) => xAxis(spec, index)),
    yAxis: panels.map((_, index) => yAxis(spec, index)),
    series: panels.flatMap(({ lines }, index) => lines.map((line) => series(spec, line, index))),
  };
}

function xAxis({ x, panels, fontSize }: LineChartSpec, gridIndex: number): AxisOption {
  return {
    ...axis(x, valuesOf(panels, 'x'), fontSize),
    gridIndex,
    name: x.name,
    nameLocation: 'middle',
    nameGap: 1.9 * fontSize,
    splitLine: { show: false },
  };
}

/** What it shows is said beside the title of the plot, once for all panels. */
function yAxis({ y, panels, fontSize }: LineChartSpec, gridIndex: number): AxisOption {
  const shared = axis(y, valuesOf(panels, 'y'), fontSize);
  return {
    ...shared,
    gridIndex,
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { ...shared.axisLabel, show: gridIndex === 0 },
  };
}

function axis({ scale }: Axis, values: readonly number[], fontSize: number): AxisOption {
  return {
    ...extent(scale, values),
    nameTextStyle: { color: PLOT_TONES.muted.light, fontSize: fontSize - 1 },
    axisLabel: {
      color: PLOT_TONES.muted.light,
      fontSize: fontSize - 1,
      ...(scale === 'category' ? { interval: 0 } : {}),
    },
    axisLine: { onZero: false, lineStyle: { color: PLOT_TONES.axis.light } },
    axisTick: { lineStyle: { color: PLOT_TONES.axis.light } },
    splitLine: { lineStyle: { color: PLOT_TONES.grid.light } },
  };
}

function extent(scale: Axis['scale'], values: readonly number[]): object {
  if (scale === 'category') {
    return { type: 'category', data: categories(values).map((value) => formatCount(value)) };
  }
  if (scale === 'logarithmic') return { type: 'log', ...decades(values) };
  return { type: 'value', min: 0, ...roundSteps(Math.max(...values)) };
}

function series({ x, panels }: LineChartSpec, line: Line, index: number): LineSeriesOption {
  const { label, style, points } = line;
  const all = categories(valuesOf(panels, 'x'));
  return {
    type: 'line',
    name: label,
    xAxisIndex: index,
    yAxisIndex: index,
    color: style.tone.light,
    symbol: style.symbol,
    symbolSize: 7,
    lineStyle: { type: style.line, width: style.isOurs ? 3 : 1.75 },
    z: style.isOurs ? 4 : 3,
    silent: true,
    data: points.map(({ x: along, y, isHollow }) => ({
      value: [x.scale === 'category' ? all.indexOf(along) : along, y],
      itemStyle: isHollow ? hollow(style) : {},
    })),
  };
}

function hollow({ tone }: ServerStyle): {
  color: string;
  borderColor: string;
  borderWidth: number;
} {
  return { color: PLOT_TONES.surface.light, borderColor: tone.light, borderWidth: 1.75 };
}

function categories(values: readonly number[]): number[] {
  return [...new Set(values)].toSorted((a, b) => a - b);
}

function valuesOf(panels: readonly Panel[], property: 'x' | 'y'): number[] {
  return panels.flatMap(({ lines }) =>
    lines.flatMap(({ points }) => points.map((point) => point[property])),
  );
}

function decades(values: readonly number[]): { min: number; max: number } {
  return {
    min: 10 ** Math.floor(Math.log10(Math.min(...values))),
    max: 10 ** Math.ceil(Math.log10(Math.max(...values))),
  };
}

/** Ends the axis at a round number, so that panels with the same figures have the same lines. */
function roundSteps(end: number): { max: number; interval: number } {
  if (!(end > 0)) return { max: 1, interval: 0.5 };
  const power = 10 ** Math.floor(Math.log10(end / STEPS));
  const interval = power * [1, 2, 5, 10].find((factor) => (factor * power * STEPS) / end >= 0.8)!;
  return { max: Number((Math.ceil(end / interval) * interval).toPrecision(12)), interval };
}

/** The room that ECharts needs for the legend, from the width of letters. */
function legendHeight({ panels, width, fontSize }: LineChartSpec): number {
  const labels = new Set(panels.flatMap(({ lines }) => lines.map(({ label }) => label)));
  const room = width - LEFT - RIGHT;
  let rows = 1;
  let used = 0;
  for (const label of labels) {
    const needed = LEGEND_ICON + label.length * fontSize * 0.58;
    if (used > 0 && used + needed > room) {
      rows++;
      used = 0;
    }
    used += needed;
  }
  return rows * LEGEND_ROW;
}
