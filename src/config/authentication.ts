import { TEXT_ATTRIBUTE_BYTES_MAX } from '../limits.ts';
import type { PasswordAlgorithm } from '../stun/registry.ts';
import {
  ALGORITHMS_DEFAULT,
  MAX_TTL_DEFAULT,
  ON_EXPIRY_DEFAULT,
  REALM_DEFAULT,
} from './default-values.ts';
import { DURATION_FORM, parseDuration } from './durations.ts';
import type { AuthConfig, StaticUser } from './gateway-config.ts';
import type { NormaliseContext } from './normalise-context.ts';
import type { AuthSection } from './schema.ts';
import { readSecret, readSecrets } from './secrets.ts';
import { usableEntries } from './validate.ts';

const REALM_ADVISED_CHARACTERS = 32;
const SECRET_ADVISED_BYTES = 16;

const TYPES: Readonly<Record<string, AuthConfig['type']>> = {
  static: 'static',
  plaintext: 'static',
  ephemeral: 'ephemeral',
  longterm: 'ephemeral',
  timewindowed: 'ephemeral',
  none: 'none',
};

const ON_EXPIRIES: readonly AuthConfig['onExpiry'][] = ['keep', 'refuse', 'close'];

/** Fills in the `auth` section; routes of users are checked elsewhere. */
export function normaliseAuth(auth: AuthSection, context: NormaliseContext): AuthConfig {
  const type = TYPES[(auth.type || 'static').toLowerCase()] ?? 'static';
  return {
    type,
    realm: realmOf(auth, context),
    secrets: secretsOf(auth, type, context),
    users: usersOf(auth, type, context),
    maxTtlSeconds: maxTtlOf(auth, context),
    onExpiry: onExpiryOf(auth),
    algorithms: algorithmsOf(auth),
  };
}

function onExpiryOf(auth: AuthSection): AuthConfig['onExpiry'] {
  const word = auth.on_expiry?.toLowerCase();
  return ON_EXPIRIES.find((known) => known === word) ?? ON_EXPIRY_DEFAULT;
}

function algorithmsOf(auth: AuthSection): readonly PasswordAlgorithm[] {
  const words = usableEntries(auth.algorithms ?? [...ALGORITHMS_DEFAULT]).map(([, word]) => word);
  return [...new Set(words.map((word) => word.toUpperCase() as PasswordAlgorithm))];
}

function realmOf(auth: AuthSection, { report }: NormaliseContext): string {
  const realm = auth.realm || REALM_DEFAULT;
  const path = ['auth', 'realm'];
  if (Buffer.byteLength(realm) > TEXT_ATTRIBUTE_BYTES_MAX) {
    report.problem(path, `must be at most ${TEXT_ATTRIBUTE_BYTES_MAX} bytes`);
  } else if (realm.length > REALM_ADVISED_CHARACTERS) {
    report.warning(
      path,
      `is longer than ${REALM_ADVISED_CHARACTERS} characters; every challenge carries it`,
    );
  }
  return realm;
}

function maxTtlOf(auth: AuthSection, { report }: NormaliseContext): number {
  const seconds = parseDuration(auth.max_ttl || MAX_TTL_DEFAULT) ?? 0;
  if (seconds === 0) report.problem(['auth', 'max_ttl'], `must be ${DURATION_FORM}, above zero`);
  return seconds;
}

function secretsOf(
  auth: AuthSection,
  type: AuthConfig['type'],
  context: NormaliseContext,
): readonly string[] {
  const path = ['auth', 'credentials'];
  const section = auth.credentials ?? {};
  const single = readSecret(section, 'secret', path, context);
  const secrets = [
    ...(single === undefined ? [] : [single]),
    ...readSecrets(section, 'secrets', path, context),
  ];
  if (type !== 'ephemeral') return [];
  const { report } = context;
  for (const secret of secrets) {
    if (secret.text === '') report.problem(secret.path, 'must not be empty');
    else if (Buffer.byteLength(secret.text) < SECRET_ADVISED_BYTES) {
      report.warning(
        secret.path,
        `is shorter than ${SECRET_ADVISED_BYTES} bytes and can be guessed`,
      );
    }
  }
  if (secrets.length === 0 && isReadable(context)) {
    report.problem(
      [...path, 'secret'],
      'is missing; auth.type ephemeral needs secret, secret_file or secrets',
    );
  }
  return [...new Set(secrets.map(({ text }) => text))];
}

function usersOf(
  auth: AuthSection,
  type: AuthConfig['type'],
  context: NormaliseContext,
): readonly StaticUser[] {
  const more = usableEntries(auth.users).flatMap(([index, entry]) => {
    const path = ['auth', 'users', index];
    const routes = entry.routes && usableEntries(entry.routes).map(([, route]) => route);
    return userOf(entry, path, routes, context);
  });
  const users = [...credentialsUser(auth, type, context, more.length > 0), ...more];
  reportDuplicates(auth, users.length > more.length, context);
  if (type !== 'none') return users;
  if (users.length > 0) {
    context.report.warning(['auth', 'users'], 'are ignored because auth.type is none');
  }
  return [];
}

function credentialsUser(
  auth: AuthSection,
  type: AuthConfig['type'],
  context: NormaliseContext,
  hasOtherUsers: boolean,
): StaticUser[] {
  const path = ['auth', 'credentials'];
  const section = auth.credentials ?? {};
  if (type !== 'static') return [];
  const isAbsent = ['username', 'password', 'password_file'].every(
    (key) => !Object.hasOwn(section, key),
  );
  if ((isAbsent && hasOtherUsers) || !isReadable(context)) return [];
  if (!section.username) {
    const message = 'is missing; auth.type static needs username and password';
    context.report.problem([...path, 'username'], message);
  }
  return userOf({ ...section, username: section.username ?? '' }, path, undefined, context);
}

function userOf(
  section: { username: string; password?: string; password_file?: string },
  path: readonly (string | number)[],
  routes: readonly string[] | undefined,
  context: NormaliseContext,
): StaticUser[] {
  const { username } = section;
  const { report } = context;
  if (Buffer.byteLength(username) > TEXT_ATTRIBUTE_BYTES_MAX) {
    report.problem([...path, 'username'], `must be at most ${TEXT_ATTRIBUTE_BYTES_MAX} bytes`);
  }
  const password = readSecret(section, 'password', path, context)?.text;
  if (!password && !report.hasProblemAt([...path, 'password_file'])) {
    report.problem([...path, 'password'], 'is missing; give password or password_file');
  }
  return [{ username, password: password ?? '', routes }];
}

function reportDuplicates(
  auth: AuthSection,
  hasCredentialsUser: boolean,
  { report }: NormaliseContext,
): void {
  const seen = new Map<string, string>();
  const { username } = auth.credentials ?? {};
  if (hasCredentialsUser && username !== undefined) seen.set(username, 'auth.credentials');
  for (const [index, user] of usableEntries(auth.users)) {
    const first = seen.get(user.username);
    if (first === undefined) seen.set(user.username, `auth.users[${index}]`);
    else report.problem(['auth', 'users', index, 'username'], `is taken by ${first}`);
  }
}

/** False when what is there is already known to be wrong, so that "missing" would be a false alarm. */
function isReadable({ report }: NormaliseContext): boolean {
  return !report.hasProblemAt(['auth', 'type']) && !report.hasProblemAt(['auth', 'credentials']);
}
