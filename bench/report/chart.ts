import { BarChart, type BarSeriesOption, LineChart, type LineSeriesOption } from 'echarts/charts';
import {
  GridComponent,
  type GridComponentOption,
  LegendComponent,
  type LegendComponentOption,
  TitleComponent,
  type TitleComponentOption,
} from 'echarts/components';
import { type ComposeOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { escapeText } from './markup.ts';
import { PLOT_TONES } from './palette.ts';

use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** What a plot consists of, in the terms of ECharts. */
export type ChartOption = ComposeOption<
  | BarSeriesOption
  | LineSeriesOption
  | GridComponentOption
  | LegendComponentOption
  | TitleComponentOption
>;

/** How a plot is put into a page. */
export interface ChartFrame {
  /** Unique within the page. */
  readonly id: string;
  readonly title: string;
  /** What the plot shows, for those who cannot see it. */
  readonly description: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

/** Fonts of the reader's system. */
export const CHART_FONT =
  "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
/** What the renderer adds for scripts and pointers, and boxes that are not to be seen. */
const LEFTOVERS = [
  / (?:class|pointer-events|ecmeta_\w+)="[^"]*"/g,
  /<style[^]*?<\/style>/g,
  /<path [^>]*fill-opacity="0" [^>]*stroke-width="0"[^>]*><\/path>\n/g,
];

/** Draws a plot as an SVG element with title and description, in the colours of light pages. */
export function renderChart(option: ChartOption, frame: ChartFrame): string {
  const { width, height } = frame;
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({
      animation: false,
      textStyle: { fontFamily: CHART_FONT, color: PLOT_TONES.text.light },
      ...option,
    });
    return adapt(chart.renderToSVGString(), frame);
  } finally {
    chart.dispose();
  }
}

function adapt(svg: string, { id, title, description, width, height }: ChartFrame): string {
  const body = LEFTOVERS.reduce((text, leftover) => text.replaceAll(leftover, ''), svg)
    .replace(/^<svg[^>]*>/, '')
    .replaceAll(/(id="|url\(#)zr\d+-/g, `$1${id}-`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"`,
    ` viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-desc">\n`,
    `<title id="${id}-title">${escapeText(title)}</title>\n`,
    `<desc id="${id}-desc">${escapeText(description)}</desc>\n`,
    body.trimStart(),
  ].join('');
}
