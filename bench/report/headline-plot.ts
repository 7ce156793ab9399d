import { writeFile } from 'node:fs/promises';
import type { Report } from '../report-data.ts';
import { CHART_FONT, renderChart } from './chart.ts';
import { familiesBy } from './figure-families.ts';
import { lineChartOption } from './line-chart.ts';
import { plotCpuByLoad } from './load-plots.ts';
import { escapeText } from './markup.ts';
import { darkPlotRules, PLOT_TONES } from './palette.ts';

const TITLE = 'CPU that the server spends on each relayed packet, microseconds';
const ID = 'headline';
const MARGIN = 16;
const TITLE_HEIGHT = 30;
/** Pixels of the plot without title and margin. */
const PLOT = { width: 860, height: 320 } as const;
const FONT_SIZE = 13;
const GROUPS: readonly string[] = ['paced', 'saturated'];
const SERVERS = /^(?:turnpike|c|coturn|coturn-4\.17.*)$/;

/**
 * Writes the plot of the README, an SVG that follows the colour scheme of its reader: CPU per packet by load.
 *
 * Rejects with an Error when the report has no UDP cases of the usual load at several rates.
 */
export async function writeHeadlinePlot(report: Report, file: string): Promise<void> {
  await writeFile(file, formatHeadlinePlot(report));
}

/** The plot of the README as text; throws an Error when there is nothing to plot. */
export function formatHeadlinePlot(report: Report): string {
  const main = report.relay.filter(
    (figures) => GROUPS.includes(figures.case.group) && SERVERS.test(figures.server),
  );
  const family = familiesBy('packetsPerSecond', main)[0];
  const plot = family && plotCpuByLoad(report, family)[0];
  if (plot === undefined) throw new Error('the report has no paced cases at several rates');
  const { description } = plot;
  const option = lineChartOption({ ...plot, ...PLOT, fontSize: FONT_SIZE });
  return onCard(renderChart(option, { ...PLOT, id: ID, title: TITLE, description }));
}

/** Puts the plot on a surface of its own, so that it can be read whatever page it is put on. */
function onCard(plot: string): string {
  const width = PLOT.width + 2 * MARGIN;
  const height = PLOT.height + TITLE_HEIGHT + 2 * MARGIN;
  const { surface, grid, text } = PLOT_TONES;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<style>@media screen and (prefers-color-scheme: dark) {
${darkPlotRules('svg')}
}</style>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10"
 fill="${surface.light}" stroke="${grid.light}"/>
<text x="${MARGIN + 4}" y="${MARGIN + 15}" font-size="16" font-weight="600" font-family="${CHART_FONT}"
 fill="${text.light}">${escapeText(TITLE)}</text>
<g transform="translate(${MARGIN} ${MARGIN + TITLE_HEIGHT})">
${plot}
</g>
</svg>
`;
}
