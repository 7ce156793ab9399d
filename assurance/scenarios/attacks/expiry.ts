import { setTimeout as pause } from 'node:timers/promises';
import { ephemeralCredential } from '../../../test/support/credentials.ts';
import { missingBuild } from '../../../test/support/gateway-process.ts';
import { OperatedGateway } from '../../../test/support/operated-gateway.ts';
import { LOOPBACK_SERVER } from '../../../test/support/server-under-test.ts';
import { TurnClient } from '../../../test/support/turn-client.ts';
import type { Finding, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { atLeast, atMost, count } from '../../support/finding.ts';

const TTL_SECONDS = 3;
const GRACE_SECONDS = 60;
const WATCH_SECONDS = 5;
const SEND_MS = 20;
const CHANNEL = 0x4000;
const CLIENTS = 50;
const ROTATION_SECONDS = 15;
const { secret } = LOOPBACK_SERVER;
const NEW_SECRET = 'another-secret-for-tests-only';

/** A credential is worth nothing when it has expired, and everything until then. */
export const expiry: Scenario = {
  name: 'expiry',
  promise:
    'nothing is relayed after a credential has expired, and a rotated secret disturbs nobody',
  missing: missingBuild,
  run: async (options) => [
    ...(await Cleanup.around((t) => expired(t, options))),
    ...(await Cleanup.around((t) => rotated(t, options))),
  ],
};

/** Sends without end, as a client would that does not care. */
async function expired(t: Cleanup, { progress }: ScenarioOptions): Promise<readonly Finding[]> {
  progress(`a call whose credential expires, for ${GRACE_SECONDS} seconds and more`);
  const gateway = await OperatedGateway.start(t, { auth: { on_expiry: 'close' } });
  const expiresAt = Math.floor(Date.now() / 1000) + TTL_SECONDS;
  const client = await TurnClient.open({
    server: gateway.server,
    credential: ephemeralCredential(secret, 'alice', expiresAt),
  });
  t.teardown(() => client.close());
  await client.allocate();
  await client.channelBind(CHANNEL, gateway.peer.address);
  const end = (expiresAt + GRACE_SECONDS + WATCH_SECONDS) * 1000;
  const payload = Buffer.alloc(100);
  let [before, late, lastAfter] = [0, 0, 0];
  let seen = 0;
  while (Date.now() < end) {
    client.sendOnChannel(CHANNEL, payload);
    await pause(SEND_MS);
    const relayed = gateway.peer.received.length - seen;
    seen += relayed;
    const after = Date.now() / 1000 - expiresAt;
    if (after < 0) before += relayed;
    if (relayed > 0) lastAfter = after;
    if (after > GRACE_SECONDS) late += relayed * payload.length;
  }
  const last = `the last packet came ${lastAfter.toFixed(1)} s after it`;
  return [
    atLeast('packets before the credential expires', before, 1, count(before)),
    atMost('bytes relayed later than 60 s after it', late, 0, `${late} (${last})`),
  ];
}

/** Clients with old and with new credentials refresh without a pause while the secret changes. */
async function rotated(
  t: Cleanup,
  { scale, progress }: ScenarioOptions,
): Promise<readonly Finding[]> {
  progress('a secret that rotates under load');
  const gateway = await OperatedGateway.start(t);
  const stages = [[secret], [NEW_SECRET, secret]];
  const refreshing = new AbortController();
  const counts = { refreshed: 0, failed: 0 };
  const open = async (from: string, index: number): Promise<void> => {
    const credential = ephemeralCredential(from, `user-${index}`);
    const client = await TurnClient.open({ server: gateway.server, credential });
    t.teardown(() => client.close());
    await client.allocate();
    while (!refreshing.signal.aborted) {
      const isDone = await client.refresh(600).then(
        () => true,
        () => false,
      );
      if (isDone) counts.refreshed++;
      else counts.failed++;
      await pause(SEND_MS);
    }
  };
  const running = Array.from({ length: CLIENTS }, (_, index) => open(secret, index));
  let reloads = 0;
  const end = performance.now() + ROTATION_SECONDS * scale * 1000;
  while (performance.now() < end) {
    const secrets = stages[++reloads % stages.length]!;
    await gateway.write(gateway.text({ auth: { credentials: { secrets, secret: undefined } } }));
    const { status } = await gateway.reload();
    if (status !== 200) throw new Error(`a reload answers ${status}`);
    if (reloads === 1) {
      running.push(...Array.from({ length: CLIENTS }, (_, index) => open(secret, CLIENTS + index)));
    }
    await pause(SEND_MS * 10);
  }
  refreshing.abort();
  await Promise.all(running);
  const text = `${counts.failed} of ${count(counts.refreshed + counts.failed)} beside ${reloads} reloads`;
  return [atMost('refreshes that fail while the secret rotates', counts.failed, 0, text)];
}
