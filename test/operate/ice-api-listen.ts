import t from 'tap';

import { createIceApp } from '../../src/http/ice/app.ts';
import { listen } from '../../src/http/listen.ts';

t.test('the ICE API listens, and says why when it cannot', async (t) => {
  const open = () => {
    const app = createIceApp({ source: { gateways: () => [] } });
    t.teardown(async () => app.close());
    return app;
  };
  const url = await listen(open(), { host: '127.0.0.1', port: 0 });
  t.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
  const response = await fetch(`${url}/ice?service=turn`);
  t.equal(response.status, 500);
  t.equal(await response.text(), 'no STUNner configuration available\n');

  const port = Number(new URL(url).port);
  await t.rejects(listen(open(), { host: '127.0.0.1', port }), {
    code: 'GW_ERR_LISTEN',
    message: `the ICE API cannot listen on ${url}: address already in use; stop the other program, or choose another port`,
  });
  await t.rejects(listen(open(), { host: '192.0.2.1', port: 0 }, 'the console'), {
    code: 'GW_ERR_LISTEN',
    message:
      'the console cannot listen on http://192.0.2.1:0: this machine does not have that address',
  });
});
