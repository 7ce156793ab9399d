import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { residentBytes } from '../../../bench/measure/process-times.ts';
import { TestProcess } from '../../../test/support/child-process.ts';
import { outputTo } from '../../../test/support/gateway-process.ts';
import { launchBy } from '../../../test/support/launch.ts';
import { poll } from '../../../test/support/poll.ts';
import type { Finding, Scenario } from '../../scenario.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { FaultScene, missingForFaults } from '../../support/fault-scene.ts';
import { atLeast, atMost, isSo } from '../../support/findings.ts';

const DISK_BYTES = 64 * 1024;
const ROOM_BYTES = 16 * 1024 * 1024;
/** Each names all problems of a file: together beyond what waits for a disk or a reader. */
const RELOADS = 500;
const PROBLEMS = 100;
const GROWTH_MEGABYTES_MAX = 40;
const LOST = 'turnpike_log_lines_lost_total';
const LOST_MESSAGE = 'lines of the log were lost';
const MEGABYTE = 1024 * 1024;

/** Lets the log run into a full disk, and makes room again. */
export const diskFull: Scenario = {
  name: 'disk-full',
  promise: 'a full disk costs lines of the log, which are counted, and nothing else',
  missing: () =>
    missingForFaults() || (process.getuid?.() !== 0 && 'only root mounts a small disk'),
  run: ({ scale }) =>
    withFolder(async (folder, cleanup) => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', folder]);
      cleanup.teardown(() => execFileSync('umount', [folder]));
      const file = join(folder, 'log');
      const launch = launchBy(cleanup, outputTo(file));
      return FaultScene.under(cleanup, { launch }, async (scene) => {
        await writeMuch(scene, 'disk full', scale);
        execFileSync('mount', ['-o', `remount,size=${ROOM_BYTES}`, folder]);
        await expectLog(scene, () => readFile(file, 'latin1'));
      });
    }),
};

/** Has the log go to a pipe that nobody reads, until somebody does. */
export const blockedStdout: Scenario = {
  name: 'blocked-stdout',
  promise:
    'a log that nobody reads costs lines of it, which are counted, a bounded memory, and nothing else',
  missing: missingForFaults,
  run: ({ scale }) =>
    withFolder((folder, cleanup) => {
      const pipe = join(folder, 'pipe');
      execFileSync('mkfifo', [pipe]);
      const launch = launchBy(cleanup, outputTo(pipe));
      return FaultScene.under(cleanup, { launch }, async (scene) => {
        await writeMuch(scene, 'nobody reads', scale);
        const reader = new TestProcess('cat', [pipe]);
        cleanup.teardown(() => reader.stop());
        await expectLog(scene, () => reader.output);
      });
    }),
};

async function withFolder(
  act: (folder: string, cleanup: Cleanup) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  return Cleanup.around(async (cleanup) => {
    const folder = await mkdtemp(join(tmpdir(), 'turnpike-log-'));
    cleanup.teardown(() => rm(folder, { recursive: true }));
    return act(folder, cleanup);
  });
}

async function writeMuch(scene: FaultScene, what: string, scale: number): Promise<void> {
  const before = residentBytes(scene.pid);
  const reloads = Math.ceil(RELOADS * Math.max(1, scale));
  await scene.spare(what, async () => {
    const { gateway } = scene;
    const problems = Array.from({ length: PROBLEMS }, (_, index) => [
      `unknown-key-${index}`,
      index,
    ]);
    await gateway.write(gateway.text(Object.fromEntries(problems)));
    for (let count = 0; count < reloads; count++) await gateway.reload();
    await gateway.write(gateway.text());
    await gateway.reload();
    await scene.callAnew('caller-meanwhile');
  });
  const growth = (residentBytes(scene.pid) - before) / MEGABYTE;
  scene.findings.push(
    atMost(`${what}: growth in ${reloads} reloads`, growth, GROWTH_MEGABYTES_MAX, 'MB'),
    atLeast(`${what}: lines lost, counted`, (await scene.gateway.metric(LOST)) ?? 0, 1),
  );
}

async function expectLog(scene: FaultScene, read: () => Promise<string> | string): Promise<void> {
  const isTold = await poll(read, (text) => text.includes(LOST_MESSAGE)).then(
    () => true,
    () => false,
  );
  const told = (await read()).split(LOST_MESSAGE).length - 1;
  scene.findings.push(
    isSo('afterwards: the log goes on', isTold),
    atMost('afterwards: lines that tell of the loss', told, 1),
  );
  await scene.expectRecovery();
}
