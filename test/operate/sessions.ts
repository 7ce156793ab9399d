import t from 'tap';
import type { SessionEntry } from '../../src/http/admin/gateway-control.ts';
import { ephemeralCredential } from '../support/credentials.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { OperatedGateway } from '../support/operated-gateway.ts';
import { poll } from '../support/poll.ts';
import { RelayLoad } from '../support/relay-load.ts';
import { LOOPBACK_SERVER } from '../support/server-under-test.ts';
import { TurnClient } from '../support/turn-client.ts';

const { secret } = LOOPBACK_SERVER;
const CHANNEL = 0x4000;
const skip = missingBuild();

for (const mode of ['reactor', 'portable'] as const) {
  t.test(`${mode}: an expired credential ends its allocation`, { skip }, async (t) => {
    const gateway = await OperatedGateway.start(t, { auth: { on_expiry: 'close' } }, { mode });
    const expiresAt = Math.floor(Date.now() / 1000) + 2;
    const client = await TurnClient.open({
      server: gateway.server,
      credential: ephemeralCredential(secret, 'alice', expiresAt),
    });
    t.teardown(() => client.close());
    await client.allocate();
    await client.channelBind(CHANNEL, gateway.peer.address);
    client.sendOnChannel(CHANNEL, Buffer.from('before'));
    await client.receive();
    await poll(
      () => gateway.metric('stunner_allocations_active'),
      (count) => count === 0,
    );
    t.ok(Date.now() / 1000 > expiresAt, 'not before its time');
    const [{ reason } = {}] = gateway.records('allocation ended');
    t.equal(reason, 'credentialExpired');
    const before = gateway.peer.arrived;
    client.sendOnChannel(CHANNEL, Buffer.from('after'));
    await t.rejects(client.refresh(600), { code: 401 }, 'and the credential is worth nothing');
    t.equal(gateway.peer.arrived, before, 'nothing is relayed any more');
  });

  t.test(`${mode}: a revoked user is cut on every worker`, { skip }, async (t) => {
    const gateway = await OperatedGateway.start(t, {}, { mode });
    const { server, peer } = gateway;
    const clients = await Promise.all(
      Array.from({ length: 12 }, () => openCall(gateway, 'mallory')),
    );
    const load = await RelayLoad.open({
      server,
      peer: peer.address,
      clients: 10,
      packetsPerSecond: 20,
      secret,
    });
    t.teardown(() => load.close());
    load.start();
    const { sessions, total } = await gateway.sessions('?user=mallory');
    t.equal(total, clients.length);
    if (mode === 'reactor') t.equal(workersOf(sessions).size, 2, 'spread over the workers');
    let echoes = 0;
    for (const client of clients) client.onData = () => void echoes++;
    const begin = performance.now();
    const revoked = await gateway.call('POST', 'revoke', { user: 'mallory' });
    t.match(revoked, { status: 200, body: { userId: 'mallory', ended: clients.length } });
    t.comment(`cut after ${Math.round(performance.now() - begin)} ms`);
    for (const client of clients) client.sendOnChannel(CHANNEL, Buffer.from('after'));
    for (const client of clients) {
      await t.rejects(client.refresh(600), { code: 401 }, 'refused with a live credential');
    }
    t.equal(echoes, 0, 'nothing came back');
    const { sent, received } = await load.stop();
    t.equal(received, sent, `others lost nothing of ${sent}`);
    t.equal(
      await gateway.metric('turnpike_authentication_failures_total{reason="revoked"}'),
      clients.length,
    );
    await Promise.all(clients.map((client) => client.close()));
  });
}

t.test('sessions are listed live and kicked by id or user', { skip }, async (t) => {
  const gateway = await OperatedGateway.start(t);
  const alice = await openCall(gateway, 'alice');
  const bob = [await openCall(gateway, 'bob'), await openCall(gateway, 'bob')];
  t.teardown(() => Promise.all([alice, ...bob].map((client) => client.close())));
  for (let count = 0; count < 5; count++) {
    alice.sendOnChannel(CHANNEL, Buffer.alloc(100));
    await alice.receive();
  }
  const sessions = async (query = ''): Promise<readonly SessionEntry[]> =>
    (await gateway.sessions(query)).sessions;
  t.equal((await sessions()).length, 3);
  const [own] = await sessions('?user=alice');
  t.match(own, {
    user: 'alice',
    transport: 'udp',
    permissions: ['127.0.0.1'],
    channels: [{ number: CHANNEL, peer: gateway.peer.address.toString() }],
    receivedPackets: 6,
    sentPackets: 6,
    receivedBytes: 500 + 4,
    sentBytes: 500 + 4,
  });
  t.equal((await gateway.call('DELETE', `sessions/${own!.id}`)).status, 200);
  t.equal((await gateway.call('DELETE', `sessions/${own!.id}`)).status, 404, 'it is gone');
  await t.rejects(alice.refresh(600), { code: 437 });
  t.equal((await gateway.call('DELETE', 'sessions?user=bob')).status, 200);
  t.equal((await sessions()).length, 0);
  const kicked = gateway.records('allocation ended').filter(({ reason }) => reason === 'kicked');
  t.equal(kicked.length, 3);
  const audit = gateway.records('an operator acted');
  t.equal(audit.length, 3, 'and who did it is noted');
  await alice.allocate();
  t.pass('who was kicked may come back');
});

t.test('rates hold over all workers', { skip }, async (t) => {
  const limits = { packets_per_second_per_user: 20, unauthenticated_per_second_per_address: 0 };
  const gateway = await OperatedGateway.start(t, { limits });
  const clients = await Promise.all(Array.from({ length: 8 }, () => openCall(gateway, 'alice')));
  t.teardown(() => Promise.all(clients.map((client) => client.close())));
  let echoes = 0;
  for (const client of clients) client.onData = () => void echoes++;
  for (let round = 0; round < 100; round++) {
    for (const client of clients) client.sendOnChannel(CHANNEL, Buffer.from('much'));
  }
  const dropped = await poll(
    () => gateway.metric('turnpike_drops_total{reason="userRateExceeded"}'),
    (count) => (count ?? 0) > 600,
  );
  t.ok(dropped, `${dropped} of 800 packets were too many, ${echoes} came back`);
  t.ok(echoes < 100, 'what is left is the rate of the seconds that it took');
});

async function openCall(gateway: OperatedGateway, user: string): Promise<TurnClient> {
  const client = await TurnClient.open({
    server: gateway.server,
    credential: ephemeralCredential(secret, user),
  });
  await client.allocate();
  await client.channelBind(CHANNEL, gateway.peer.address);
  client.sendOnChannel(CHANNEL, Buffer.from('echo'));
  await client.receive();
  return client;
}

function workersOf(sessions: readonly SessionEntry[]): Set<number> {
  return new Set(sessions.map(({ worker }) => worker));
}
