// `npm test`: installs what is missing, checks the sources, runs the tests; `npm test -- FILE…` runs only those.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { checkCoverage } from './coverage.mjs';
import { installDebianPackages } from './debian-packages.mjs';
import { ROOT, buildWhenStale, installPackages, requireNode, say } from './prepare.mjs';
import { TapDigest } from './tap-digest.mjs';

/** Those of a lane run one after the other, beside the other lane. */
const LANES = [
  ['format:check', 'build'],
  ['lint', 'typecheck'],
];

requireNode();
installPackages();
const files = process.argv.slice(2);
const { passed, failed, skipped } = await (files.length > 0 ? testOnly(files) : testAll());
say(failed > 0 || passed === 0 ? 'FAILED' : 'passed');
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);

async function testOnly(patterns) {
  buildWhenStale();
  return runTap(['--disable-coverage', ...patterns]);
}

/** A failed check counts as one failed test, so that the last line never hides it. */
async function testAll() {
  installDebianPackages();
  const failedChecks = await runChecks();
  rmSync(join(ROOT, '.tap/report'), { recursive: true, force: true });
  const counts = await runTap([]);
  const coverageFailed = reportCoverage() ? 0 : 1;
  return { ...counts, failed: counts.failed + failedChecks + coverageFailed };
}

/** Returns how many fail. */
async function runChecks() {
  const lanes = LANES.map(async (names) => {
    let failures = 0;
    for (const name of names) if (!(await runCheck(name))) failures++;
    return failures;
  });
  const byLane = await Promise.all(lanes);
  return byLane.reduce((sum, failures) => sum + failures, 0);
}

async function runCheck(name) {
  const started = performance.now();
  const check = spawn('sh', ['-c', `npm run --silent ${name} 2>&1`], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [status]] = await Promise.all([text(check.stdout), once(check, 'close')]);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${status === 0 ? ' ok ' : 'FAIL'}  npm run ${name}  ${seconds} s\n`);
  if (status !== 0) process.stdout.write(output);
  return status === 0;
}

/** Runs tap; its exit code has the last word when its counts claim that nothing failed. */
async function runTap(args) {
  const tap = spawn(process.execPath, [tapBinary(), 'run', '--reporter=tap', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(tap, 'exit');
  const digest = new TapDigest((line) => process.stdout.write(`${line}\n`));
  for await (const line of createInterface({ input: tap.stdout })) digest.line(line);
  const [code] = await exit;
  for (const skip of digest.skips) process.stdout.write(`skip  ${skip}\n`);
  const unexplained = code !== 0 && digest.counts.failed === 0;
  if (unexplained) process.stdout.write(`FAIL  tap ended with exit code ${code}\n`);
  return { ...digest.counts, failed: digest.counts.failed + (unexplained ? 1 : 0) };
}

function tapBinary() {
  return join(ROOT, 'node_modules/tap/dist/esm/run.mjs');
}

function reportCoverage() {
  try {
    const { ok, lines } = checkCoverage();
    process.stdout.write(`${ok ? ' ok ' : 'FAIL'}  coverage: ${lines.join('\n')}\n`);
    return ok;
  } catch (error) {
    process.stdout.write(`FAIL  coverage: no report, because ${error.message}\n`);
    return false;
  }
}
