import { setTimeout as pause } from 'node:timers/promises';
import { openUdpEchoPeer } from '../../../test/support/echo-peer.ts';
import { RelayLoad } from '../../../test/support/relay-load.ts';
import { LOOPBACK_SERVER } from '../../../test/support/server-under-test.ts';
import type { Scenario } from '../../scenario.ts';
import { missingForFaults, FaultScene } from '../../support/fault-scene.ts';
import { atLeast, atMost, untouched } from '../../support/findings.ts';
import { relayFor } from '../../support/relay-while.ts';

const ROUNDS = 5;
const DOWN_MS = 2000;
const PROCESSOR_SHARE_MAX = 0.5;

/** Ends a backend and lets it come back, while calls go on to it and to another one. */
export const backendDown: Scenario = {
  name: 'backend-down',
  promise:
    'a backend that is gone answers with ICMP errors, which cost its own calls nothing but the time it is gone',
  missing: missingForFaults,
  run: ({ scale }) =>
    FaultScene.run({}, async (scene) => {
      let backend = await openUdpEchoPeer();
      const { address } = backend;
      scene.owner.teardown(() => backend.close());
      const its = await RelayLoad.open({
        server: scene.gateway.server,
        peer: address,
        clients: 50,
        packetsPerSecond: 40,
        secret: LOOPBACK_SERVER.secret,
      });
      scene.owner.teardown(() => its.close());
      const before = await relayFor(its, scene.pid, DOWN_MS * 4);
      scene.findings.push(untouched('control: calls to the other backend', before));
      const rounds = Math.ceil(ROUNDS * scale);
      let share = 0;
      let heard = 0;
      let lostAfterwards = 0;
      await scene.spare(`backend gone ${rounds} times`, async () => {
        for (let round = 0; round < rounds; round++) {
          backend.close();
          const down = await relayFor(its, scene.pid, DOWN_MS);
          share = Math.max(share, down.processorShare);
          heard += down.received;
          backend = await openUdpEchoPeer('127.0.0.1', { port: address.port });
          const up = await relayFor(its, scene.pid, DOWN_MS);
          lostAfterwards += up.sent - up.received;
          await pause(100);
        }
      });
      const own = before.processorShare + scene.controlShare;
      scene.findings.push(
        atMost('packets from a backend that is gone', heard, 0),
        atMost('packets lost once it is back', lostAfterwards, 0),
        atMost('processor while it is gone, beyond control', share - own, PROCESSOR_SHARE_MAX),
      );
      const { allocations } = await scene.gateway.status();
      scene.findings.push(atLeast('allocations', allocations.active, 150));
      await Promise.all(its.clients.map((client) => client.refresh(0)));
      await scene.expectRecovery();
    }),
};
