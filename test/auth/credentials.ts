import * as fc from 'fast-check';
import t from 'tap';
import type { AuthOptions } from '../../src/auth/auth-options.ts';
import { createCredentialPolicy } from '../../src/auth/credential-policy.ts';
import { ephemeralPassword, parseEphemeralUsername } from '../../src/auth/ephemeral-credentials.ts';
import { issueCredential } from '../../src/auth/issue-credential.ts';
import { longTermKey, userhash } from '../../src/stun/integrity.ts';
import type { Credential, CredentialRefusal, UnixSeconds } from '../../src/turn/policy.ts';

const REALM = 'stunner.l7mp.io';
const SECRET = 'my-secret';
const NOW = 1_799_990_000 as UnixSeconds;
const DAY = 86_400;

const STUNNER_VECTORS = [
  {
    username: '1800000000:alice',
    password: 'eKX1Ux4ZInk5n9D2aItS+jj480E=',
    key: 'b3d24ba78642354ff724fb058ef57e77',
    userId: 'alice',
  },
  {
    username: '1800000000:',
    password: 'FXjO97RqY6TV9NQtiEP/WfG7YoE=',
    key: 'e0f1a97152c463d134c419964342b119',
    userId: '',
  },
  {
    username: '1800000000',
    password: 'I3ShddYYmUxemyenoqOuxb7g6Hs=',
    key: '321a11df11a351e0b2f1eb5ec122f5c2',
    userId: '1800000000',
  },
  {
    username: 'alice:1800000000',
    password: 'mv+2zgMKZkf2odqDPArjUIagDKQ=',
    key: 'da0253ddbfef4463dc0f826d45e81b26',
    userId: 'alice:1800000000',
  },
];

const PROTOTYPE_NAMES = ['__proto__', ...Object.getOwnPropertyNames(Object.prototype)];

t.test('ephemeral credentials are those of STUNner', (t) => {
  const policy = createCredentialPolicy(options({ type: 'ephemeral', secrets: [SECRET] }));
  for (const { username, password, key, userId } of STUNNER_VECTORS) {
    t.equal(ephemeralPassword(SECRET, username), password, username);
    const credential = accepted(policy.find(username, 'MD5', NOW));
    t.equal(credential.userId, userId, `user id of ${username}`);
    t.strictSame(credential.keys.map(hex), [key], `key of ${username}`);
    t.equal(credential.expiresAtUnixSeconds, 1_800_000_000);
    t.equal(credential.routes, undefined);
  }
  t.end();
});

t.test('usernames of ephemeral credentials', (t) => {
  const rows: [username: string, userId: string | undefined, expiresAt?: number][] = [
    ['1800000000:alice', 'alice', 1_800_000_000],
    ['1800000000:1900000000', '1900000000', 1_800_000_000],
    ['1800000000:__proto__', '__proto__', 1_800_000_000],
    ['alice:1800000000', 'alice:1800000000', 1_800_000_000],
    ['a:b:1800000000', 'a:b:1800000000', 1_800_000_000],
    ['1800000000:a:b', 'a:b', 1_800_000_000],
    [':1800000000', ':1800000000', 1_800_000_000],
    ['1800000000::', ':', 1_800_000_000],
    ['9007199254740991:a', 'a', Number.MAX_SAFE_INTEGER],
    ['', undefined],
    [':', undefined],
    ['alice', undefined],
    ['0:alice', undefined],
    ['00:alice', undefined],
    ['01800000000:alice', undefined],
    ['+1800000000:alice', undefined],
    ['-1800000000:alice', undefined],
    [' 1800000000:alice', undefined],
    ['1800000000 :alice', undefined],
    ['1800000000\n:alice', undefined],
    ['1800000000\0', undefined],
    ['1_800_000_000:alice', undefined],
    ['1.8e9:alice', undefined],
    ['0x6B49D200:alice', undefined],
    ['1800000000.0:alice', undefined],
    ['\u0661\u0668\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660:alice', undefined],
    ['9007199254740992:alice', undefined],
    ['99999999999999999999:alice', undefined],
    // An integer that is refused is not skipped in favour of a later one.
    ['-5:1800000000', undefined],
    ['0:1800000000', undefined],
    ['99999999999999999999:1800000000', undefined],
  ];
  for (const [username, userId, expiresAtUnixSeconds] of rows) {
    const expected = userId === undefined ? undefined : { userId, expiresAtUnixSeconds };
    t.strictSame(parseEphemeralUsername(username), expected, JSON.stringify(username));
  }
  t.end();
});

t.test('ephemeral credentials expire, and may not live too long', (t) => {
  const policy = createCredentialPolicy(
    options({ type: 'ephemeral', secrets: [SECRET], maxTtlSeconds: DAY }),
  );
  const verdict = (timestamp: number): string => {
    const found = policy.find(`${timestamp}:alice`, 'MD5', NOW);
    return typeof found === 'string' ? found : 'accepted';
  };
  t.equal(verdict(1), 'expired');
  t.equal(verdict(NOW - 1), 'expired');
  t.equal(verdict(NOW), 'accepted', 'valid in its last second');
  t.equal(verdict(NOW + DAY), 'accepted');
  t.equal(verdict(NOW + DAY + 3600), 'accepted', 'the clock of the app server may run ahead');
  t.equal(verdict(NOW + DAY + 3601), 'malformed');
  t.equal(policy.find('bob', 'MD5', NOW), 'malformed');

  const since = (NOW - 1000) as UnixSeconds;
  const verdictSince = (timestamp: number): string => {
    const found = policy.find(`${timestamp}:alice`, 'MD5', NOW, since);
    return typeof found === 'string' ? found : 'accepted';
  };
  t.equal(verdictSince(since - 1), 'expired', 'what had expired before then');
  t.equal(verdictSince(since), 'accepted', 'what was valid at an earlier time');
  t.equal(verdictSince(NOW - 1), 'accepted', 'or later');
  t.equal(verdictSince(NOW + DAY + 3600), 'accepted', 'or is so now');
  t.equal(verdictSince(NOW + DAY + 3601), 'malformed', 'but not what cannot be');
  t.end();
});

t.test('revocations', (t) => {
  const policy = createCredentialPolicy(
    options({
      type: 'ephemeral',
      secrets: [SECRET],
      users: [{ username: 'probe', password: 'p' }],
      revocations: [
        { userId: 'alice', untilUnixSeconds: NOW + 60 },
        { userId: 'probe', untilUnixSeconds: NOW },
        { userId: '__proto__', untilUnixSeconds: NOW + 60 },
        { userId: '', untilUnixSeconds: NOW + 60 },
      ],
    }),
  );
  const rows: [userId: string, lateness: number, isRevoked: boolean][] = [
    ['alice', 0, true],
    ['alice', 59, true],
    ['alice', 60, false],
    ['alice', 1e9, false],
    ['Alice', 0, false],
    ['alice:', 0, false],
    ['probe', -1, true],
    ['probe', 0, false],
    ['bob', 0, false],
    ['__proto__', 0, true],
    ['constructor', 0, false],
    ['', 0, true],
  ];
  for (const [userId, lateness, isRevoked] of rows) {
    const now = (NOW + lateness) as UnixSeconds;
    t.equal(policy.isRevoked(userId, now), isRevoked, `${userId} ${lateness} s later`);
  }
  t.equal(accepted(policy.find(`${NOW}:alice`, 'MD5', NOW)).userId, 'alice', 'keys are found');
  t.equal(createCredentialPolicy(options({})).isRevoked('alice', NOW), false, 'none at all');
  t.end();
});

t.test('every secret gives a key during rotation, newest first', (t) => {
  const policy = createCredentialPolicy(options({ type: 'ephemeral', secrets: ['new', 'old'] }));
  const username = `${NOW + 60}:alice`;
  for (const algorithm of ['MD5', 'SHA-256'] as const) {
    const expected = ['new', 'old'].map((secret) =>
      hex(longTermKey(username, REALM, ephemeralPassword(secret, username), algorithm)),
    );
    t.strictSame(accepted(policy.find(username, algorithm, NOW)).keys.map(hex), expected);
  }
  t.end();
});

t.test('static users', (t) => {
  const routes = ['media'];
  const policy = createCredentialPolicy(
    options({
      users: [
        { username: 'user-1', password: 'pass-1' },
        { username: 'user-2', password: 'pass-2', routes },
        { username: 'user-1', password: 'second of the name' },
        { username: 'zo\u0065\u0308', password: 'decomposed' },
      ],
    }),
  );
  const user1 = accepted(policy.find('user-1', 'MD5', NOW));
  t.strictSame(user1.keys.map(hex), ['3db45903febd9164555225cd27881035'], 'vector of STUNner');
  t.equal(user1.expiresAtUnixSeconds, Infinity);
  t.equal(user1.userId, 'user-1');
  const sha256 = accepted(policy.find('user-1', 'SHA-256', NOW));
  t.strictSame(sha256.keys, [longTermKey('user-1', REALM, 'pass-1', 'SHA-256')]);
  t.strictSame(accepted(policy.find('user-2', 'MD5', NOW)).routes, routes);
  t.type(policy.find('zo\u00eb', 'MD5', NOW), 'object', 'composed form finds decomposed name');
  for (const name of ['User-1', 'user-1 ', 'user-', '']) {
    t.equal(policy.find(name, 'MD5', NOW), 'unknownUser', JSON.stringify(name));
  }
  t.equal(policy.isTurnEnabled, true);
  t.equal(policy.realm, REALM);
  t.strictSame(policy.passwordAlgorithms, ['SHA-256', 'MD5']);

  t.equal(policy.isUserhashSupported, true);
  const byHash = policy.findByUserhash(userhash('user-2', REALM), 'SHA-256', NOW);
  t.equal(byHash, policy.find('user-2', 'SHA-256', NOW));
  t.equal(policy.findByUserhash(userhash('user-3', REALM), 'MD5', NOW), 'unknownUser');
  t.equal(policy.findByUserhash(userhash('user-2', 'other'), 'MD5', NOW), 'unknownUser');
  t.end();
});

t.test('static users work next to ephemeral credentials', (t) => {
  const policy = createCredentialPolicy(
    options({
      type: 'ephemeral',
      secrets: [SECRET],
      users: [
        { username: 'probe', password: 'p', routes: ['echo'] },
        { username: '1800000000:alice', password: 'static wins' },
      ],
    }),
  );
  t.strictSame(accepted(policy.find('probe', 'MD5', NOW)).routes, ['echo']);
  t.strictSame(accepted(policy.find('1800000000:alice', 'MD5', NOW)).keys, [
    longTermKey('1800000000:alice', REALM, 'static wins', 'MD5'),
  ]);
  t.equal(accepted(policy.find('1800000000:bob', 'MD5', NOW)).userId, 'bob');
  t.equal(policy.isUserhashSupported, false);
  t.equal(policy.findByUserhash(userhash('probe', REALM), 'MD5', NOW), 'unknownUser');
  t.end();
});

t.test('type none knows nobody', (t) => {
  const policy = createCredentialPolicy(
    options({ type: 'none', users: [{ username: 'u', password: 'p' }], secrets: [SECRET] }),
  );
  t.equal(policy.isTurnEnabled, false);
  t.equal(policy.isUserhashSupported, false);
  t.equal(policy.find('u', 'MD5', NOW), 'unknownUser');
  t.equal(policy.find('1800000000:u', 'MD5', NOW), 'unknownUser');
  t.end();
});

t.test('names of Object.prototype are ordinary names', (t) => {
  const users = [{ username: 'user-1', password: 'pass-1' }];
  const strangers = createCredentialPolicy(options({ users }));
  const both = createCredentialPolicy(options({ type: 'ephemeral', secrets: [SECRET], users }));
  const known = createCredentialPolicy(
    options({ users: PROTOTYPE_NAMES.map((username) => ({ username, password: 'p' })) }),
  );
  for (const name of PROTOTYPE_NAMES) {
    t.equal(strangers.find(name, 'MD5', NOW), 'unknownUser', name);
    t.equal(strangers.findByUserhash(name, 'MD5', NOW), 'unknownUser', name);
    t.equal(both.find(name, 'MD5', NOW), 'malformed', name);
    t.equal(accepted(known.find(name, 'MD5', NOW)).userId, name);
  }
  t.end();
});

t.test('no invented username is accepted', (t) => {
  const policy = createCredentialPolicy(
    options({
      type: 'ephemeral',
      secrets: [SECRET],
      users: [{ username: 'user-1', password: 'pass-1' }],
    }),
  );
  const part = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', '-1', '+9', '007', ' 1', '1 ', '1e9', '0', 'user-1 ', ...PROTOTYPE_NAMES),
    fc.bigInt(0n, BigInt(NOW - 1)).map(String),
    fc.bigInt(BigInt(NOW + DAY + 3601), 1n << 70n).map(String),
  );
  const username = fc
    .array(part, { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join(':'))
    .filter((name) => name !== 'user-1' && !/(^|:)[1-9][0-9]{9}(:|$)/.test(name));
  fc.assert(
    fc.property(username, (name) => typeof policy.find(name, 'MD5', NOW) === 'string'),
    { numRuns: 5000 },
  );
  t.pass('5000 usernames');
  t.end();
});

t.test('options may change after the policy is made', (t) => {
  const secrets = [SECRET];
  const policy = createCredentialPolicy(options({ type: 'ephemeral', secrets }));
  secrets.length = 0;
  t.equal(accepted(policy.find('1800000000:a', 'MD5', NOW)).keys.length, 1);
  t.end();
});

t.test('issued credentials', (t) => {
  const ephemeral = options({ type: 'ephemeral', secrets: [SECRET, 'old'], maxTtlSeconds: DAY });
  const issue = (userId: string, ttl: number, now = NOW): ReturnType<typeof issueCredential> =>
    issueCredential(ephemeral, userId, ttl, now);

  const start = (1_800_000_000 - DAY) as UnixSeconds;
  t.strictSame(issue('alice', DAY, start), {
    username: '1800000000:alice',
    password: 'eKX1Ux4ZInk5n9D2aItS+jj480E=',
    ttlSeconds: DAY,
    expiresAtUnixSeconds: 1_800_000_000,
  });
  t.match(issue('', DAY, start), {
    username: '1800000000:',
    password: 'FXjO97RqY6TV9NQtiEP/WfG7YoE=',
  });
  t.match(issue('a', DAY + 1), { ttlSeconds: DAY, expiresAtUnixSeconds: NOW + DAY }, 'clamped');
  t.match(issue('a', 0), { username: `${NOW}:a`, ttlSeconds: 0 });
  t.match(issue('a', -60), { username: `${NOW - 60}:a`, ttlSeconds: -60 });

  const policy = createCredentialPolicy(ephemeral);
  for (const [ttl, lateness, verdict] of [
    [DAY, 0, 'object'],
    [DAY * 365, 0, 'object'],
    [1, 1, 'object'],
    [1, 2, 'string'],
    [0, 0, 'object'],
    [-1, 0, 'string'],
  ] as const) {
    const name = issue('bob', ttl)?.username ?? '';
    const found = policy.find(name, 'MD5', (NOW + lateness) as UnixSeconds);
    t.type(found, verdict, `ttl ${ttl} used ${lateness} s later`);
  }
  const early = policy.find(issue('bob', DAY)?.username ?? '', 'MD5', (NOW - 3600) as UnixSeconds);
  t.type(early, 'object', 'the longest credential survives a clock that is an hour behind');

  const users = [
    { username: 'user1', password: 'pass1' },
    { username: 'user2', password: 'pass2' },
  ];
  const fixed = { username: 'user1', password: 'pass1', expiresAtUnixSeconds: undefined };
  t.strictSame(issueCredential(options({ users }), 'user2', 60, NOW), { ...fixed, ttlSeconds: 60 });
  t.equal(issueCredential(options({}), 'a', 60, NOW), undefined, 'no users');
  t.equal(issueCredential(options({ type: 'ephemeral' }), 'a', 60, NOW), undefined, 'no secrets');
  t.equal(issueCredential(options({ type: 'none', users }), 'a', 60, NOW), undefined);
  t.end();
});

function options(changes: Partial<AuthOptions>): AuthOptions {
  return {
    type: 'static',
    realm: REALM,
    users: [],
    secrets: [],
    maxTtlSeconds: DAY,
    algorithms: ['SHA-256', 'MD5'],
    ...changes,
  };
}

function accepted(found: Credential | CredentialRefusal): Credential {
  if (typeof found === 'string') throw new Error(`refused: ${found}`);
  return found;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
