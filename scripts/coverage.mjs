import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { ROOT } from './prepare.mjs';

const SUMMARY_FILE = join(ROOT, '.tap/report/coverage-summary.json');
const STATEMENTS_PERCENT_MIN = 90;
/**
 * These run in workers of the end-to-end tests, which may end before they have reported what they covered, and in
 * browsers, which report nothing.
 */
const NOT_COUNTED = ['src/net/', 'src/sys/', 'src/http/console/pages/'];
const WORST_SHOWN = 5;

/**
 * Compares the coverage that tap has collected with the minimum.
 *
 * @returns whether it suffices, and the lines that report it.
 */
export function checkCoverage() {
  const summary = readSummary();
  const files = sourceFiles().map((file) => ({ file, ...coverageOf(file, summary) }));
  const total = sum(files.map((file) => file.total));
  const covered = sum(files.map((file) => file.covered));
  const ok = covered * 100 >= total * STATEMENTS_PERCENT_MIN;
  const lines = [`${percent(covered, total)} of statements (minimum ${STATEMENTS_PERCENT_MIN} %)`];
  return { ok, lines: ok ? lines : [...lines, ...worst(files)] };
}

function worst(files) {
  return files
    .filter(({ total, covered }) => covered < total)
    .toSorted((a, b) => b.total - b.covered - (a.total - a.covered))
    .slice(0, WORST_SHOWN)
    .map(({ file, total, covered }) => `  ${file}  ${percent(covered, total)}`);
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

function percent(covered, total) {
  return `${total === 0 ? 100 : Math.floor((covered * 1000) / total) / 10} %`;
}

function sourceFiles() {
  return readdirSync(join(ROOT, 'src'), { recursive: true })
    .map((name) => `src/${name}`)
    .filter(
      (file) => file.endsWith('.ts') && !NOT_COUNTED.some((folder) => file.startsWith(folder)),
    );
}

function readSummary() {
  const entries = Object.entries(JSON.parse(readFileSync(SUMMARY_FILE, 'utf8')));
  return new Map(entries.map(([path, { statements }]) => [relative(ROOT, path), statements]));
}

/** A file that no test has loaded is missing in the report: all of it is uncovered, unless it is only types. */
function coverageOf(file, summary) {
  const known = summary.get(file);
  if (known) return { total: known.total, covered: known.covered };
  const source = readFileSync(join(ROOT, file), 'utf8');
  return { total: isOnlyTypes(source) ? 0 : source.split('\n').length, covered: 0 };
}

function isOnlyTypes(source) {
  const { transpileModule, ModuleKind, ScriptTarget } = createRequire(import.meta.url)(
    'typescript',
  );
  const compilerOptions = {
    module: ModuleKind.ESNext,
    target: ScriptTarget.ES2023,
    removeComments: true,
    verbatimModuleSyntax: true,
  };
  return transpileModule(source, { compilerOptions }).outputText.trim() === 'export {};';
}
