import t from 'tap';
import { createMetricsApp } from '../../src/http/metrics/app.ts';
import { createMetrics } from '../../src/metrics/registry.ts';
import { Exposition } from '../support/exposition.ts';
import { MetricsScene } from '../support/metrics-scene.ts';

const metrics = createMetrics(new MetricsScene().source);

t.test('what is served, and what is not', async (t) => {
  const cases = [
    { path: '/', method: 'GET', url: '/', status: 200 },
    { path: '/', method: 'GET', url: '/metrics', status: 200 },
    { path: '/', method: 'GET', url: '/metrics?x=%zz', status: 200 },
    { path: '/', method: 'HEAD', url: '/metrics', status: 200 },
    { path: '/', method: 'GET', url: '/other', status: 404 },
    { path: '/', method: 'GET', url: '/metrics/', status: 404 },
    { path: '/', method: 'HEAD', url: '/other', status: 404 },
    { path: '/', method: 'POST', url: '/other', status: 404 },
    { path: '/', method: 'POST', url: '/metrics', status: 405 },
    { path: '/', method: 'DELETE', url: '/', status: 405 },
    { path: '/', method: 'GET', url: '/%zz', status: 400 },
    { path: '/own', method: 'GET', url: '/own', status: 200 },
    { path: '/own', method: 'GET', url: '/metrics', status: 200 },
    { path: '/own', method: 'GET', url: '/', status: 404 },
    { path: '/:a/*', method: 'GET', url: '/:a/*', status: 200 },
    { path: '/:a/*', method: 'GET', url: '/b/c', status: 404 },
  ] as const;
  for (const { path, method, url, status } of cases) {
    const app = createMetricsApp({ metrics, path });
    const { statusCode, headers, body } = await app.inject({ method, url });
    const what = `${method} ${url} where ${path} is configured`;
    t.equal(statusCode, status, what);
    t.equal(headers['x-content-type-options'], 'nosniff', what);
    t.equal(headers['cache-control'], 'no-store', what);
    t.equal(headers['content-security-policy'], "default-src 'none'; frame-ancestors 'none'", what);
    t.equal(headers['allow'], status === 405 ? 'GET, HEAD' : undefined, what);
    if (status === 200) {
      t.equal(headers['content-type'], metrics.contentType, what);
      t.ok(Number(headers['content-length']) > 1000, `${what}: length`);
    }
    if (status === 200 && method === 'GET') {
      t.equal(new Exposition(body).value('turnpike_ready'), 1, what);
    } else if (method === 'HEAD') {
      t.equal(body, '', what);
    } else {
      t.match(body, /^[a-z ]+\n$/, `${what}: nothing of the request comes back`);
    }
    await app.close();
  }
});

t.test('a request with a body is refused', async (t) => {
  const app = createMetricsApp({ metrics, path: '/' });
  for (const contentType of ['application/json', 'text/plain']) {
    const headers = { 'content-type': contentType };
    const { statusCode } = await app.inject({ method: 'POST', url: '/', headers, payload: '{' });
    t.ok([405, 415].includes(statusCode), `${contentType}: ${statusCode}`);
  }
  await app.close();
});

t.test('what a client does wrong is no failure of the gateway', async (t) => {
  const failures: unknown[] = [];
  const app = createMetricsApp({ metrics, path: '/', onFailure: (error) => failures.push(error) });
  for (const contentType of ['te;t/plain', 'application/x-www-form\u00a4urlencoded', 'x']) {
    for (const method of ['DELETE', 'PATCH', 'POST', 'PUT'] as const) {
      const headers = { 'content-type': contentType };
      const { statusCode } = await app.inject({ method, url: '/other', headers, payload: '{' });
      t.ok(statusCode >= 400 && statusCode < 500, `${method} ${contentType}: ${statusCode}`);
    }
  }
  t.strictSame(failures, []);
  await app.close();
});

t.test('a scrape that fails tells the operator, and the client nothing', async (t) => {
  const failures: unknown[] = [];
  const failure = new Error('the secret inside');
  const app = createMetricsApp({
    metrics: { contentType: metrics.contentType, scrape: () => Promise.reject(failure) },
    path: '/',
    onFailure: (reason) => failures.push(reason),
  });
  const { statusCode, body, headers } = await app.inject('/metrics');
  t.equal(statusCode, 500);
  t.equal(body, 'the metrics could not be read\n');
  t.match(headers['content-type'], /^text\/plain/);
  t.strictSame(failures, [failure]);
  await app.close();
});
