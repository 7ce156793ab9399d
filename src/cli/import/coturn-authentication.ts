import { escapeVariables } from '../../config/environment.ts';
import { Remarked } from './commented-yaml.ts';
import { placeOf, type CoturnFile, type CoturnSetting } from './coturn-file.ts';
import type { ImportNotes } from './import-notes.ts';

/** Writes a secret as it may be shown where the result goes. */
export type SecretText = (secret: string) => string;

/** A key of coturn's `user` option: MD5 or SHA-256 of name, realm and password. */
const HASHED_KEY = /^0x[0-9a-f]+$/i;
const REST_SEPARATOR = ':';
const NO_CREDENTIALS = [
  'no credential could be taken over; auth.credentials.secret was made for this file and nobody knows it:',
  'replace it by the secret of your application, or list auth.users',
].join(' ');

/**
 * The `auth` section.
 *
 * @param newSecret - makes a secret that nobody knows, for a file that has none to take over.
 */
export function importAuthentication(
  file: CoturnFile,
  notes: ImportNotes,
  secretText: SecretText,
  newSecret: () => string,
): object {
  const realm = file.text('realm');
  if (file.all('realm').length > 1 && realm !== undefined) {
    notes.setting(realm, 'a gateway has one realm; the last one is taken');
  }
  const head = { realm: realm && new Remarked(escapeVariables(realm.value), placeOf(realm)) };
  const stunOnly = file.flag('stun-only');
  if (stunOnly !== undefined) return { type: new Remarked('none', placeOf(stunOnly)), ...head };
  return { ...head, ...credentials(file, notes, secretText, newSecret) };
}

function credentials(
  file: CoturnFile,
  notes: ImportNotes,
  secretText: SecretText,
  newSecret: () => string,
): object {
  noteOpenRelay(file, notes);
  const secrets = file.all('static-auth-secret').filter(({ value }) => value !== '');
  const usesSecret = file.flag('use-auth-secret');
  if (secrets.length > 0 || usesSecret !== undefined) noteSecondary(file, notes);
  if (secrets.length > 0) return sharedSecrets(secrets, secretText);
  const users = usesSecret === undefined ? usableUsers(file, notes) : [];
  if (users.length > 0) return staticUsers(users, secretText);
  notes.general(NO_CREDENTIALS);
  return {
    type: 'ephemeral',
    credentials: {
      secret: new Remarked(secretText(newSecret()), 'made by the import, to be replaced'),
    },
  };
}

function sharedSecrets(settings: readonly CoturnSetting[], secretText: SecretText): object {
  const texts = settings.map(
    (setting) => new Remarked(configText(setting.value, secretText), placeOf(setting)),
  );
  return {
    type: 'ephemeral',
    credentials: texts.length === 1 ? { secret: texts[0] } : { secrets: texts },
  };
}

function staticUsers(users: readonly UserSetting[], secretText: SecretText): object {
  const [first, ...others] = users.map(({ setting, username, password }) => ({
    username: new Remarked(escapeVariables(username), placeOf(setting)),
    password: configText(password, secretText),
  }));
  return {
    type: 'static',
    credentials: first,
    ...(others.length === 0 ? {} : { users: others }),
  };
}

interface UserSetting {
  readonly setting: CoturnSetting;
  readonly username: string;
  readonly password: string;
}

function usableUsers(file: CoturnFile, notes: ImportNotes): UserSetting[] {
  const names = new Set<string>();
  return file.all('user').flatMap((setting) => {
    const [, username = '', password = ''] = /^([^:]*):(.*)$/s.exec(setting.value) ?? [];
    if (username === '' || password === '') {
      notes.setting(setting, 'is not name:password; left out');
      return [];
    }
    if (HASHED_KEY.test(password)) {
      const text = `the key of user ${username} is hashed and cannot be used; give the password under auth.users`;
      notes.setting(setting, text);
      return [];
    }
    if (names.has(username)) notes.setting(setting, `user ${username} is there twice; left out`);
    const isNew = !names.has(username);
    names.add(username);
    return isNew ? [{ setting, username, password }] : [];
  });
}

function noteOpenRelay(file: CoturnFile, notes: ImportNotes): void {
  const open = file.flag('no-auth');
  if (open !== undefined) {
    notes.setting(open, 'an open relay is not offered; clients need a credential');
  }
}

/** With shared secrets coturn looks at nothing else, so taking users over would let more people in. */
function noteSecondary(file: CoturnFile, notes: ImportNotes): void {
  for (const setting of file.all('user')) {
    notes.setting(
      setting,
      'coturn ignores users next to use-auth-secret; add them to auth.users if they shall count',
    );
  }
  const separator = file.text('rest-api-separator');
  if (separator !== undefined && separator.value !== REST_SEPARATOR) {
    notes.setting(separator, `user names are EXPIRY${REST_SEPARATOR}USER; change what makes them`);
  }
}

function configText(secret: string, secretText: SecretText): string {
  return secretText(escapeVariables(secret));
}
