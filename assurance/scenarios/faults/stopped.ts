import { setTimeout as pause } from 'node:timers/promises';
import { poll } from '../../../test/support/poll.ts';
import type { Scenario } from '../../scenario.ts';
import { missingForFaults, FaultScene } from '../../support/fault-scene.ts';
import { exactly, untouched } from '../../support/findings.ts';
import { relayFor } from '../../support/relay-while.ts';

const STOPPED_MS = 10_000;
const CALLS = 80;
const SHORT_LIVED = 20;
const SHORT_SECONDS = 4;

/** Stops the process and lets it go on, as a debugger or a frozen virtual machine does. */
export const stopped: Scenario = {
  name: 'stopped',
  promise:
    'a process that stood still goes on with every allocation whose time is not over, and with no other',
  missing: missingForFaults,
  run: ({ scale }) =>
    FaultScene.run({ calls: CALLS, changes: { auth: { on_expiry: 'close' } } }, async (scene) => {
      const { child } = scene.gateway.process;
      scene.owner.teardown(() => child.signal('SIGCONT'));
      await openShortLived(scene);
      const before = scene.gateway.records('a relay worker was started again').length;
      child.signal('SIGSTOP');
      await pause(STOPPED_MS * Math.max(1, scale));
      child.signal('SIGCONT');
      await poll(
        () => scene.gateway.health('ready'),
        (status) => status === 200,
      );
      const after = await relayFor(scene.calls, scene.pid, 2000);
      scene.findings.push(
        untouched('calls once it goes on', after),
        exactly(
          'workers started again',
          scene.gateway.records('a relay worker was started again').length - before,
          0,
        ),
      );
      const left = await poll(
        async () => (await scene.gateway.status()).allocations.active,
        (count) => count <= CALLS,
      ).catch(() => CALLS + SHORT_LIVED);
      scene.findings.push(exactly('allocations whose time is not over', left, CALLS));
      await scene.expectRecovery();
    }),
};

/** Opens allocations whose credential, and so they themselves, will be over soon. */
async function openShortLived(scene: FaultScene): Promise<void> {
  const expiresAt = Math.floor(Date.now() / 1000) + SHORT_SECONDS;
  for (let count = 0; count < SHORT_LIVED; count++) {
    const client = await scene.openClient(`short-${count}`, expiresAt);
    await client.allocate();
  }
}
