import type { SeededRandom } from '../../test/support/core/seeded-random.ts';

const METHODS = [
  'GET',
  'GET',
  'POST',
  'POST',
  'HEAD',
  'OPTIONS',
  'DELETE',
  'PUT',
  'PATCH',
  'TRACE',
];
const PATHS = [
  '/',
  '/ice',
  '/ice/',
  '/%69ce',
  '/../ice',
  '/ice/../../etc/passwd',
  '/metrics',
  '/live',
  '/status',
  '/openapi.json',
  '/docs',
  '/docs/static/%2e%2e/%2e%2e/package.json',
  '/api/v1/status',
  '/api/v1/config',
  '/api/v1/sessions',
  '/api/v1/sessions/0-1',
  '/api/v1/sessions/__proto__',
  '/api/v1/routes',
  '/api/v1/metrics/live',
  '/api/v1/revoke',
  '/api/v1/constructor',
  '/%',
  '/%ff%00',
];
const NAMES = [
  'service',
  'username',
  'ttl',
  'key',
  'api',
  'user',
  'limit',
  'listener',
  '__proto__',
];
const KEY_NAMES = ['key', 'api'];
const VALUES = [
  'turn',
  '',
  '-1',
  '1e309',
  'NaN',
  '86400',
  '99999999999999999999',
  '%00',
  '%0d%0aSet-Cookie:x',
  'a'.repeat(300),
  '[object Object]',
  'constructor',
  '%F0%9F%98%80',
];
const HEADERS = [
  'Accept: application/json',
  'Accept: */*;q=nothing',
  'Content-Type: application/json',
  'Content-Type: application/x-www-form-urlencoded',
  'Content-Type: text/plain; charset=\u00ff',
  'Origin: null',
  'Origin: https://evil.example.org',
  'Expect: 100-continue',
  'Upgrade: websocket',
  'Range: bytes=0-',
  'If-None-Match: *',
  'X-Forwarded-For: 127.0.0.1',
  'Cookie: a=b',
  'Accept-Encoding: gzip;q=1e9',
];
const BODIES = [
  '',
  '{}',
  '{"service":"turn","username":"u"}',
  '{"service":["turn"],"ttl":{}}',
  '{"__proto__":{"service":"turn"}}',
  '{"user":"u","until":-1}',
  '{"dryRun":"yes"}',
  '['.repeat(500),
  'service=turn&username=u&ttl=1',
  '\u0000\u0001\u0002',
  'x'.repeat(5000),
];
const MUTATED_SHARE = 10;

/**
 * Requests for one connection, one behind the other, some with wrong bytes in them; the last one asks to close.
 *
 * @param keys - some of them carry one of these.
 */
export function fuzzedRequests(
  random: SeededRandom,
  requests: number,
  keys: readonly string[],
): Buffer {
  const parts = Array.from({ length: requests }, (_, index) =>
    fuzzed(random, keys, index === requests - 1),
  );
  return Buffer.concat(parts);
}

function fuzzed(random: SeededRandom, keys: readonly string[], isLast: boolean): Buffer {
  const body = random.pick(BODIES);
  const query = Array.from({ length: random.below(4) }, () => parameter(random, keys));
  const headers = Array.from({ length: random.below(4) }, () => random.pick(HEADERS));
  const lines = [
    `${random.pick(METHODS)} ${random.pick(PATHS)}${query.length > 0 ? '?' : ''}${query.join('&')} HTTP/1.1`,
    'Host: turn.example.org',
    ...headers,
    ...(random.below(2) === 0 ? [`Authorization: Bearer ${random.pick([...keys, 'wrong'])}`] : []),
    ...(isLast ? ['Connection: close'] : []),
    `Content-Length: ${Buffer.byteLength(body, 'latin1')}`,
    '',
    body,
  ];
  const bytes = Buffer.from(lines.join('\r\n'), 'latin1');
  const mutations = isLast || random.below(MUTATED_SHARE) > 0 ? 0 : 1 + random.below(3);
  for (let mutation = 0; mutation < mutations; mutation++) {
    bytes[random.below(bytes.length)] = random.below(256);
  }
  return bytes;
}

/** A key stands where keys belong; elsewhere an answer might well repeat it. */
function parameter(random: SeededRandom, keys: readonly string[]): string {
  const name = random.pick(NAMES);
  const values = KEY_NAMES.includes(name) ? [...VALUES, ...keys] : VALUES;
  return `${name}=${random.pick(values)}`;
}
