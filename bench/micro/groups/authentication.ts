import {
  EphemeralCredentials,
  ephemeralPassword,
} from '../../../src/auth/ephemeral-credentials.ts';
import { StaticUsers } from '../../../src/auth/static-users.ts';
import {
  longTermKey,
  verifyIntegrity,
  verifyIntegritySha256,
} from '../../../src/stun/integrity.ts';
import { StunMessage } from '../../../src/stun/message.ts';
import { METHOD, type PasswordAlgorithm } from '../../../src/stun/registry.ts';
import { IPV4 } from '../../../src/stun/transport-address.ts';
import { NonceIssuer } from '../../../src/turn/nonce.ts';
import type { MonotonicMs, UnixSeconds } from '../../../src/turn/policy.ts';
import { CREDENTIAL } from '../../settings.ts';
import { expectAll, type MicroCase } from '../micro-case.ts';
import { clientAddress } from '../set-up/driven-core.ts';
import { allocateFor, signedRequest } from '../set-up/turn-messages.ts';

const CALLS = 100;
const NOW = 1e6 as MonotonicMs;
const UNIX_NOW = 1.8e9 as UnixSeconds;
const SECRET = 'a shared secret of some length';

/** The parts of authentication. */
export function authenticationCases(): MicroCase[] {
  const issuer = new NonceIssuer(new Uint8Array(32).fill(7), {
    usesPasswordAlgorithms: true,
    usesUserhash: true,
  });
  const { realm, username, password } = CREDENTIAL;
  return [
    integrity('MD5'),
    integrity('SHA-256'),
    issue(issuer),
    verify(issuer),
    key('MD5'),
    key('SHA-256'),
    staticUser(new StaticUsers([{ username, password }], realm)),
    ephemeral(1),
    ephemeral(2),
    { name: 'ephemeralPassword', calls: CALLS, run: passwords },
  ];
}

/** HMAC-SHA1 belongs to MD5 keys, and HMAC-SHA256 to those of SHA-256. */
function integrity(algorithm: PasswordAlgorithm): MicroCase {
  const { realm, username, password } = CREDENTIAL;
  const signature = { nonce: 'n'.repeat(29), algorithm, hasFingerprint: false };
  const bytes = signedRequest(METHOD.ALLOCATE, allocateFor(IPV4), signature);
  const message = new StunMessage();
  message.decode(bytes, 0, bytes.length);
  const secret = longTermKey(username, realm, password, algorithm);
  const [check, name] =
    algorithm === 'MD5'
      ? ([verifyIntegrity, 'verifyIntegrity'] as const)
      : ([verifyIntegritySha256, 'verifyIntegritySha256'] as const);
  const run = (calls: number): number => {
    let right = 0;
    for (let call = 0; call < calls; call++) if (check(message, secret)) right++;
    return expectAll(right, calls);
  };
  return { name: `${name}, Allocate of ${bytes.length} bytes`, calls: CALLS, run };
}

function issue(issuer: NonceIssuer): MicroCase {
  const client = clientAddress(IPV4, 0);
  const run = (calls: number): number => {
    let characters = 0;
    for (let call = 0; call < calls; call++) characters += issuer.issue(client, NOW).length;
    return characters;
  };
  return { name: 'NonceIssuer.issue', calls: CALLS, run };
}

function verify(issuer: NonceIssuer): MicroCase {
  const client = clientAddress(IPV4, 0);
  const nonce = issuer.issue(client, NOW);
  const run = (calls: number): number => {
    let valid = 0;
    for (let call = 0; call < calls; call++) {
      if (issuer.verify(nonce, client, NOW) === 'valid') valid++;
    }
    return expectAll(valid, calls);
  };
  return { name: 'NonceIssuer.verify', calls: CALLS, run };
}

function key(algorithm: PasswordAlgorithm): MicroCase {
  const { realm, username, password } = CREDENTIAL;
  const run = (calls: number): number => {
    let sum = 0;
    for (let call = 0; call < calls; call++) {
      sum += longTermKey(username, realm, password, algorithm)[0]!;
    }
    return sum;
  };
  return { name: `longTermKey, ${algorithm}`, calls: CALLS, run };
}

function staticUser(users: StaticUsers): MicroCase {
  const { username } = CREDENTIAL;
  const run = (calls: number): number => {
    let found = 0;
    for (let call = 0; call < calls; call++) {
      if (users.find(username, 'MD5') !== undefined) found++;
    }
    return expectAll(found, calls);
  };
  return { name: 'StaticUsers.find', calls: CALLS, run };
}

function ephemeral(secrets: number): MicroCase {
  const all = Array.from({ length: secrets }, (_, index) => `${SECRET} ${index}`);
  const credentials = new EphemeralCredentials(all, CREDENTIAL.realm, 86_400);
  const username = ephemeralUsername();
  const run = (calls: number): number => {
    let found = 0;
    for (let call = 0; call < calls; call++) {
      if (typeof credentials.find(username, 'MD5', UNIX_NOW) !== 'string') found++;
    }
    return expectAll(found, calls);
  };
  const name = `EphemeralCredentials.find, ${secrets} secret${secrets === 1 ? '' : 's'}`;
  return { name, calls: CALLS, run };
}

function passwords(calls: number): number {
  const username = ephemeralUsername();
  let characters = 0;
  for (let call = 0; call < calls; call++) characters += ephemeralPassword(SECRET, username).length;
  return characters;
}

function ephemeralUsername(): string {
  return `${UNIX_NOW + 3600}:alice`;
}
