import { residentBytes } from '../../../bench/measure/process-times.ts';
import { RELAY_PORTS } from '../../../test/support/free-ports.ts';
import { launchBy } from '../../../test/support/launch.ts';
import { codeOf, type TurnClient } from '../../../test/support/turn-client.ts';
import type { Finding, Scenario } from '../../scenario.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { ControlGroup, missingControlGroup } from '../../support/control-group.ts';
import { FaultScene, missingForFaults } from '../../support/fault-scene.ts';
import { atMost, exactly, isSo } from '../../support/findings.ts';

const MEGABYTE = 1024 * 1024;
const LIMIT_MEGABYTES = 256;
const CALLS = 100;
/** As many as there are ports for. */
const ALLOCATIONS = 4000;
const BEYOND = 100;
const AT_A_TIME = 50;
const BYTES_PER_ALLOCATION_MAX = 16 * 1024;
/** No other process has ports there. */
const RELAY_ADDRESS = '127.0.61.8';

/** Has a gateway in a small memory make as many allocations as it may, and more. */
export const memory: Scenario = {
  name: 'memory',
  promise: 'in 256 MB a gateway fills to its bound, refuses what is beyond, and is never killed',
  missing: () => missingForFaults() || missingControlGroup('memory'),
  run: ({ scale }) =>
    Cleanup.around((cleanup) => run(cleanup, Math.ceil(ALLOCATIONS * Math.min(1, scale)))),
};

async function run(cleanup: Cleanup, wanted: number): Promise<readonly Finding[]> {
  const group = new ControlGroup(cleanup, 'memory');
  group.set('memory.limit_in_bytes', LIMIT_MEGABYTES * MEGABYTE);
  const changes = {
    limits: { allocations_max: CALLS + wanted },
    relay: {
      min_port: RELAY_PORTS.min,
      max_port: RELAY_PORTS.max,
      addresses: [{ bind: RELAY_ADDRESS, advertise: RELAY_ADDRESS }],
    },
  };
  const launch = launchBy(cleanup, group.launcher);
  return FaultScene.under(cleanup, { changes, launch }, async (scene) => {
    const clients: TurnClient[] = [];
    const before = residentBytes(scene.pid);
    let codes: number[] = [];
    await scene.spare(`${wanted} allocations and ${BEYOND} beyond the bound`, async () => {
      for (let first = 0; first < wanted + BEYOND; first += AT_A_TIME) {
        const users = Array.from({ length: AT_A_TIME }, (_, index) => `user-${first + index}`);
        const opened = await Promise.all(users.map((user) => scene.openClient(user)));
        codes = codes.concat(await Promise.all(opened.map((client) => codeOf(client.allocate()))));
        clients.push(...opened);
      }
    });
    const granted = codes.filter((code) => code === 0).length;
    const refused = codes.filter((code) => code === 486 || code === 508).length;
    const full = residentBytes(scene.pid);
    const charged = group.get('memory.max_usage_in_bytes');
    scene.findings.push(
      exactly('allocations granted', granted, wanted),
      exactly('refused with 486 or 508', refused, codes.length - wanted),
      atMost(
        'memory of one allocation',
        (full - before) / granted,
        BYTES_PER_ALLOCATION_MAX,
        'bytes',
      ),
      atMost('resident', full / MEGABYTE, LIMIT_MEGABYTES, 'MB'),
      atMost('most that was charged', charged / MEGABYTE, LIMIT_MEGABYTES, 'MB'),
      exactly('/ready when it is full', (await scene.gateway.health('ready')) ?? 0, 503),
      isSo('the process lives', scene.gateway.process.child.isAlive),
    );
    for (let first = 0; first < clients.length; first += AT_A_TIME) {
      const some = clients.slice(first, first + AT_A_TIME);
      await Promise.all(some.map((client) => client.refresh(0).catch(() => 0)));
    }
    await scene.expectRecovery();
  });
}
