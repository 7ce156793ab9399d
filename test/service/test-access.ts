import t from 'tap';
import type { GatewayConfig } from '../../src/config/gateway-config.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { testAccess } from '../../src/service/test-access.ts';

const SECRET = 'canary-shared-secret';
const LISTENERS = `listeners:
  - { name: udp, protocol: udp, port: 3478, public_address: turn.example.org }
  - { name: tls, protocol: tls, port: 5349, address: 10.0.0.5, public_port: 443, tls: { certificate: generated } }
`;

function configOf(text: string): GatewayConfig {
  const options = { fileName: 'text', environment: {}, readFile: () => 'unused' };
  const result = parseConfig(`version: v1\n${text}\n${LISTENERS}`, options);
  if ('config' in result) return result.config;
  throw new Error(`unexpected problems: ${JSON.stringify(result.problems)}`);
}

t.test('ephemeral credentials live for minutes', (t) => {
  const config = configOf(`
auth: { type: ephemeral, credentials: { secret: ${SECRET} }, users: [{ username: u, password: canary-p }] }
admin: { echo_endpoint: 'http://10.0.0.7/whip' }`);
  const before = Date.now() / 1000;
  const { authentication, credential, listeners, echo } = testAccess(config);
  t.equal(authentication, 'ephemeral');
  t.match(credential?.username, /^\d+:console-test$/);
  const seconds = Date.parse(credential?.expiresAt ?? '') / 1000 - before;
  t.ok(seconds > 290 && seconds <= 300, `${seconds} s`);
  t.equal(Number(credential?.username.split(':')[0]), Date.parse(credential!.expiresAt) / 1000);
  t.strictSame(listeners, [
    { name: 'udp', protocol: 'udp', uri: 'turn:turn.example.org:3478?transport=udp', isSelfSigned: false },
    { name: 'tls', protocol: 'tls', uri: 'turns:10.0.0.5:443?transport=tcp', isSelfSigned: true },
  ]); // prettier-ignore
  t.equal(echo, 'http://10.0.0.7:8089/whip');
  t.notMatch(JSON.stringify(testAccess(config)), /canary/, 'nor secret nor password');
  t.end();
});

t.test('passwords of users are told to nobody', (t) => {
  const config = configOf(
    'auth: { type: static, credentials: { username: u, password: canary-password } }',
  );
  const access = testAccess(config);
  t.match(access, { authentication: 'static', credential: undefined, echo: undefined });
  t.equal(access.listeners.length, 2);
  t.notMatch(JSON.stringify(access), /canary/);
  t.match(testAccess(configOf('auth: { type: none }')), { authentication: 'none' });
  t.end();
});
