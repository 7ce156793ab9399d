import { RELAY_PORTS } from '../../../test/support/free-ports.ts';
import { codeOf, type TurnClient } from '../../../test/support/turn-client.ts';
import type { Scenario } from '../../scenario.ts';
import { missingForFaults, FaultScene } from '../../support/fault-scene.ts';
import { exactly } from '../../support/findings.ts';

const CALLS = 40;
/** More than a restart of the search for a free port needs. */
const SPARE_PORTS = 60;
const ROUNDS = 20;
/** No other process has ports there. */
const RELAY_ADDRESS = '127.0.61.7';
const USED = 'turnpike_relay_ports_used{family="ipv4"}';

/** Asks for more relay ports than there are, again and again. */
export const ports: Scenario = {
  name: 'ports',
  promise:
    'a full range of relay ports is answered 508, serves to its last port, and is whole again after each round',
  missing: missingForFaults,
  run: ({ scale }) => {
    const relay = {
      min_port: RELAY_PORTS.min,
      max_port: RELAY_PORTS.min + CALLS + SPARE_PORTS - 1,
    };
    const addresses = [{ bind: RELAY_ADDRESS, advertise: RELAY_ADDRESS }];
    const changes = { relay: { ...relay, addresses }, admin: { ready_fill_max: 1 } };
    return FaultScene.run({ calls: CALLS, changes }, async (scene) => {
      const clients: TurnClient[] = [];
      for (let count = 0; count < SPARE_PORTS + 20; count++) {
        clients.push(await scene.openClient(`newcomer-${count}`));
      }
      const rounds = Math.ceil(ROUNDS * scale);
      const wrong = { granted: 0, code: 0, notReady: 0, left: 0 };
      await scene.spare(`${rounds} times more Allocates than ports`, async () => {
        for (let round = 0; round < rounds; round++) await fill(scene, clients, wrong);
      });
      scene.findings.push(
        exactly('ports that nobody could have', wrong.granted, 0),
        exactly('refusals other than 508', wrong.code, 0),
        exactly('rounds in which it was still ready', wrong.notReady, 0),
        exactly('rounds after which a port was missing', wrong.left, 0),
      );
      await scene.expectRecovery();
    });
  },
};

async function fill(
  { gateway }: FaultScene,
  clients: readonly TurnClient[],
  wrong: Record<'granted' | 'code' | 'notReady' | 'left', number>,
): Promise<void> {
  const granted: TurnClient[] = [];
  for (const client of clients) {
    const code = await codeOf(client.allocate());
    if (code === 0) granted.push(client);
    else if (code !== 508) wrong.code += 1;
  }
  wrong.granted += SPARE_PORTS - granted.length;
  if ((await gateway.health('ready')) !== 503) wrong.notReady += 1;
  await Promise.all(granted.map((client) => client.refresh(0)));
  if ((await gateway.metric(USED)) !== CALLS) wrong.left += 1;
}
