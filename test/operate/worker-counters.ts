import t from 'tap';
import { CRASHABLE, crashWorkerOf } from '../support/crash-worker.ts';
import { ephemeralCredential } from '../support/credentials.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { OperatedGateway } from '../support/operated-gateway.ts';
import { poll } from '../support/poll.ts';
import { LOOPBACK_SERVER } from '../support/server-under-test.ts';
import { TurnClient } from '../support/turn-client.ts';

const CHANNEL = 0x4000;
const CLIENTS = 16;

const skip = missingBuild() || (process.platform !== 'linux' && 'relay workers run on Linux only');

t.test('what a dead worker has counted is not lost', { skip }, async (t) => {
  const gateway = await OperatedGateway.start(t, {}, {}, CRASHABLE);
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openCall(gateway)));
  t.teardown(() => Promise.all(clients.map((client) => client.close())));
  const [{ name } = { name: '' }] = (await gateway.status()).listeners;
  const received = `stunner_listener_packets_total{name="${name}",direction="rx"}`;
  const relayed = 'stunner_cluster_packets_total{name="peers",direction="tx"}';
  const { sessions } = await gateway.sessions();
  const counts = async (): Promise<readonly number[]> =>
    Promise.all([received, relayed].map(async (series) => (await gateway.metric(series)) ?? -1));
  const before = await counts();
  t.equal(before[1], CLIENTS, 'one packet of each client');

  const dying = sessions[0]!.worker;
  const survivors = sessions.filter(({ worker }) => worker !== dying).length;
  const victim = clients.find(({ localPort }) => sessions[0]!.client.endsWith(`:${localPort}`))!;
  const begin = performance.now();
  crashWorkerOf(victim);
  await gateway.waitForRecords('a relay worker was started again', 1);
  t.comment(`back after ${Math.round(performance.now() - begin)} ms`);
  const after = await counts();
  for (const [index, count] of before.entries()) {
    t.ok(after[index]! >= count, `${count}, then ${after[index]}`);
  }
  t.equal(
    await gateway.metric('stunner_allocations_active'),
    survivors,
    'those of the others live',
  );
  t.equal(await gateway.metric(`turnpike_worker_restarts_total{worker="${dying}"}`), 1);
  await poll(
    () => gateway.health('live'),
    (status) => status === 200,
  );

  await victim.allocate();
  await victim.channelBind(CHANNEL, gateway.peer.address);
  victim.sendOnChannel(CHANNEL, Buffer.from('again'));
  await victim.receive();
  t.equal((await counts())[1], CLIENTS + 1, 'the new worker counts on');
});

async function openCall(gateway: OperatedGateway): Promise<TurnClient> {
  const client = await TurnClient.open({
    server: gateway.server,
    credential: ephemeralCredential(LOOPBACK_SERVER.secret, 'alice'),
  });
  await client.allocate();
  await client.channelBind(CHANNEL, gateway.peer.address);
  client.sendOnChannel(CHANNEL, Buffer.from('echo'));
  await client.receive();
  return client;
}
