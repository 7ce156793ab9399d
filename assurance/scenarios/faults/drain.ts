import { setTimeout as pause } from 'node:timers/promises';
import { within } from '../../../test/support/child-process.ts';
import { codeOf } from '../../../test/support/turn-client.ts';
import type { Scenario } from '../../scenario.ts';
import { FaultScene, missingForFaults } from '../../support/fault-scene.ts';
import { atMost, exactly } from '../../support/findings.ts';

const DRAIN_MS = 5000;
const READY_MS_MAX = 100;
const NEWCOMERS = 20;
const END_MS_MAX = 3000;
const READY_POLLS_MAX = 1000;

/** Stops a gateway in good order. */
export const drain: Scenario = {
  name: 'drain',
  promise:
    'SIGTERM turns newcomers away at once, leaves live calls alone until they end, and ends with 0',
  missing: missingForFaults,
  run: ({ scale }) =>
    FaultScene.run({ changes: { admin: { drain_timeout: '1h' } } }, async (scene) => {
      const { gateway, findings } = scene;
      const { child } = gateway.process;
      const codes: number[] = [];
      let notReadyMs = Infinity;
      await scene.spare('draining', async () => {
        const begin = performance.now();
        child.signal('SIGTERM');
        for (let count = 0; count < READY_POLLS_MAX && notReadyMs === Infinity; count++) {
          if ((await gateway.health('ready')) === 503) notReadyMs = performance.now() - begin;
        }
        for (let count = 0; count < NEWCOMERS; count++) {
          const newcomer = await scene.openClient(`newcomer-${count}`);
          codes.push(await codeOf(newcomer.allocate()));
        }
        await pause(DRAIN_MS * scale);
      });
      findings.push(
        atMost('not ready after', notReadyMs, READY_MS_MAX, 'ms'),
        exactly('newcomers answered 508', codes.filter((code) => code === 508).length, NEWCOMERS),
        exactly(
          'live calls',
          (await gateway.status()).allocations.active,
          scene.calls.clients.length,
        ),
      );
      const begin = performance.now();
      await Promise.all(scene.calls.clients.map((client) => client.refresh(0)));
      const { exitCode } = await within(10_000, child.ended, () => 'it does not end');
      findings.push(
        exactly('exit code', exitCode ?? -1, 0),
        atMost('ends after the last call within', performance.now() - begin, END_MS_MAX, 'ms'),
      );
    }),
};
