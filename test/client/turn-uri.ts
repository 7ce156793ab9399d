import t from 'tap';
import { formatTurnUri, parseTurnUri } from '../../src/client/turn-uri.ts';

const USER = { kind: 'user', username: 'alice', password: 'pass' };

t.test('URIs that are understood', (t) => {
  const cases: [string, string, number, string, unknown?][] = [
    ['turn:turn.example.org', 'turn.example.org', 3478, 'udp'],
    ['turn:192.0.2.1:1234', '192.0.2.1', 1234, 'udp'],
    ['turn:192.0.2.1?transport=tcp', '192.0.2.1', 3478, 'tcp'],
    ['turns:turn.example.org', 'turn.example.org', 5349, 'tls'],
    ['turns:turn.example.org:443?transport=tcp', 'turn.example.org', 443, 'tls'],
    ['turns:turn.example.org?transport=udp', 'turn.example.org', 5349, 'dtls'],
    ['turn:[2001:db8::1]:3479', '2001:db8::1', 3479, 'udp'],
    ['turn://alice:pass@host:1?transport=tls', 'host', 1, 'tls', USER],
    ['turn://alice:pass@host?transport=tls', 'host', 5349, 'tls', USER],
    ['turn:alice:pass@host?transport=UDP', 'host', 3478, 'udp', USER],
    [
      'turn://1700000000%3Aalice:a%2Fb%3D@host',
      'host',
      3478,
      'udp',
      { kind: 'user', username: '1700000000:alice', password: 'a/b=' },
    ],
    ['turn://s3%40cret@host', 'host', 3478, 'udp', { kind: 'secret', secret: 's3@cret' }],
    ['TURNS://s@HOST:99', 'HOST', 99, 'tls', { kind: 'secret', secret: 's' }],
  ];
  for (const [text, host, port, transport, login] of cases) {
    t.strictSame(parseTurnUri(text), { host, port, transport, isStunOnly: false, login }, text);
  }
  t.match(parseTurnUri('stun:example.org'), { isStunOnly: true, transport: 'udp', port: 3478 });
  t.match(parseTurnUri('stuns:example.org'), { isStunOnly: true, transport: 'tls', port: 5349 });
  t.end();
});

t.test('URIs that are not', (t) => {
  const cases: [string, RegExp][] = [
    ['http://example.org', /must start with turn:/],
    ['turn:', /is not understood|needs a host/],
    ['turn://canary-password@', /is not understood|needs a host/],
    ['turn:host:0', /needs a port/],
    ['turn:host:65536', /is not understood/],
    ['turn:host?transport=sctp', /takes transport/],
    ['turn:host?ttl=1', /takes one parameter/],
    ['turn:host?transport=udp&transport=tcp', /takes one parameter/],
    ['turn:host/path', /must end after the transport/],
    ['turn:host#x', /must end after the transport/],
    ['turn://:canary-password@host', /empty|user/],
    ['turn://%ZZ:canary-password@host', /percent-encoding|not understood/],
    ['turn:-host-', /no name or address/],
  ];
  for (const [text, words] of cases) {
    t.throws(() => parseTurnUri(text), { code: 'GW_ERR_USAGE', message: words }, text);
    t.throws(() => parseTurnUri(text), { message: /^(?!.*canary)/ }, `${text}: no secret`);
  }
  t.end();
});

t.test('written without the login', (t) => {
  const cases: [string, string][] = [
    ['turn://alice:pass@host', 'turn:host:3478?transport=udp'],
    ['turn://s@[::1]:9?transport=tcp', 'turn:[::1]:9?transport=tcp'],
    ['turn://s@host?transport=tls', 'turns:host:5349?transport=tcp'],
    ['turns:host?transport=udp', 'turns:host:5349?transport=udp'],
    ['stuns:host', 'stuns:host:5349'],
  ];
  for (const [text, written] of cases) t.equal(formatTurnUri(parseTurnUri(text)), written);
  t.end();
});
