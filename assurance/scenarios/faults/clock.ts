import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { launchBy } from '../../../test/support/launch.ts';
import { codeOf } from '../../../test/support/turn-client.ts';
import type { Finding, Scenario } from '../../scenario.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { FaultScene, missingForFaults } from '../../support/fault-scene.ts';
import { exactly, isSo } from '../../support/findings.ts';

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';
const HOUR_SECONDS = 3600;
const STEP_MS = 4000;
/** How far in the future a credential may expire beyond the longest lifetime: the other clock may run ahead. */
const LONG_SECONDS = 12 * HOUR_SECONDS;

/** Sets the wall clock of the gateway an hour ahead and an hour back. */
export const clock: Scenario = {
  name: 'clock',
  promise:
    'when the wall clock jumps, allocations live on, nonces lock nobody out, and credentials follow the clock',
  missing: () => missingForFaults() || (!existsSync(LIBRARY) && 'not installed: libfaketime'),
  run: ({ scale }) => Cleanup.around((cleanup) => run(cleanup, STEP_MS * scale)),
};

async function run(cleanup: Cleanup, stepMs: number): Promise<readonly Finding[]> {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-clock-'));
  cleanup.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'offset');
  const setOffset = (seconds: number): Promise<void> =>
    writeFile(file, `${seconds < 0 ? '' : '+'}${seconds}\n`);
  await setOffset(0);
  const launcher = [
    'env',
    `LD_PRELOAD=${LIBRARY}`,
    `FAKETIME_TIMESTAMP_FILE=${file}`,
    'FAKETIME_NO_CACHE=1',
    'DONT_FAKE_MONOTONIC=1',
  ];
  // Calls whose credentials outlast the hour, so that only the clock of lifetimes could end them.
  const changes = { auth: { on_expiry: 'refuse' } };
  const launch = launchBy(cleanup, launcher);
  return FaultScene.under(cleanup, { changes, launch }, async (scene) => {
    const calls = scene.calls.clients.length;
    const known = await scene.openClient('known', unixSeconds() + LONG_SECONDS);
    await known.allocate();
    for (const offset of [HOUR_SECONDS, -HOUR_SECONDS, 0]) {
      await scene.spare(`clock at ${offset} s`, async () => {
        await setOffset(offset);
        await pause(stepMs);
        await known.refresh(600);
      });
      const soon = await scene.openClient('soon', unixSeconds() + HOUR_SECONDS / 2);
      const code = await codeOf(soon.allocate());
      const isOver = offset > 0;
      scene.findings.push(
        isSo(
          `clock at ${offset} s: a credential follows the clock (${code})`,
          code === (isOver ? 401 : 0),
        ),
        exactly(
          `clock at ${offset} s: live allocations`,
          await liveCount(scene),
          calls + (isOver ? 1 : 2),
        ),
      );
      if (code === 0) await soon.refresh(0);
    }
    await known.refresh(0);
    await scene.expectRecovery();
  });
}

async function liveCount({ gateway }: FaultScene): Promise<number> {
  return (await gateway.status()).allocations.active;
}

function unixSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
