import t from 'tap';
import { ephemeralCredential } from '../support/credentials.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { OperatedGateway } from '../support/operated-gateway.ts';
import { poll } from '../support/poll.ts';
import { RelayLoad } from '../support/relay-load.ts';
import { LOOPBACK_SERVER } from '../support/server-under-test.ts';
import { TurnClient } from '../support/turn-client.ts';

const { secret } = LOOPBACK_SERVER;
const CLIENTS = 40;
const skip = missingBuild();

for (const mode of ['reactor', 'portable'] as const) {
  t.test(`${mode}: SIGTERM lets calls end`, { skip }, async (t) => {
    const gateway = await OperatedGateway.start(t, { admin: { drain_timeout: '1h' } }, { mode });
    const { server, peer, process } = gateway;
    const load = await RelayLoad.open({
      server,
      peer: peer.address,
      clients: CLIENTS,
      packetsPerSecond: 10,
      secret,
    });
    t.teardown(() => load.close());
    t.equal(await gateway.health('ready'), 200);
    load.start();
    const begin = performance.now();
    process.child.signal('SIGTERM');
    await poll(
      () => gateway.health('ready'),
      (status) => status === 503,
    );
    t.comment(`not ready after ${Math.round(performance.now() - begin)} ms`);
    t.equal(await gateway.health('health'), 503);
    t.equal(await gateway.health('live'), 200, 'still alive');
    const newcomer = await open(gateway, 'newcomer');
    await t.rejects(newcomer.allocate(), { code: 508 }, 'new allocations are refused');
    await poll(
      () => load.count.received,
      (count) => count > CLIENTS * 5,
    );
    const { sent, received } = await load.stop();
    t.equal(received, sent, `live calls lost nothing of ${sent}`);
    t.ok(process.child.isAlive, 'waits for them');
    await Promise.all(load.clients.map((client) => client.refresh(0)));
    const { exitCode } = await process.child.ended;
    t.equal(exitCode, 0, 'ends in good order with the last of them');
    await newcomer.close();
  });
}

t.test('the deadline ends what is left', { skip }, async (t) => {
  const gateway = await OperatedGateway.start(t, { admin: { drain_timeout: '1s' } });
  const client = await open(gateway, 'alice');
  await client.allocate();
  gateway.process.child.signal('SIGTERM');
  const { exitCode } = await gateway.process.child.ended;
  t.equal(exitCode, 0);
  await client.close();
});

t.test('a second signal stops at once', { skip }, async (t) => {
  const gateway = await OperatedGateway.start(t, { admin: { drain_timeout: '1h' } });
  const client = await open(gateway, 'alice');
  await client.allocate();
  gateway.process.child.signal('SIGTERM');
  await gateway.waitForRecords('waiting for live allocations; a second signal stops at once', 1);
  gateway.process.child.signal('SIGTERM');
  const { exitCode } = await gateway.process.child.ended;
  t.equal(exitCode, 1);
  await client.close();
});

t.test('drain and undrain over the admin API and by SIGUSR1', { skip }, async (t) => {
  const admin = { alternate_servers: ['192.0.2.9:3479'] };
  const gateway = await OperatedGateway.start(t, { admin });
  const client = await open(gateway, 'alice');
  await client.allocate();
  t.equal((await gateway.call('POST', 'drain')).status, 200);
  t.equal((await gateway.status()).state, 'draining');
  t.equal(await gateway.health('ready'), 503);
  const other = await open(gateway, 'bob');
  await t.rejects(other.allocate(), { code: 300 }, 'sent to the other server');
  t.equal(await client.refresh(700), 700, 'what lives goes on');
  t.equal((await gateway.call('POST', 'undrain')).status, 200);
  t.equal(await gateway.health('ready'), 200);
  await other.allocate();
  gateway.process.child.signal('SIGUSR1');
  await poll(
    () => gateway.health('ready'),
    (status) => status === 503,
  );
  t.ok(gateway.process.child.isAlive);
  await Promise.all([client.close(), other.close()]);
});

function open(gateway: OperatedGateway, user: string): Promise<TurnClient> {
  return TurnClient.open({ server: gateway.server, credential: ephemeralCredential(secret, user) });
}
