import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import type { Report } from '../report-data.ts';
import { writeHeadlinePlot } from './headline-plot.ts';
import { writeHtmlReport } from './html-report.ts';

const USAGE = 'usage: render.js REPORT.json [--html FILE] [--plot FILE]';

const { values, positionals } = parseArgs({
  options: { html: { type: 'string' }, plot: { type: 'string' } },
  allowPositionals: true,
});
const [input] = positionals;
if (input === undefined || positionals.length > 1) throw new Error(USAGE);

const report = await readReport(input);
if (values.html !== undefined) {
  await makeFolder(values.html);
  await writeHtmlReport(report, values.html);
}
if (values.plot !== undefined) {
  await makeFolder(values.plot);
  await writeHeadlinePlot(report, values.plot);
}

/** Reports of earlier versions of the bench have other properties. */
async function readReport(file: string): Promise<Report> {
  const parsed = JSON.parse(await readFile(file, 'utf8')) as Partial<Report>;
  if (parsed.network === undefined || parsed.highestRates === undefined) {
    throw new Error(`${file} is no report of this version of the bench`);
  }
  return parsed as Report;
}

async function makeFolder(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
}
