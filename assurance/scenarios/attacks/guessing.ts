import { ATTRIBUTE, METHOD } from '../../../src/stun/registry.ts';
import { longTermKey } from '../../../src/stun/integrity.ts';
import { Answer } from '../../../test/support/core/answer.ts';
import { SeededRandom } from '../../../test/support/core/seeded-random.ts';
import { TestClient, transport } from '../../../test/support/core/test-client.ts';
import { REALM, TurnDriver } from '../../../test/support/core/turn-driver.ts';
import type { Finding, Scenario } from '../../scenario.ts';
import { atMost, count } from '../../support/findings.ts';

const NONCES = 1_000_000;
const TOKENS = 1_000_000;
const RESERVATIONS = 16;
const FORGET_AFTER = 1000;
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** What every nonce of a server begins with: cookie and feature bits (RFC 8489 §9.2). */
const NONCE_PREFIX_BYTES = 13;

/** What a server hands out cannot be guessed, and no name is known that nobody has configured. */
export const guessing: Scenario = {
  name: 'guessing',
  promise: 'guessed nonces, reservation tokens and names of members of objects are never accepted',
  missing: () => false,
  run: ({ scale, seed, progress }) => {
    const random = new SeededRandom(seed);
    progress('nonces');
    const nonces = [
      guessNonces('random', Math.ceil((NONCES / 2) * scale), random),
      guessNonces('near an authentic one', Math.ceil((NONCES / 2) * scale), random),
    ];
    progress('reservation tokens');
    const tokens = guessTokens(Math.ceil(TOKENS * scale), random);
    progress('names');
    return Promise.resolve([...nonces, tokens, ...prototypeNames()]);
  },
};

/** A right nonce would be answered something else than 438, even though the integrity is wrong. */
function guessNonces(
  how: 'random' | 'near an authentic one',
  guesses: number,
  random: SeededRandom,
): Finding {
  const driver = new TurnDriver();
  const client = new TestClient(driver);
  const request = client.build(METHOD.ALLOCATE, transport, { key: new Uint8Array(16) });
  const nonce = client.nonce!;
  const at = Buffer.from(request).indexOf(nonce);
  let accepted = 0;
  for (let guess = 0; guess < guesses; guess++) {
    const message = Buffer.from(request);
    const changes = how === 'random' ? nonce.length - NONCE_PREFIX_BYTES : 1 + random.below(2);
    for (let change = 0; change < changes; change++) {
      const index = how === 'random' ? NONCE_PREFIX_BYTES + change : random.below(nonce.length);
      message[at + index] = BASE64.charCodeAt(random.below(BASE64.length));
    }
    if (message.equals(request)) continue;
    const { answers } = driver.receive(client.client, message);
    if (new Answer(answers[0]!).outcome !== 438) accepted++;
    if (guess % FORGET_AFTER === 0) driver.forget();
  }
  const text = `${accepted} of ${count(guesses)}`;
  return atMost(`nonces ${how}, accepted`, accepted, 0, { text });
}

function guessTokens(guesses: number, random: SeededRandom): Finding {
  const driver = new TurnDriver({ portCount: 1000 });
  for (let port = 0; port < RESERVATIONS; port++) {
    const owner = new TestClient(driver, { port: 41_000 + port });
    owner.allocate((writer) => writer.uint8(ATTRIBUTE.EVEN_PORT, 0x80));
  }
  const held = driver.reservations.byToken.size;
  const client = new TestClient(driver);
  const token = new Uint8Array(8);
  let accepted = 0;
  for (let guess = 0; guess < guesses; guess++) {
    random.fill(token);
    const answer = client.allocate((w) => w.attribute(ATTRIBUTE.RESERVATION_TOKEN, token));
    if (answer?.outcome !== 508) accepted++;
    if (guess % FORGET_AFTER === 0) driver.forget();
  }
  const text = `${accepted} of ${count(guesses)} while ${held} are held`;
  return {
    ...atMost('reservation tokens, accepted', accepted, 0, { text }),
    holds: accepted === 0 && held > 0,
  };
}

function prototypeNames(): readonly Finding[] {
  const names = [...new Set([Object, Array, Map, Function, String].flatMap(memberNames))];
  const auths = [{}, { type: 'ephemeral', secrets: ['s3cret'] }] as const;
  return auths.map((auth, index) => {
    let accepted = 0;
    let tried = 0;
    for (const username of names) {
      for (const password of passwordsFor(username)) {
        const client = new TestClient(new TurnDriver({ auth }));
        for (const user of ['name', 'hash'] as const) {
          for (const algorithm of [undefined, 'SHA-256'] as const) {
            const key = longTermKey(username, REALM, password, algorithm ?? 'MD5');
            const signing = { username, user, key, ...(algorithm && { algorithm }) };
            tried++;
            if (client.allocate(undefined, signing)?.outcome !== 401) accepted++;
          }
        }
      }
    }
    const what = `names of members of objects, ${index === 0 ? 'static' : 'ephemeral'} users, accepted`;
    return atMost(what, accepted, 0, { text: `${accepted} of ${count(tried)} requests` });
  });
}

function memberNames(constructor: { readonly prototype: object }): string[] {
  return Object.getOwnPropertyNames(constructor.prototype);
}

/** What a server that looks a name up in an object might take for the password. */
function passwordsFor(name: string): string[] {
  const member: unknown = Reflect.get({}, name);
  return ['', 'undefined', 'null', '[object Object]', name, String(member)];
}
