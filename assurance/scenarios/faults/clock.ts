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
import { exactly } from '../../support/findings.ts';

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';
const HOUR_SECONDS = 3600;
const HALF_HOUR_SECONDS = HOUR_SECONDS / 2;
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
      for (const lasts of [HALF_HOUR_SECONDS, -HALF_HOUR_SECONDS]) {
        const code = await tryCredential(scene, lasts);
        const what = `clock at ${offset} s: a credential for ${lasts} s is answered`;
        scene.findings.push(exactly(what, code, lasts > offset ? 0 : 401));
      }
      const live = await liveCount(scene);
      scene.findings.push(exactly(`clock at ${offset} s: live allocations`, live, calls + 1));
    }
    await known.refresh(0);
    await scene.expectRecovery();
  });
}

/** Says how an Allocate request is answered with a credential that lasts for so long by the true clock. */
async function tryCredential(scene: FaultScene, lastsSeconds: number): Promise<number> {
  const client = await scene.openClient('visitor', unixSeconds() + lastsSeconds);
  const code = await codeOf(client.allocate());
  if (code === 0) await client.refresh(0);
  return code;
}

async function liveCount({ gateway }: FaultScene): Promise<number> {
  return (await gateway.status()).allocations.active;
}

function unixSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
