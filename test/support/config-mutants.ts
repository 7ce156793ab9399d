import * as fc from 'fast-check';
import { defaultConfigText } from '../../src/config/defaults.ts';
import { parseConfig } from '../../src/config/parse.ts';

const OPTIONS = {
  fileName: 'mutant.yaml',
  environment: { NAME: 'value' },
  readFile(path: string): string {
    throw new Error(`no file ${path}`);
  },
};

const SHORT = `version: v1
auth: { credentials: { username: "\${NAME}", password: &p $x } }
clusters: [{ name: c, endpoints: ["10.0.0.0/24:<1-2>", "[fd00::]/64:5-6"] }]
listeners:
  - name: a
    port: 3478
    routes: [c]
`;
const SECURE = `version: v1
auth: { type: none }
acme: { domains: [a.example], accept_terms: true }
admin: { api_endpoint: "https://:1", api_token: abcdefghijklmnop, alternate_servers: ["[::1]:5"], ready_fill_max: 0.5 }
relay: { addresses: [{ bind: "::1", advertise: discover }], stun_servers: [a.example], nat64_prefixes: ["2001:db8:64::/96"] }
ice: { endpoint: "https://[::1]" }
listeners:
  - name: a
    protocol: tls
    proxy_protocol: off
    proxy_trusted: []
    tls:
      sni: [{ names: ["*.a.example"], cert_file: c, key_file: k }]
      client_ca_file: [ca]
      client_identities: [{ subject: "O=a,OU=b", user: "{CN}", routes: [] }]
`;
const SEEDS = [
  SHORT,
  JSON.stringify({ version: 'v1', listeners: [{ name: 'a' }] }),
  defaultConfigText('s'),
  SECURE,
];

/** Fragments that steer mutants towards the interesting parts of YAML and of the file format. */
const FRAGMENTS = [
  '\n', '  ', '- ', ': ', '{', '}', '[', ']', '"', "'", '#', '&p ', '*p', '<<: ', '|\n', '>\n', '? ', '---\n', '...\n',
  '%YAML 1.1\n', '!!set ', '!!binary ', '\t', '\u0000', '\uFEFF', '\uD800', '\r', '~', 'null', 'true', '.nan', '-1', '1e9',
  '65536', '__proto__: ', 'constructor: ', 'toString', '${', '${NAME}', '${NONE}', '$${', '$NAME', 'secret_file: x\n', 'TURN-TLS',
  'users: ', 'STRICT_DNS', '::/0', '/33', ':<9-1>', 'version: v1\n', 'listeners: ', 'ice: { endpoint: "http://:1" }\n',
]; // prettier-ignore

interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(2000),
  remove: fc.oneof(fc.constant(0), fc.nat(3), fc.nat(40)),
  insert: fc.oneof(fc.constantFrom(...FRAGMENTS), fc.constant(''), fc.string({ maxLength: 4 })),
});

function mutate(text: string, edits: readonly Edit[]): string {
  return edits.reduce((current, { at, remove, insert }) => {
    const start = at % (current.length + 1);
    return current.slice(0, start) + insert + current.slice(start + remove);
  }, text);
}

/** Configurations with one to six changes; of the given texts, or of ones that between them have every section. */
export function configMutants(seeds: readonly string[] = SEEDS): fc.Arbitrary<string> {
  const edits = fc.array(edit, { minLength: 1, maxLength: 6 });
  return fc.tuple(fc.constantFrom(...seeds), edits).map(([text, changes]) => mutate(text, changes));
}

/**
 * Parses a text.
 *
 * @throws Error unless it is accepted, or refused with problems that stand somewhere in the text.
 */
export function expectVerdict(text: string): 'accepted' | 'refused' {
  const result = parseConfig(text, OPTIONS);
  if ('config' in result) return 'accepted';
  const lines = text.split(/\r?\n/).length;
  if (result.problems.length === 0) throw new Error('refused without a problem');
  for (const { line, column, message } of result.problems) {
    const isPlaced = line >= 1 && line <= lines && column >= 1;
    if (!isPlaced || message === '') throw new Error(`misplaced: ${line}:${column} of ${lines}`);
  }
  return 'refused';
}
