import { once } from 'node:events';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { percentile } from '../../../bench/measure/statistics.ts';
import { ephemeralCredential } from '../../support/credentials.ts';
import { freePorts } from '../../support/free-ports.ts';
import { missingBuild } from '../../support/gateway-process.ts';
import { OperatedGateway, type Sections } from '../../support/operated-gateway.ts';
import { RelayLoad } from '../../support/relay-load.ts';
import { LOOPBACK_SERVER } from '../../support/server-under-test.ts';
import { TurnClient } from '../../support/turn-client.ts';
import { poll } from '../../support/poll.ts';

const READ_AGAIN = 'the configuration was read again';
const PROBLEMS = 'the configuration is kept: the new one has problems';
const { secret } = LOOPBACK_SERVER;
const CHANNEL = 0x4000;
/** More by hand: 1000 reloads with 500 clients. */
const RELOADS = Number(process.env['TURNPIKE_TEST_RELOADS'] ?? 40);
const CLIENTS = Number(process.env['TURNPIKE_TEST_RELOAD_CLIENTS'] ?? 100);
const RELOAD_EVERY_MS = 100;
const CONTROL_MS = 1000;

const skip = missingBuild();

for (const mode of ['reactor', 'portable'] as const) {
  t.test(`${mode}: reloads do not disturb those who relay`, { skip }, async (t) => {
    const gateway = await OperatedGateway.start(t, {}, { mode });
    const { server, peer } = gateway;
    const extraPort = await freePorts();
    const listeners = await listenersOf(gateway);
    const load = await RelayLoad.open({
      server,
      peer: peer.address,
      clients: mode === 'reactor' ? CLIENTS : 20,
      packetsPerSecond: 4,
      secret,
    });
    t.teardown(() => load.close());
    load.start();
    await pause(CONTROL_MS);
    const control = await load.stop();
    t.equal(control.received, control.sent, `control run: all of ${control.sent}`);

    load.start();
    const outcomes: Record<string, number> = {};
    const times: number[] = [];
    const begin = performance.now();
    for (let round = 1; round <= RELOADS; round++) {
      const isBroken = round % 10 === 0;
      const text = gateway.text(changesOf(round, listeners, extraPort));
      await gateway.write(isBroken ? text.replace('TURN-UDP', 'TURN-NONSENSE') : text);
      const { body, status } = await gateway.reload();
      outcomes[body.outcome] = (outcomes[body.outcome] ?? 0) + 1;
      times.push(body.milliseconds);
      if (isBroken) {
        if (status !== 422 || body.outcome !== 'failed') t.match(body, { outcome: 'failed' });
      } else if (body.outcome === 'failed') {
        t.fail(`round ${round}: ${body.problems.join('; ')}`);
      }
      await pauseUntil(begin + round * RELOAD_EVERY_MS);
    }
    const { sent, received } = await load.stop();
    t.equal(received, sent, `${RELOADS} reloads: all of ${sent} packets came back`);
    t.equal(outcomes['failed'], Math.floor(RELOADS / 10), 'each broken file, and no other, failed');
    t.ok(outcomes['applied'], 'some were applied');
    const [p99, longest] = [percentile(times, 0.99), Math.max(...times)];
    t.comment(`outcomes ${JSON.stringify(outcomes)}, p99 ${p99} ms, longest ${longest} ms`);
    const { allocations, listeners: served } = await gateway.status();
    t.equal(allocations.active, load.clients.length, 'no allocation is lost');
    t.equal(served.length, 3, 'the last good file, that of an odd round, is in force');
  });
}

t.test('what is written to the file comes into force', { skip }, async (t) => {
  const gateway = await OperatedGateway.start(t);
  let count = 0;
  const follow = async (write: () => Promise<unknown>, message: string): Promise<void> => {
    await write();
    await gateway.waitForRecords(READ_AGAIN, ++count);
    t.match(gateway.records(READ_AGAIN).at(-1), { trigger: 'file', outcome: 'applied' }, message);
  };
  await follow(() => gateway.write(gateway.text({ admin: { user_quota: 5 } })), 'renamed');
  await follow(
    () => writeFile(gateway.process.file, gateway.text({ admin: { user_quota: 6 } })),
    'truncated and written',
  );
  await gateway.write('version: v1\nlisteners: 5\n');
  await gateway.waitForRecords(PROBLEMS, 1);
  const [{ level, trigger, problems } = {}] = gateway.records(PROBLEMS);
  t.match({ level, trigger }, { level: 'error', trigger: 'file' });
  t.match((problems as string[]).at(-1), /:2:12: listeners: must be a list$/);
  const { body } = await gateway.call('GET', 'config');
  t.match(body, { admin: { user_quota: 6 } }, 'a broken file changes nothing');
  await follow(
    () => gateway.write(gateway.text({ admin: { user_quota: 7 } })),
    'after a broken one',
  );

  gateway.process.child.signal('SIGHUP');
  await gateway.waitForRecords(READ_AGAIN, ++count);
  t.match(gateway.records(READ_AGAIN).at(-1), { trigger: 'SIGHUP', outcome: 'unchanged' });
});

t.test('a mounted ConfigMap comes into force when it is swapped', { skip }, async (t) => {
  const gateway = await OperatedGateway.start(t);
  const folder = join(gateway.process.file, '..');
  const mount = async (version: string, text: string): Promise<void> => {
    await mkdir(join(folder, version));
    await writeFile(join(folder, version, 'turnpike.yaml'), text);
    await symlink(version, join(folder, '..data_tmp'));
    await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  };
  await mount('..1', gateway.text({ admin: { user_quota: 3 } }));
  await rm(gateway.process.file);
  await symlink(join('..data', 'turnpike.yaml'), gateway.process.file);
  await poll(
    async () => quotaOf(gateway),
    (quota) => quota === 3,
  );
  t.pass('as a link');
  await mount('..2', gateway.text({ admin: { user_quota: 4 } }));
  await poll(
    async () => quotaOf(gateway),
    (quota) => quota === 4,
  );
  t.pass('swapped with its folder');
});

t.test('a dry run changes nothing and says what would change', { skip }, async (t) => {
  const gateway = await OperatedGateway.start(t, { relay: { workers: 2 } });
  // The watch would bring it into force as well, but not what is broken only on this host.
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const { port } = taken.address() as { port: number };
  const listener = { name: 'taken', protocol: 'TURN-TCP', bind: '127.0.0.1', port, routes: [] };
  const listeners = [...(await listenersOf(gateway)), listener];
  await gateway.write(gateway.text({ listeners, relay: { workers: 1 } }));
  const dry = await gateway.reload(true);
  t.match(dry.body, {
    outcome: 'dryRun',
    changes: [{ path: 'listeners.taken' }, { path: 'relay.workers', effect: 'restart' }],
    kept: ['relay.workers'],
  });
  const real = await gateway.reload();
  t.equal(real.status, 422);
  t.match(real.body, { outcome: 'failed', problems: [/taken.*in use/] });
  const { listeners: served } = await gateway.status();
  t.equal(served.length, 2, 'everything is as before');
});

t.test('a route that is removed cuts what flows over it, and comes back', { skip }, async (t) => {
  const gateway = await OperatedGateway.start(t);
  const client = await TurnClient.open({
    server: gateway.server,
    credential: ephemeralCredential(secret, 'alice'),
  });
  t.teardown(() => client.close());
  await client.allocate();
  await client.channelBind(CHANNEL, gateway.peer.address);
  let echoes = 0;
  client.onData = () => void echoes++;
  const echo = async (): Promise<number> => {
    client.sendOnChannel(CHANNEL, Buffer.from('echo'));
    await pause(20);
    return echoes;
  };
  await poll(echo, (count) => count > 0);

  await gateway.write(gateway.text({ clusters: [], listeners: await listenersOf(gateway, []) }));
  const removed = await gateway.reload();
  t.not(removed.body.outcome, 'failed');
  const before = echoes;
  await echo();
  await echo();
  t.equal(echoes, before, 'nothing comes back any more');
  await t.rejects(client.channelBind(CHANNEL, gateway.peer.address), { code: 403 });
  t.ok(await gateway.metric('turnpike_drops_total{reason="unknownChannel"}'), 'and it is counted');

  await gateway.write(gateway.text());
  await gateway.reload();
  await client.channelBind(CHANNEL, gateway.peer.address);
  await poll(echo, (count) => count > before);
  t.pass('with the route it may flow again');
});

t.test('secrets rotate while calls go on', { skip }, async (t) => {
  const gateway = await OperatedGateway.start(t);
  const newSecret = 'another-secret-for-tests-only';
  const open = (own: string, user: string): Promise<TurnClient> =>
    TurnClient.open({ server: gateway.server, credential: ephemeralCredential(own, user) });
  const old = await open(secret, 'alice');
  await old.allocate();
  const reload = async (credentials: object): Promise<void> => {
    await gateway.write(gateway.text({ auth: { type: 'ephemeral', credentials } }));
    await gateway.reload();
  };
  await reload({ secret: undefined, secrets: [newSecret, secret] });
  t.equal(await old.refresh(700), 700, 'the old secret is accepted next to the new one');
  const fresh = await open(newSecret, 'bob');
  await fresh.allocate();
  await reload({ secret: newSecret });
  await t.rejects(old.refresh(700), { code: 401 }, 'and no more after the rotation');
  t.equal(await fresh.refresh(700), 700);
  await Promise.all([old.close(), fresh.close()]);
});

t.test('HTTP endpoints move, also to a port that another one leaves', { skip }, async (t) => {
  const gateway = await OperatedGateway.start(t);
  const { api, health, metrics } = gateway.ports;
  const at = (port: number, host = '127.0.0.1'): string => `http://${host}:${port}`;
  const apply = async (admin: object): Promise<void> => {
    await gateway.write(gateway.text({ admin }));
    const { body } = await gateway.reload();
    t.not(body.outcome, 'failed', JSON.stringify(body.problems));
  };
  const answers = async (url: string): Promise<number | undefined> => {
    const response = await fetch(url).catch(() => undefined);
    await response?.text();
    return response?.status;
  };
  await apply({ healthcheck_endpoint: at(metrics), metrics_endpoint: at(health) });
  t.equal(await answers(`${at(metrics)}/live`), 200, 'two ports exchanged');
  t.equal(await answers(`${at(health)}/metrics`), 200);
  await apply({ healthcheck_endpoint: at(health, '0.0.0.0'), metrics_endpoint: '' });
  t.equal(await answers(`${at(health)}/live`), 200, 'the same port on every address');
  t.equal(await answers(`${at(metrics)}/live`), undefined, 'the old place is closed');

  const taken = createServer().listen(metrics, '127.0.0.1');
  await once(taken, 'listening');
  const refused = { healthcheck_endpoint: at(metrics), metrics_endpoint: '' };
  await gateway.write(gateway.text({ admin: refused }));
  t.match((await gateway.reload()).body, { outcome: 'failed', problems: [/health check.*in use/] });
  t.equal(await answers(`${at(health)}/live`), 200, 'a port that is taken changes nothing');
  taken.close();

  // To the port of the health check, which goes: the answer comes over the connection that was asked on.
  await apply({ api_endpoint: at(health), healthcheck_endpoint: '', metrics_endpoint: '' });
  t.equal(await answers(`${at(health)}/api/v1/status`), 200, 'the admin API moves itself');
  t.equal(await answers(`${at(api)}/api/v1/status`), undefined);
});

/** Changes of every kind that must not touch a live allocation. */
function changesOf(round: number, listeners: readonly object[], extraPort: number): Sections {
  const isOdd = round % 2 === 1;
  const extra = { name: 'extra', protocol: 'TURN-UDP', bind: '127.0.0.1', port: extraPort };
  return {
    admin: { user_quota: 1000 + round, loglevel: isOdd ? 'all:INFO' : 'all:INFO,turn:DEBUG' },
    auth: {
      realm: 'example.org',
      credentials: isOdd
        ? { secret: undefined, secrets: ['a-newer-secret-for-tests', secret] }
        : { secret },
    },
    limits: { permissions_per_allocation_max: 10 + (round % 7) },
    ...(isOdd ? { listeners: [...listeners, extra] } : {}),
  };
}

async function listenersOf(
  gateway: OperatedGateway,
  routes: readonly string[] = ['peers'],
): Promise<object[]> {
  const { listeners } = await gateway.status();
  return listeners.map(({ name, protocol, bind, port }) => ({
    name,
    protocol,
    bind,
    port,
    public_address: '127.0.0.1',
    routes,
  }));
}

async function quotaOf(gateway: OperatedGateway): Promise<unknown> {
  const { body } = await gateway.call('GET', 'config');
  return (body as { admin: { user_quota?: number } }).admin.user_quota;
}

async function pauseUntil(at: number): Promise<void> {
  await pause(Math.max(0, at - performance.now()));
}
