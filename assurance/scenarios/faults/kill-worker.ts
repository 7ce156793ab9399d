import { setTimeout as pause } from 'node:timers/promises';
import { CRASHABLE, crashWorkerOf, workerOf } from '../../../test/support/crash-worker.ts';
import { poll } from '../../../test/support/poll.ts';
import { RelayLoad } from '../../../test/support/relay-load.ts';
import type { TurnClient } from '../../../test/support/turn-client.ts';
import type { Scenario } from '../../scenario.ts';
import { FaultScene, missingForFaults } from '../../support/fault-scene.ts';
import { atMost, exactly, untouched } from '../../support/findings.ts';
import { relayWhile } from '../../support/relay-while.ts';

const CHANNEL = 0x4000;
const ROUNDS = 10;
const SERVES_AGAIN_MS_MAX = 1000;
/** A worker that lives for a shorter time is started again only after a pause. */
const PAUSE_MS = 1500;
const AGAIN = 'a relay worker was started again';

/** Kills one worker after the other. */
export const killWorker: Scenario = {
  name: 'kill-worker',
  promise:
    'a worker that dies costs only its own calls, and another one serves in its place within a second',
  missing: missingForFaults,
  run: ({ scale, progress }) =>
    FaultScene.run({ environment: CRASHABLE }, async (scene) => {
      const { gateway, calls, findings } = scene;
      const byWorker: TurnClient[][] = [[], []];
      for (const client of calls.clients) {
        byWorker[await workerOf(client, gateway.process.child)]!.push(client);
      }
      const rounds = Math.ceil(ROUNDS * scale);
      let slowestMs = 0;
      let sent = 0;
      let received = 0;
      for (let round = 0; round < rounds; round++) {
        const [victims, survivors] = round % 2 === 0 ? byWorker : byWorker.toReversed();
        const others = RelayLoad.of(survivors!, 10);
        const count = await relayWhile(others, scene.pid, async () => {
          await pause(PAUSE_MS);
          const begin = performance.now();
          crashWorkerOf(victims![0]!);
          await poll(
            () => gateway.records(AGAIN).length,
            (records) => records > round,
          );
          await victims![0]!.allocate();
          slowestMs = Math.max(slowestMs, performance.now() - begin);
          await victims![0]!.channelBind(CHANNEL, gateway.peer.address);
          for (const client of victims!.slice(1)) {
            await client.allocate();
            await client.channelBind(CHANNEL, gateway.peer.address);
          }
        });
        sent += count.sent;
        received += count.received;
        progress(`${round + 1} of ${rounds} workers killed`);
      }
      findings.push(
        untouched('calls of the other worker', { sent, received }),
        atMost('serves again after', slowestMs, SERVES_AGAIN_MS_MAX, 'ms'),
        exactly('log records of new workers', gateway.records(AGAIN).length, rounds),
        exactly('new workers in the metrics', await restarts(scene), rounds),
      );
      await scene.expectRecovery();
    }),
};

async function restarts({ gateway }: FaultScene): Promise<number> {
  const name = 'turnpike_worker_restarts_total';
  const [first, second] = [`${name}{worker="0"}`, `${name}{worker="1"}`];
  return ((await gateway.metric(first)) ?? 0) + ((await gateway.metric(second)) ?? 0);
}
