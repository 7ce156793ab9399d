import t from 'tap';
import type { GatewayStatus } from '../../src/http/admin/gateway-control.ts';
import { createHealthApp, type HealthSource } from '../../src/http/health/app.ts';
import type { HttpLogRecord } from '../../src/http/shared/answer-log.ts';
import { MemoryGateway } from './fixtures/memory-gateway.ts';

class MemoryHealth implements HealthSource {
  readonly gateway = new MemoryGateway();
  alive = true;
  ready: ReturnType<HealthSource['readiness']> = { isReady: true, reason: undefined };
  failure: Error | undefined;

  isAlive(): boolean {
    return this.alive;
  }

  readiness(): ReturnType<HealthSource['readiness']> {
    return this.ready;
  }

  status(): GatewayStatus {
    if (this.failure !== undefined) throw this.failure;
    const { isReady, reason } = this.ready;
    return { ...this.gateway.status(), isReady, notReadyReason: reason };
  }
}

t.test('checks answer for the moment, as those of STUNner do', async (t) => {
  const source = new MemoryHealth();
  const app = createHealthApp(source);
  const READY = '{"status":200,"message":"READY"}\n';
  const DRAINING = '{"status":503,"message":"draining"}\n';
  const STANDS = '{"status":503,"message":"a worker stands still"}\n';
  const check = async (path: string, statusCode: number, body: string) => {
    const response = await app.inject(path);
    t.equal(response.statusCode, statusCode, path);
    t.equal(response.body, body, path);
    t.equal(response.headers['content-type'], 'application/json; charset=utf-8');
    t.equal(response.headers['cache-control'], 'no-store');
    const head = await app.inject({ method: 'HEAD', url: path });
    t.equal(head.statusCode, statusCode, `HEAD ${path}`);
    t.equal(head.body, '');
    t.equal(head.headers['cache-control'], 'no-store');
  };
  await check('/live', 200, '{}\n');
  await check('/ready', 200, READY);
  await check('/health?from=load-balancer', 200, READY);
  source.ready = { isReady: false, reason: 'draining' };
  await check('/ready', 503, DRAINING);
  await check('/health', 503, DRAINING);
  await check('/live', 200, '{}\n');
  source.alive = false;
  await check('/live', 503, STANDS);
  source.ready = { isReady: true, reason: undefined };
  source.alive = true;
  await check('/live', 200, '{}\n');
  await check('/ready', 200, READY);
  source.ready = { isReady: false, reason: undefined };
  await check('/ready', 503, '{"status":503,"message":"not ready"}\n');
});

t.test('the status has the keys of STUNner, and tells of nobody', async (t) => {
  const source = new MemoryHealth();
  const app = createHealthApp(source);
  const response = await app.inject('/status');
  t.equal(response.statusCode, 200);
  const status = response.json<Record<string, unknown>>();
  t.match(status, {
    version: 'v1',
    admin: { name: 'gateway' },
    listeners: [
      { name: 'default/udp', protocol: 'TURN-UDP', port: 3478, public_address: '203.0.113.7' },
    ],
    clusters: [{ name: 'media', protocol: 'UDP', endpoints: ['10.0.0.0/24'] }],
    allocationCount: 3,
    status: 'READY',
    gatewayVersion: '1.2.3',
    state: 'running',
    isReady: true,
    isAlive: true,
    lastReload: { outcome: 'applied' },
  });
  t.notOk('auth' in status, 'no credentials');
  t.notMatch(response.body, /mallory|alice|198\.51\.100|realm/);

  source.ready = { isReady: false, reason: 'full' };
  t.match((await app.inject('/status')).json(), { status: 'NOT-READY', notReadyReason: 'full' });
  source.gateway.state = 'draining';
  t.match((await app.inject('/status')).json(), { status: 'TERMINATING', state: 'draining' });
});

t.test('nothing else is served', async (t) => {
  const source = new MemoryHealth();
  const records: HttpLogRecord[] = [];
  const app = createHealthApp(source, { log: (record) => records.push(record) });
  const cases = [
    ['POST', '/ready', 405],
    ['DELETE', '/live', 405],
    ['GET', '/', 404],
    ['GET', '/metrics', 404],
    ['GET', '/%zz', 400],
    ['GET', `/${'x'.repeat(5000)}`, 414],
  ] as const;
  for (const [method, url, statusCode] of cases) {
    const response = await app.inject({ method, url });
    t.equal(response.statusCode, statusCode, `${method} ${url.slice(0, 20)}`);
    t.equal(response.headers.allow, statusCode === 405 ? 'GET, HEAD' : undefined);
    t.match(response.json(), { statusCode, code: /^HEALTH_ERR_/ });
    t.equal(response.headers['cache-control'], 'no-store');
  }
  source.failure = new Error('canary-inside');
  const broken = await app.inject('/status');
  t.equal(broken.statusCode, 500);
  t.notMatch(broken.body, /canary/);
  t.match(records.at(-1), { route: '/status', failure: { message: 'canary-inside' } });
});
