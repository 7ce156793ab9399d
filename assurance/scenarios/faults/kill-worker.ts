import { setTimeout as pause } from 'node:timers/promises';
import { poll } from '../../../test/support/poll.ts';
import { RelayLoad } from '../../../test/support/relay-load.ts';
import type { TurnClient } from '../../../test/support/turn-client.ts';
import type { Scenario } from '../../scenario.ts';
import { FaultScene, missingForFaults } from '../../support/fault-scene.ts';
import { atMost, exactly, untouched } from '../../support/findings.ts';
import { relayWhile } from '../../support/relay-while.ts';

const CRASH_WORKER = new URL('../../../test/support/crash-worker.mjs', import.meta.url).href;
/** What the preloaded script listens to. */
const ASK_CHANNEL = 0x4ffe;
const CRASH_CHANNEL = 0x4fff;
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
    FaultScene.run({ environment: { NODE_OPTIONS: `--import ${CRASH_WORKER}` } }, async (scene) => {
      const { gateway, calls, findings } = scene;
      const byWorker: TurnClient[][] = [[], []];
      for (const client of calls.clients) byWorker[await workerOf(scene, client)]!.push(client);
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
          victims![0]!.sendOnChannel(CRASH_CHANNEL, Buffer.from('now'));
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
        untouched('calls of the other worker', { ...calls.count, sent, received }),
        atMost('serves again after', slowestMs, SERVES_AGAIN_MS_MAX, 'ms'),
        exactly('log records of new workers', gateway.records(AGAIN).length, rounds),
        exactly('new workers in the metrics', await restarts(scene), rounds),
      );
      await scene.expectRecovery();
    }),
};

async function workerOf({ gateway }: FaultScene, client: TurnClient): Promise<number> {
  const answer = `udp client 127.0.0.1:${client.localPort} is served by `;
  client.sendOnChannel(ASK_CHANNEL, Buffer.from('who'));
  const line = await gateway.process.child.waitForLine((each) => each.startsWith(answer));
  return Number(line.slice(answer.length));
}

async function restarts({ gateway }: FaultScene): Promise<number> {
  const name = 'turnpike_worker_restarts_total';
  const [first, second] = [`${name}{worker="0"}`, `${name}{worker="1"}`];
  return ((await gateway.metric(first)) ?? 0) + ((await gateway.metric(second)) ?? 0);
}
