import t from 'tap';
import { installCaller } from '../support/browser-caller.ts';
import { missingTool, within } from '../support/child-process.ts';
import { missingChromium, openChromium } from '../support/chromium.ts';
import { ephemeralCredential } from '../support/credentials.ts';
import { expectEchoCall } from '../support/echo-call.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { startSecureGateway, TestPki, tlsKeys } from '../support/secure-gateway.ts';
import type { IceServer } from '../support/server-under-test.ts';
import { candidateTypes } from '../support/webrtc.ts';

const GATHERING_MS_MAX = 60_000;

const skip = missingChromium() || missingTool('certutil') || missingBuild();

t.test('Chromium and TURN over TLS', { skip }, async (t) => {
  const pki = await TestPki.create(t);
  const pair = await pki.server();
  for (const mode of ['reactor', 'portable'] as const) {
    const gateway = await startSecureGateway(t, {
      mode,
      listeners: { tls: { protocol: 'TURN-TLS', tls: tlsKeys(pair) } },
    });
    const { username, password } = ephemeralCredential(gateway.secret, 'alice');
    const url = `turns:localhost:${gateway.server('tls').port}?transport=tcp`;
    const iceServer: IceServer = { urls: [url], username, credential: password };

    await t.test(`${mode}: with a trusted authority`, async (t) => {
      const browser = await openChromium({ trustedAuthority: pki.caFile });
      t.teardown(() => browser.close());
      const caller = await installCaller(browser.page);
      await expectEchoCall(t, caller, iceServer, 'tls', gateway.process.child.lines);
    });

    await t.test(`${mode}: with an unknown authority`, async (t) => {
      const browser = await openChromium();
      t.teardown(() => browser.close());
      const caller = await installCaller(browser.page);
      t.teardown(() => caller.hangUp());
      const offer = await within(GATHERING_MS_MAX, caller.offer(iceServer), () => 'too long');
      t.same(candidateTypes(offer), [], 'no candidate');
      await gateway.recorded('handshake failed', { reason: 'sslv3 alert certificate unknown' });
    });
  }
});
