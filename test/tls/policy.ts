import t from 'tap';
import {
  CIPHERS_DEFAULT,
  CIPHER_SUITES_DEFAULT,
  CURVES_DEFAULT,
} from '../../src/config/default-values.ts';
import { GatewayError } from '../../src/errors.ts';
import { groupsInForce } from '../../src/tls/policy.ts';

t.test('policies against this OpenSSL', (t) => {
  const policy = {
    ciphers: CIPHERS_DEFAULT,
    cipherSuites: CIPHER_SUITES_DEFAULT,
    curves: CURVES_DEFAULT,
  };
  t.match(groupsInForce(policy), /^(?:X25519MLKEM768:)?X25519:P-256:P-384$/, 'defaults');
  t.equal(groupsInForce({ ...policy, curves: 'P-384,prime256v1' }), 'P-384:prime256v1');
  const accepted = [
    'ECDHE+AESGCM:ECDHE+CHACHA20',
    'HIGH:!aNULL:!RC4:-SHA1:+AES128',
    'ECDHE-RSA-AES128-SHA',
    'ECDHE+AESGCM:@STRENGTH',
    '@SECLEVEL=2:ECDHE+AESGCM',
  ];
  for (const ciphers of accepted) t.ok(groupsInForce({ ...policy, ciphers }), ciphers);
  const refused: readonly [Partial<typeof policy>, string][] = [
    [{ ciphers: 'ECDHE+AESGCM:NONSENSE' }, 'cipher "NONSENSE"'],
    [{ ciphers: 'ECDHE+NONSENSE' }, 'cipher "ECDHE+NONSENSE"'],
    [{ ciphers: '@NONSENSE:ECDHE+AESGCM' }, 'cipher "@NONSENSE"'],
    [{ ciphers: 'AESGCM:!ALL', cipherSuites: '' }, 'cipher list "AESGCM:!ALL"'],
    [{ cipherSuites: 'TLS_AES_128_GCM_SHA256:TLS_NONSENSE' }, 'cipher suite "TLS_NONSENSE"'],
    [{ cipherSuites: 'ECDHE-RSA-AES128-SHA' }, 'cipher suite "ECDHE-RSA-AES128-SHA"'],
    [{ curves: 'X25519:X25591' }, 'group "X25591"'],
    [{ curves: 'MLKEM9999' }, 'group "MLKEM9999"'],
    [{ curves: '' }, 'group ""'],
  ];
  for (const [change, message] of refused) {
    const run = () => groupsInForce({ ...policy, ...change });
    t.throws(run, GatewayError, message);
    t.throws(run, { code: 'GW_ERR_TLS_POLICY' }, message);
    t.throws(run, new RegExp(`^${message.replaceAll('+', '\\+')} is not known to OpenSSL \\d`));
  }
  t.end();
});
