import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import t from 'tap';
import { configMutants, expectVerdict } from '../support/config-mutants.ts';

t.test('mutated texts are judged, never thrown at', (t) => {
  const mutants = fc.property(configMutants(), (text) => void expectVerdict(text));
  t.doesNotThrow(() => fc.assert(mutants, { numRuns: 10_000 }));
  t.end();
});

t.test('well-formed data of any shape is judged, never thrown at', (t) => {
  const key = fc.constantFrom(
    'version', 'admin', 'auth', 'ice', 'listeners', 'relay', 'clusters', 'limits', 'name', 'type', 'credentials', 'users', 'username',
    'password', 'password_file', 'secret', 'secrets', 'routes', 'endpoints', 'endpoint', 'api_keys', 'cors', 'bind', 'port', 'address',
    'tls', 'sni', 'names', 'cert', 'key', 'cert_file', 'key_file', 'client_ca_file', 'client_auth', 'client_identities', 'subject', 'acme',
    'domains', 'accept_terms', 'termination', 'proxy_protocol', 'proxy_trusted', 'addresses', 'advertise', 'workers', 'min_port', 'max_ttl', 'algorithms', 'protocol', 'healthcheck_endpoint', '__proto__',
    'api_endpoint', 'api_token', 'api_tls', 'drain_timeout', 'alternate_servers', 'ready_fill_max', 'on_expiry', 'stun_servers', 'nat64_prefixes',
  ); // prettier-ignore
  const leaf = fc.oneof(
    fc.constantFrom(null, '', 'v1', 'c', 'static', 'ephemeral', 'tls', '10.0.0.1', '${NONE}', 'auto', true, 3478),
    fc.string(),
    fc.double(),
  ); // prettier-ignore
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 6 }),
    ),
  }));
  const file = fc.dictionary(key, tree, { maxKeys: 6 });
  const shapes = fc.property(file, (data) => void expectVerdict(JSON.stringify(data)));
  t.doesNotThrow(() => fc.assert(shapes, { numRuns: 3000 }));
  t.end();
});

t.test('truncated and repeated examples are judged', (t) => {
  const example = readFileSync('config/turnpike.example.yaml', 'utf8');
  for (let length = 0; length < example.length; length += 97) {
    t.doesNotThrow(() => expectVerdict(example.slice(0, length)), `first ${length} characters`);
  }
  t.doesNotThrow(() => expectVerdict(example + example));
  t.end();
});
