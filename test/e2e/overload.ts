import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import t from 'tap';
import { METHOD } from '../../src/stun/registry.ts';
import { unsigned } from '../support/core/test-client.ts';
import { ephemeralCredential } from '../support/credentials.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { OperatedGateway } from '../support/operated-gateway.ts';
import { poll } from '../support/poll.ts';
import { LOOPBACK_SERVER } from '../support/server-under-test.ts';
import { TurnClient } from '../support/turn-client.ts';

/** More than the queue of a listener holds when all are sent twice. */
const REQUESTS = 8000;

const skip = missingBuild() || (process.platform !== 'linux' && 'the queue is that of Linux');

t.test('whoever asks again is answered out of a full queue', { skip }, async (t) => {
  const gateway = await OperatedGateway.start(t, { relay: { workers: 1 } });
  const socket = createSocket('udp4');
  t.teardown(() => socket.close());
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { child } = gateway.process;
  child.signal('SIGSTOP');
  for (let number = 0; number < REQUESTS; number++) {
    const id = new Uint8Array(12);
    new DataView(id.buffer).setUint32(0, number);
    const request = unsigned(METHOD.BINDING, id);
    socket.send(request, gateway.ports.turn, '127.0.0.1');
    await new Promise((resolve) => socket.send(request, gateway.ports.turn, '127.0.0.1', resolve));
  }
  child.signal('SIGCONT');
  let last: number | undefined;
  const { received, sent, dropped } = await poll(
    () => countsOf(gateway),
    (counts) => {
      const isOver = counts.received === last && last === counts.sent + counts.dropped;
      last = counts.received;
      return isOver && last > 0;
    },
  );
  t.comment(`${received} of ${2 * REQUESTS} received, ${sent} answered, ${dropped} dropped`);
  t.ok(dropped > 0, 'some were dropped when they came first');
  t.ok(sent >= dropped, 'and answered when they came again');

  const credential = ephemeralCredential(LOOPBACK_SERVER.secret, 'newcomer');
  const client = await TurnClient.open({ server: gateway.server, credential });
  t.teardown(() => client.close());
  await client.allocate();
  t.equal((await countsOf(gateway)).dropped, dropped, 'afterwards nobody has to ask twice');
});

async function countsOf(gateway: OperatedGateway) {
  const count = async (series: string): Promise<number> => (await gateway.metric(series)) ?? 0;
  const packets = `stunner_listener_packets_total{name="test/gateway/udp-127.0.0.1",direction=`;
  return {
    received: await count(`${packets}"rx"}`),
    sent: await count(`${packets}"tx"}`),
    dropped: await count('turnpike_drops_total{reason="overloaded"}'),
  };
}
