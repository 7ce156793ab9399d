import type { Report } from '../report-data.ts';
import { barChartHeight, barChartOption } from './bar-chart.ts';
import { allocationPlots, type BarPlot, highestRatePlots, memoryPlots } from './bar-plots.ts';
import { renderChart } from './chart.ts';
import { lineChartOption } from './line-chart.ts';
import type { LinePlot } from './line-plot.ts';
import { cpuPlots, latencyPlots, lossPlots, scalePlots } from './load-plots.ts';
import { Markup, markup } from './markup.ts';

interface Chapter {
  readonly title: string;
  readonly plots: readonly (LinePlot | BarPlot)[];
}

const WIDTH = 600;
const LINES_HEIGHT = 290;
const FONT_SIZE = 12;

/** All plots of a report. */
export function plotsSection(report: Report): Markup {
  const chapters: readonly Chapter[] = [
    { title: 'CPU per packet by load', plots: cpuPlots(report) },
    { title: 'Latency by load', plots: latencyPlots(report) },
    { title: 'Loss by load', plots: lossPlots(report) },
    { title: 'Highest rate', plots: highestRatePlots(report) },
    { title: 'Allocations', plots: [...allocationPlots(report), ...memoryPlots(report)] },
    { title: 'CPU per packet as the load grows', plots: scalePlots(report) },
  ];
  const drawn = chapters.filter(({ plots }) => plots.length > 0);
  if (drawn.length === 0) return markup``;
  return markup`<section id="plots" aria-labelledby="plots-title">
<h2 id="plots-title">Plots</h2>
<p>A hollow point, or ≥ before a rate, says that the generator was the limit, not the server.</p>
${drawn.map(chapter)}</section>
`;
}

function chapter({ title, plots }: Chapter, chapterIndex: number): Markup {
  const figures = plots.map((plot, index) => figure(plot, `plot-${chapterIndex}-${index}`));
  return markup`<h3>${title}</h3>
<div class="plots">
${figures}</div>
`;
}

function figure(plot: LinePlot | BarPlot, id: string): Markup {
  const svg = new Markup(draw(plot, id));
  const unit = 'panels' in plot ? markup` <span>${plot.y.name}</span>` : '';
  return markup`<figure class="plot"><figcaption>${plot.title}${unit}</figcaption>${svg}</figure>
`;
}

function draw(plot: LinePlot | BarPlot, id: string): string {
  const { title, description } = plot;
  const frame = { id, title, description, width: WIDTH };
  if ('bars' in plot) {
    const height = barChartHeight(plot.bars.length);
    return renderChart(barChartOption({ ...plot, fontSize: FONT_SIZE }), { ...frame, height });
  }
  const spec = { ...plot, width: WIDTH, height: LINES_HEIGHT, fontSize: FONT_SIZE };
  return renderChart(lineChartOption(spec), { ...frame, height: LINES_HEIGHT });
}
