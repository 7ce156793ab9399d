import t from 'tap';
import { createCredentialPolicy } from '../../src/auth/credential-policy.ts';
import { CREDENTIAL_CLOCK_SKEW_MAX_SECONDS } from '../../src/limits.ts';
import { OperatorControl } from '../../src/service/operator-control.ts';
import type { GatewayView } from '../../src/service/gateway-view.ts';
import { PolicyStore } from '../../src/service/policy-store.ts';
import type { UnixSeconds } from '../../src/turn/policy.ts';
import { configFrom } from '../support/configuration.ts';

const AUTH = `version: v1
auth:
  type: ephemeral
  max_ttl: 1h
  credentials: { secret: a-secret-for-tests-only }
  users: [{ username: alice, password: wonderland }]
`;
const STATIC = `version: v1
auth: { type: static, credentials: { username: bob, password: builder } }
`;
const YEAR_SECONDS = 365 * 86_400;

t.test('how long a revocation lasts', async (t) => {
  const lasting = 3600 + CREDENTIAL_CLOCK_SKEW_MAX_SECONDS;
  const cases: [config: string, userId: string, until: number | undefined, lasts: number][] = [
    [AUTH, 'ann', undefined, lasting],
    [AUTH, 'alice', undefined, Infinity],
    [AUTH, 'Alice', undefined, lasting],
    [AUTH, 'alice', 60, 60],
    [AUTH, 'ann', 60, 60],
    [STATIC, 'bob', undefined, Infinity],
  ];
  for (const [text, userId, until, lasts] of cases) {
    const now = Math.ceil(Date.now() / 1000);
    const name = `${userId}, ${until === undefined ? 'without a time' : `for ${until} s`}`;
    const { control, policies } = controlOf(text);
    const answer = await control.revoke(userId, until === undefined ? undefined : now + until);
    const seconds = Date.parse(answer.until) / 1000;
    const isRevoked = isRevokedBy(policies, userId);
    t.ok(isRevoked(now), `${name}: at once`);
    if (lasts === Infinity) {
      t.equal(answer.until, '9999-12-31T00:00:00.000Z', name);
      t.ok(isRevoked(now + 100 * YEAR_SECONDS), `${name}: in a hundred years`);
    } else {
      t.ok(seconds >= now + lasts && seconds <= now + lasts + 60, `${name}: until ${answer.until}`);
      t.notOk(isRevoked(seconds), `${name}: over then`);
    }
    t.strictSame(policies.revocations, [{ userId, untilUnixSeconds: seconds }], 'what is told');
  }
});

function isRevokedBy(policies: PolicyStore, userId: string): (seconds: number) => boolean {
  const credentials = createCredentialPolicy(policies.current.auth);
  return (seconds) => credentials.isRevoked(userId, seconds as UnixSeconds);
}

/** Revoking needs no more of a gateway than its configuration, its policies and sessions to end. */
function controlOf(text: string): { control: OperatorControl; policies: PolicyStore } {
  const config = configFrom(text);
  const policies = new PolicyStore(config);
  const created = { plane: { endSessions: () => Promise.resolve(0) } };
  const view = { policies, config, created } as unknown as GatewayView;
  const options = { view } as ConstructorParameters<typeof OperatorControl>[0];
  return { control: new OperatorControl(options), policies };
}
