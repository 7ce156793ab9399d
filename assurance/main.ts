import { readOptions, type Options } from './options.ts';
import { writeReport } from './report.ts';
import { verdictLine, verdictOf, type Result } from './result.ts';
import type { Finding, Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';

/** Runs scenarios one after the other; true when everything that ran holds. */
async function runAll(options: Options): Promise<boolean> {
  const results: Result[] = [];
  for (const scenario of options.scenarios) {
    console.log(`\n${scenario.name}: ${scenario.promise}`);
    const result = await runOne(scenario, options);
    for (const line of linesOf(result)) console.log(`  ${line}`);
    results.push(result);
  }
  if (options.output !== undefined) await writeReport(options.output, options, results);
  console.log(`\n${verdictLine(results)}`);
  return results.every((result) => verdictOf(result) !== 'fails');
}

async function runOne(scenario: Scenario, { scale, seed }: Options): Promise<Result> {
  const { name, promise } = scenario;
  const skipped = scenario.missing();
  if (skipped !== false) return { name, promise, skipped, findings: [], seconds: 0 };
  const start = performance.now();
  const seconds = (): number => Math.round((performance.now() - start) / 1000);
  try {
    const findings = await scenario.run({ scale, seed, progress });
    const problem = findings.length === 0 ? { problem: 'there are no findings' } : {};
    return { name, promise, ...problem, findings, seconds: seconds() };
  } catch (error) {
    const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { name, promise, problem, findings: [], seconds: seconds() };
  }
}

function progress(line: string): void {
  console.error(`  ... ${line}`);
}

function linesOf({ skipped, problem, findings }: Result): string[] {
  if (skipped !== undefined) return [`skipped: ${skipped}`];
  if (problem !== undefined) return [`FAILED to find out: ${problem}`];
  return findings.map(describe);
}

function describe({ what, figure, bound, holds: isKept }: Finding): string {
  return `${isKept ? 'holds ' : 'FAILS '} ${what}: ${figure} (bound: ${bound})`;
}

try {
  const options = readOptions(process.argv.slice(2), SCENARIOS);
  if (options.isList) {
    for (const { name, promise } of SCENARIOS) console.log(`${name}: ${promise}`);
  } else process.exitCode = (await runAll(options)) ? 0 : 1;
  // Threads and timers of clients outlive their connections.
  process.exit();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
