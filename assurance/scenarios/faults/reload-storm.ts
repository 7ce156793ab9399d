import { writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { parse } from 'yaml';
import { percentile } from '../../../bench/measure/statistics.ts';
import { poll } from '../../../test/support/poll.ts';
import type { Scenario, ScenarioOptions } from '../../scenario.ts';
import { missingForFaults, FaultScene } from '../../support/fault-scene.ts';
import { atMost, exactly } from '../../support/findings.ts';

const CALLS = 500;
const PACKETS_PER_SECOND = 4;
const RELOADS = 200;
const EVERY_MS = 100;
const SIGNALS = 2000;
/** Signals that come while one reload runs share the next one. */
const RELOADS_PER_STORM_MAX = 400;
const PIECES = 20;
const FILES = 10;
const PROBLEMS = 'the configuration is kept: the new one has problems';
const READ_AGAIN = 'the configuration was read again';

/** Reloads again and again, as fast as signals come, and from a file that is not whole yet. */
export const reloadStorm: Scenario = {
  name: 'reload-storm',
  promise:
    'reloads, however many, cost no call a packet, and a file that is not whole changes nothing',
  missing: missingForFaults,
  run: (options) =>
    FaultScene.run({ calls: CALLS, packetsPerSecond: PACKETS_PER_SECOND }, async (scene) => {
      await reloadSteadily(scene, options);
      await sendSignals(scene, options);
      await reloadPieces(scene);
      await writeInPieces(scene, options);
      await scene.expectRecovery();
    }),
};

async function reloadSteadily(scene: FaultScene, options: ScenarioOptions): Promise<void> {
  const { gateway } = scene;
  const reloads = Math.ceil(RELOADS * options.scale);
  const times: number[] = [];
  let failures = 0;
  await scene.spare(`${reloads} reloads at ${1000 / EVERY_MS} a second`, async () => {
    const begin = performance.now();
    for (let round = 1; round <= reloads; round++) {
      await gateway.write(gateway.text({ admin: { user_quota: 1000 + (round % 100) } }));
      const { body } = await gateway.reload();
      if (body.outcome === 'failed') failures += 1;
      times.push(body.milliseconds);
      await pause(Math.max(0, begin + round * EVERY_MS - performance.now()));
      if (round % 100 === 0) options.progress(`${round} of ${reloads} reloads`);
    }
  });
  scene.findings.push(
    exactly('reloads that failed', failures, 0),
    atMost('reload, 99th percentile', percentile(times, 0.99), 50, 'ms'),
  );
}

async function sendSignals(scene: FaultScene, { scale }: ScenarioOptions): Promise<void> {
  const { gateway } = scene;
  const before = gateway.records(READ_AGAIN).length;
  const signals = Math.ceil(SIGNALS * scale);
  await scene.spare(`${signals} SIGHUPs as fast as they go`, async () => {
    for (let count = 0; count < signals; count++) {
      gateway.process.child.signal('SIGHUP');
      if (count % 20 === 0) await pause(1);
    }
    await gateway.write(gateway.text({ admin: { user_quota: 4321 } }));
    gateway.process.child.signal('SIGHUP');
    await poll(
      () => quotaOf(scene),
      (quota) => quota === 4321,
    );
  });
  const reloads = gateway.records(READ_AGAIN).length - before;
  scene.findings.push(
    atMost(`reloads for ${signals} SIGHUPs`, reloads, RELOADS_PER_STORM_MAX * Math.max(1, scale)),
  );
}

/** What is cut off a file of JSON leaves nothing that could be taken for a whole. */
async function reloadPieces(scene: FaultScene): Promise<void> {
  const { gateway } = scene;
  const text = JSON.stringify(parse(gateway.text({ admin: { user_quota: 1234 } })));
  let failures = 0;
  await scene.spare('reloads of a file that is cut off', async () => {
    for (let piece = 0; piece < PIECES; piece++) {
      await writeFile(gateway.process.file, text.slice(0, (text.length * piece) / PIECES));
      const { body } = await gateway.reload();
      if (body.outcome === 'failed' && (await quotaOf(scene)) === 4321) failures += 1;
    }
    await writeFile(gateway.process.file, text);
    await gateway.reload();
  });
  scene.findings.push(
    exactly('pieces refused, the old configuration kept', failures, PIECES),
    exactly('quota of the whole file', await quotaOf(scene), 1234),
  );
}

/** A piece of YAML may be valid by itself: nobody may read it before the file is whole. */
async function writeInPieces(scene: FaultScene, { scale }: ScenarioOptions): Promise<void> {
  const { gateway } = scene;
  const before = gateway.records(READ_AGAIN).length + gateway.records(PROBLEMS).length;
  const files = Math.ceil(FILES * scale);
  await scene.spare('files written piece by piece', async () => {
    for (let file = 0; file < files; file++) {
      const text = gateway.text({ admin: { user_quota: 2000 + file } });
      const lines = text.split(/^/m);
      await writeFile(gateway.process.file, '');
      for (const line of lines) await writeFile(gateway.process.file, line, { flag: 'a' });
      await poll(
        () => quotaOf(scene),
        (quota) => quota === 2000 + file,
      );
    }
  });
  const reloads = gateway.records(READ_AGAIN).length + gateway.records(PROBLEMS).length - before;
  scene.findings.push(atMost('reloads for files written piece by piece', reloads, files));
}

async function quotaOf({ gateway }: FaultScene): Promise<number> {
  const { body } = await gateway.call('GET', 'config');
  return (body as { admin: { user_quota: number } }).admin.user_quota;
}
