import type { ChartOption } from './chart.ts';
import { PLOT_TONES, type ServerStyle } from './palette.ts';

/** A bar for each server with its name and figure, so that it needs no legend. */
export interface BarChartSpec {
  readonly bars: readonly Bar[];
  readonly fontSize: number;
}

/** The bar of one server. */
export interface Bar {
  readonly label: string;
  readonly style: ServerStyle;
  readonly value: number;
  /** What is written at its end. */
  readonly text: string;
}

const BAR_PIXELS = 17;
const ROW_PIXELS = 27;
/** Width of a wide letter as a share of the size of the font. */
const LETTER = 0.66;

/** Height that bars need, pixels. */
export function barChartHeight(bars: number): number {
  return bars * ROW_PIXELS + 8;
}

/** Lays bars out from the top in their order. */
export function barChartOption({ bars, fontSize }: BarChartSpec): ChartOption {
  const longest = Math.max(...bars.map(({ label }) => label.length));
  const longestText = Math.max(...bars.map(({ text }) => text.length));
  return {
    grid: {
      left: longest * fontSize * LETTER + 14,
      right: longestText * fontSize * LETTER + 14,
      top: 4,
      bottom: 4,
      outerBoundsMode: 'none',
    },
    xAxis: { type: 'value', show: false, min: 0, max: 'dataMax' },
    yAxis: {
      type: 'category',
      inverse: true,
      data: bars.map(({ label }) => label),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: PLOT_TONES.axis.light } },
      axisLabel: { color: PLOT_TONES.text.light, fontSize, interval: 0 },
    },
    series: [
      {
        type: 'bar',
        barWidth: BAR_PIXELS,
        silent: true,
        label: {
          show: true,
          position: 'right',
          color: PLOT_TONES.text.light,
          fontSize,
          formatter: ({ dataIndex }) => bars[dataIndex]!.text,
        },
        data: bars.map(({ value, style }) => ({
          value,
          itemStyle: { color: style.tone.light, borderRadius: [0, 3, 3, 0] },
        })),
      },
    ],
  };
}
