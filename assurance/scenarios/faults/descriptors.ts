import { execFileSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { missingTool } from '../../../test/support/child-process.ts';
import { codeOf } from '../../../test/support/turn-client.ts';
import type { Scenario } from '../../scenario.ts';
import { missingForFaults, FaultScene } from '../../support/fault-scene.ts';
import { atLeast, atMost, exactly, isSo } from '../../support/findings.ts';

const CONNECTIONS = 50;
const NEWCOMERS = 20;
/** The limit is one on numbers, and those below are open from the start. */
const ALL_OPEN = 10;
const FAULT_MS = 5000;
/** An idle loop and one that spins are far apart. */
const PROCESSOR_SHARE_MAX = 0.3;

/** Takes away the right to open descriptors. */
export const descriptors: Scenario = {
  name: 'descriptors',
  promise:
    'a process without a free descriptor refuses newcomers, spares calls, and recovers by itself',
  missing: () => missingForFaults() || missingTool('prlimit'),
  run: ({ scale }) =>
    FaultScene.run({ packetsPerSecond: 40 }, async (scene) => {
      const limit = descriptorLimitOf(scene.pid);
      const codes: number[] = [];
      const sockets: Socket[] = [];
      scene.owner.teardown(() => sockets.forEach((socket) => socket.destroy()));
      // Once calls have the second socket that long ones get.
      await scene.spare('before', () => pause(8000));
      const { processorShare } = await scene.spare('no descriptor left', async () => {
        setLimit(scene.pid, ALL_OPEN);
        for (let count = 0; count < NEWCOMERS; count++) {
          const newcomer = await scene.openClient(`newcomer-${count}`);
          codes.push(await codeOf(newcomer.allocate()));
        }
        for (let count = 0; count < CONNECTIONS; count++) sockets.push(await openConnection(scene));
        await pause(FAULT_MS * scale);
      });
      scene.findings.push(
        exactly('Allocates answered 508', codes.filter((code) => code === 508).length, NEWCOMERS),
        atMost('processor meanwhile', processorShare - scene.controlShare, PROCESSOR_SHARE_MAX),
        isSo('the process lives', scene.gateway.process.child.isAlive),
      );
      setLimit(scene.pid, limit);
      sockets.forEach((socket) => socket.destroy());
      await pause(2000);
      const refused = await scene.gateway.metric(
        'turnpike_turn_errors_total{method="allocate",code="508"}',
      );
      scene.findings.push(atLeast('refusals in the metrics', refused ?? 0, NEWCOMERS));
      await scene.expectRecovery();
    }),
};

function descriptorLimitOf(pid: number): number {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))!;
  return Number(soft);
}

function setLimit(pid: number, descriptorsMax: number): void {
  execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${descriptorsMax}:`]);
}

/** The kernel takes it, and the gateway cannot. */
async function openConnection({ gateway }: FaultScene): Promise<Socket> {
  const socket = connect(gateway.server);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}
