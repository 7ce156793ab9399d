import t from 'tap';
import { installCaller } from '../support/browser-caller.ts';
import { missingChromium, openChromium } from '../support/chromium.ts';
import { expectEchoCall } from '../support/echo-call.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { IS_COTURN_UNDER_TEST, startServer } from '../support/server-under-test.ts';

const CALLS = [
  { mode: 'reactor', transport: 'udp' },
  { mode: 'reactor', transport: 'tcp' },
  { mode: 'portable', transport: 'udp' },
  { mode: 'portable', transport: 'tcp' },
] as const;

const skip = missingChromium() || (!IS_COTURN_UNDER_TEST && missingBuild());

t.test('Chromium reaches a peer through the relay alone', { skip }, async (t) => {
  const browser = await openChromium();
  t.teardown(() => browser.close());
  const caller = await installCaller(browser.page);

  for (const { mode, transport } of CALLS) {
    await t.test(`${mode} mode, TURN over ${transport}`, async (t) => {
      const server = await startServer({ mode });
      t.teardown(() => server.stop());
      const iceServer = await server.iceServer('alice');
      const urls = iceServer.urls.filter((url) => url.endsWith(`?transport=${transport}`));
      t.equal(urls.length, 1, 'one URI of this transport');
      await expectEchoCall(t, caller, { ...iceServer, urls }, transport, server.lines);
    });
  }
});
