import { writeFile } from 'node:fs/promises';
import { readOptions, type Options } from './options.ts';
import type { Finding, Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';

interface Result {
  readonly name: string;
  readonly promise: string;
  /** Why it did not run or did not get to its end; undefined when it did. */
  readonly problem?: string;
  readonly findings: readonly Finding[];
  readonly seconds: number;
}

/** Runs scenarios one after the other; true when everything that ran holds. */
async function runAll(options: Options): Promise<boolean> {
  const results: Result[] = [];
  for (const scenario of options.scenarios) {
    const missing = scenario.missing();
    console.log(`\n${scenario.name}: ${scenario.promise}`);
    if (missing !== false) console.log(`  skipped: ${missing}`);
    else results.push(await runOne(scenario, options));
  }
  if (options.output !== undefined) await write(options, results);
  const failed = results.filter((result) => !holds(result)).map(({ name }) => name);
  console.log(
    failed.length === 0 ? '\nEverything that ran holds.' : `\nDo not hold: ${failed.join(', ')}`,
  );
  return failed.length === 0;
}

async function runOne(scenario: Scenario, { scale, seed }: Options): Promise<Result> {
  const { name, promise } = scenario;
  const start = performance.now();
  const seconds = (): number => Math.round((performance.now() - start) / 1000);
  try {
    const findings = await scenario.run({ scale, seed, progress });
    for (const finding of findings) console.log(`  ${describe(finding)}`);
    return { name, promise, findings, seconds: seconds() };
  } catch (error) {
    const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
    console.log(`  FAILED to find out: ${problem}`);
    return { name, promise, problem, findings: [], seconds: seconds() };
  }
}

function progress(line: string): void {
  console.error(`  ... ${line}`);
}

function describe({ what, figure, bound, holds: isKept }: Finding): string {
  return `${isKept ? 'holds ' : 'FAILS '} ${what}: ${figure} (bound: ${bound})`;
}

function holds({ problem, findings }: Result): boolean {
  return problem === undefined && findings.every((finding) => finding.holds);
}

async function write(options: Options, results: readonly Result[]): Promise<void> {
  const { output, scale, seed } = options;
  const node = process.version;
  const report = { date: new Date().toISOString(), node, scale, seed, results };
  await writeFile(output!, `${JSON.stringify(report, undefined, 2)}\n`);
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
