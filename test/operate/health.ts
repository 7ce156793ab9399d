import t from 'tap';
import { missingBuild } from '../support/gateway-process.ts';
import { OperatedGateway } from '../support/operated-gateway.ts';
import { poll } from '../support/poll.ts';
import { TurnClient } from '../support/turn-client.ts';

const skip = missingBuild();
const USER = { username: 'alice', password: 'canary-password' };

t.test('health checks of a running gateway', { skip }, async (t) => {
  const gateway = await OperatedGateway.start(
    t,
    { limits: { allocations_max: 4 }, admin: { ready_fill_max: 0.75, drain_timeout: '1h' } },
    { staticUser: USER },
  );
  const { ports } = gateway;
  const check = async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${ports.health}${path}`, { method });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const allocate = async (): Promise<TurnClient> => {
    const client = await TurnClient.open({
      server: gateway.server,
      transport: 'udp',
      credential: USER,
    });
    t.teardown(() => client.close());
    await client.allocate();
    return client;
  };

  await t.test('all is well', async (t) => {
    for (const path of ['/live', '/ready', '/health', '/status']) {
      const { status, headers } = await check(path);
      t.equal(status, 200, path);
      t.equal(headers.get('cache-control'), 'no-store', path);
      const head = await check(path, 'HEAD');
      t.equal(head.status, 200, `HEAD ${path}`);
      t.equal(head.text, '', `HEAD ${path}`);
    }
    t.equal((await check('/live')).text, '{}\n');
    t.equal((await check('/ready')).text, '{"status":200,"message":"READY"}\n');
    t.equal((await check('/ready', 'POST')).status, 405);
    t.equal((await check('/api/v1/status')).status, 404);
  });

  await t.test('the status tells of nobody', async (t) => {
    const client = await allocate();
    const { text } = await check('/status');
    t.match(JSON.parse(text), {
      version: 'v1',
      admin: { name: 'under-test' },
      allocationCount: 1,
      status: 'READY',
      listeners: [{ protocol: 'TURN-UDP' }, { protocol: 'TURN-TCP' }],
      clusters: [{ name: 'peers' }],
    });
    t.notMatch(text, new RegExp(`alice|canary|127\\.0\\.0\\.1:${client.localPort}`));
  });

  await t.test('a gateway that is fuller than it should be wants no more', async (t) => {
    const clients = [await allocate(), await allocate()];
    const { status, text } = await check('/ready');
    t.equal(status, 503);
    t.match(JSON.parse(text), { status: 503, message: /3 of 4 allocations/ });
    t.equal((await check('/live')).status, 200);
    await clients[0]?.refresh(0);
    await poll(
      async () => (await check('/ready')).status,
      (answer) => answer === 200,
    );
  });

  await t.test('a drain shows at once', async (t) => {
    await gateway.call('POST', 'drain');
    const { status, text } = await check('/ready');
    t.equal(status, 503);
    t.match(JSON.parse(text), { status: 503, message: 'draining' });
    t.match(JSON.parse((await check('/status')).text), { status: 'TERMINATING' });
    await gateway.call('POST', 'undrain');
    t.equal((await check('/ready')).status, 200);
  });

  await t.test('SIGTERM shows while live calls go on', async (t) => {
    gateway.process.child.signal('SIGTERM');
    await poll(
      async () => (await check('/ready')).status,
      (answer) => answer === 503,
    );
    t.equal((await check('/live')).status, 200);
    t.match(JSON.parse((await check('/status')).text), { allocationCount: 2 });
    t.ok(gateway.process.child.isAlive);
  });
});
