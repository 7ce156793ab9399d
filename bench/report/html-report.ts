import { writeFile } from 'node:fs/promises';
import type { Report } from '../report-data.ts';
import { figureTables } from './figure-tables.ts';
import { goalsSection } from './goals-section.ts';
import { machineSection } from './machine-section.ts';
import { Markup, markup } from './markup.ts';
import { notesSection } from './notes-section.ts';
import { plotsSection } from './plots-section.ts';
import { STYLE } from './style.ts';

/** Writes a report as one HTML file that needs nothing else to be read. */
export async function writeHtmlReport(report: Report, file: string): Promise<void> {
  await writeFile(file, formatHtmlReport(report));
}

/** A report as an HTML page: goals with ratios first, then plots, machine, all figures and notes. */
export function formatHtmlReport(report: Report): string {
  const { startedAt, rounds, network, machine } = report;
  const day = startedAt.slice(0, 10);
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>Turnpike bench, ${day}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<header>
<h1>Turnpike bench</h1>
<p>${startedAt.slice(0, 16).replace('T', ' ')} UTC · ${machine.processor}, ${machine.processors} processors · kernel
${machine.kernel} · ${network} · ${rounds} ${rounds === 1 ? 'round' : 'rounds'}</p>
</header>
<main>
${goalsSection(report)}${plotsSection(report)}${machineSection(report)}${notesSection(report)}${figureTables(report)}
</main>
<footer><p>Made by <code>npm run bench</code>. Ratios vary with machine and kernel: run it on yours.</p></footer>
</body>
</html>
`.text;
}
