import { setTimeout as pause } from 'node:timers/promises';
import { ephemeralCredential } from '../../../test/support/credentials.ts';
import { missingBuild } from '../../../test/support/gateway-process.ts';
import { OperatedGateway } from '../../../test/support/operated-gateway.ts';
import { LOOPBACK_SERVER } from '../../../test/support/server-under-test.ts';
import { TurnClient, TurnError } from '../../../test/support/turn-client.ts';
import type { Finding, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { atLeast, atMost, count, isSo } from '../../support/findings.ts';

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
    const relayed = gateway.peer.arrived - seen;
    seen += relayed;
    const after = Date.now() / 1000 - expiresAt;
    if (after < 0) before += relayed;
    if (relayed > 0) lastAfter = after;
    if (after > GRACE_SECONDS) late += relayed * payload.length;
  }
  const last = `the last packet came ${lastAfter.toFixed(1)} s after it`;
  return [
    atLeast('packets before the credential expires', before, 1),
    atMost('bytes relayed later than 60 s after it', late, 0, { text: `${late} (${last})` }),
  ];
}

/** Refreshes so far, and those of them that failed. */
interface Tally {
  refreshed: number;
  failed: number;
}

/** Clients with old and with new credentials refresh without a pause while the secrets change their places. */
async function rotated(
  t: Cleanup,
  { scale, progress }: ScenarioOptions,
): Promise<readonly Finding[]> {
  progress('a secret that rotates under load');
  const gateway = await OperatedGateway.start(t);
  const end = new AbortController();
  const old = { refreshed: 0, failed: 0 };
  const fresh = { refreshed: 0, failed: 0 };
  const running = refreshEach(t, gateway, secret, old, end.signal);
  const stages = [
    [NEW_SECRET, secret],
    [secret, NEW_SECRET],
  ];
  let reloads = 0;
  const until = performance.now() + ROTATION_SECONDS * scale * 1000;
  while (performance.now() < until || reloads < stages.length) {
    await useSecrets(gateway, stages[reloads % stages.length]!);
    if (reloads++ === 0) running.push(...refreshEach(t, gateway, NEW_SECRET, fresh, end.signal));
    await pause(SEND_MS * 10);
  }
  end.abort();
  await Promise.all(running);
  await useSecrets(gateway, [NEW_SECRET]);
  const isGone = await open(t, gateway, secret, 'late').then(
    () => false,
    (error: unknown) => error instanceof TurnError,
  );
  const failed = old.failed + fresh.failed;
  const text = `${failed} of ${count(old.refreshed + fresh.refreshed + failed)} beside ${reloads} reloads`;
  return [
    atLeast('refreshes with the old secret', old.refreshed, CLIENTS),
    atLeast('refreshes with the new secret', fresh.refreshed, CLIENTS),
    atMost('allocations and refreshes that fail while the secrets rotate', failed, 0, { text }),
    isSo('the old secret is refused once it is gone', isGone),
  ];
}

async function useSecrets(gateway: OperatedGateway, secrets: readonly string[]): Promise<void> {
  await gateway.write(gateway.text({ auth: { credentials: { secrets, secret: undefined } } }));
  const { status } = await gateway.reload();
  if (status !== 200) throw new Error(`a reload answers ${status}`);
}

/** Clients with credentials of one secret, which refresh until the end. */
function refreshEach(
  t: Cleanup,
  gateway: OperatedGateway,
  from: string,
  tally: Tally,
  end: AbortSignal,
): Promise<void>[] {
  return Array.from({ length: CLIENTS }, async (_, index) => {
    const user = `${from === secret ? 'old' : 'new'}-${index}`;
    const client = await open(t, gateway, from, user).catch(() => undefined);
    if (client === undefined) {
      tally.failed++;
      return;
    }
    while (!end.aborted) {
      await client.refresh(600).then(
        () => tally.refreshed++,
        () => tally.failed++,
      );
      await pause(SEND_MS);
    }
  });
}

async function open(
  t: Cleanup,
  { server }: OperatedGateway,
  from: string,
  user: string,
): Promise<TurnClient> {
  const client = await TurnClient.open({ server, credential: ephemeralCredential(from, user) });
  t.teardown(() => client.close());
  await client.allocate();
  return client;
}
