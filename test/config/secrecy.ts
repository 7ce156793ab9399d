import { randomInt } from 'node:crypto';
import * as fc from 'fast-check';
import t from 'tap';
import { parseConfig } from '../../src/config/parse.ts';
import { formatProblem, type Problem } from '../../src/config/problems.ts';

const PLAIN = 'CANARY5ecret';
/** As of base64; like no key and no file name. */
const SIGNED = 'CANARY+5ecret/x=';
const SEED = Number(process.env['TURNPIKE_SEED'] ?? randomInt(2 ** 31));

function remarksOn(text: string): readonly Problem[] {
  const result = parseConfig(text, {
    fileName: 'f.yaml',
    environment: {},
    readFile: () => {
      throw new Error('no such file');
    },
  });
  return 'problems' in result ? result.problems : result.warnings;
}

t.test('a secret that breaks the file is not repeated', (t) => {
  const table: readonly [text: string, says: RegExp][] = [
    [`auth: { credentials: { username: u, password: "x" ${PLAIN} } }`, /f\.yaml:2:51: /],
    [`auth:\n  credentials:\n    password: "x" ${PLAIN}`, /cannot stand here; mind/],
    [`auth:\n  credentials:\n    password: |${PLAIN}\n      x`, /cannot stand here; mind/],
    [`%${PLAIN}\n---\na: b`, /cannot start with this sign; quote it/],
    [`auth: { credentials: { password: "\\q${PLAIN}" } }`, /unknown escape/],
    [`auth: { credentials: { password: "${PLAIN} } }`, /a quote, .* is missing/],
    [`auth:\n\tsecret: ${PLAIN}`, /tabs cannot indent/],
    [`auth: { credentials: { password: @${PLAIN} } }`, /cannot start with this sign; quote it/],
    [`auth:\n  credentials:\n    password: a: ${PLAIN}`, /quote text with ": " in it/],
    [`auth: { credentials: { password: !${PLAIN} x } }`, /YAML tags/],
    [`auth: { credentials: { password: *${PLAIN} } }`, /alias without its anchor/],
    [`auth: { credentials: { password: &${PLAIN} &b c } }`, /two anchors/],
    [`auth: { credentials: { ${PLAIN}: x } }`, /auth\.credentials\.\*\*\*: unknown key/],
    [`auth: { credentials: { ${PLAIN}, ${PLAIN} } }`, /auth\.credentials\.\*\*\*: given twice/],
    [`auth: { users: [{ ${PLAIN}: x }] }`, /auth\.users\[0\]\.\*\*\*: unknown key/],
    [`auth: { users: { ${PLAIN}: "\${x" } }`, /auth\.users\.\*\*\*: has a broken variable/],
    [`admin: { ${PLAIN}: x }`, /admin\.\*\*\*: unknown key/],
    [`ice: { ${PLAIN}: x }`, /ice\.\*\*\*: unknown key/],
    [`listeners: [{ name: a, tls: { ${PLAIN}: x } }]`, /listeners\[0\]\.tls\.\*\*\*: unknown key/],
    [`relay: { ${SIGNED}: x }`, /relay\.\*\*\*: unknown key/],
    [`relay: { ${PLAIN.repeat(6)}: x }`, /relay\.\*\*\*: unknown key/],
    [`x: { ${PLAIN}: "\${" }`, /x\.\*\*\*: has a broken/],
    [`auth: { credentials: { password: "\${${PLAIN}}" } }`, /names an environment variable that is not/],
    [`admin: { name: "\${${PLAIN}}" }`, /admin\.name: names an environment variable that is not/],
    [`auth: { credentials: { password: "\${${SIGNED}}" } }`, /broken variable/],
    [`auth: { credentials: { password_file: ${PLAIN} } }`, /cannot read the file of that name/],
  ]; // prettier-ignore
  for (const [text, says] of table) {
    const remarks = remarksOn(`version: v1\n${text}`).map(formatProblem).join('\n');
    t.match(remarks, says, text);
    t.notMatch(remarks, /CANARY|5ecret/, text);
  }
  t.match(remarksOn(`%${PLAIN}\n---\na: b`), [
    { line: 1, message: /is a YAML directive that is not/ },
  ]);
  t.notMatch(JSON.stringify(remarksOn(`%${PLAIN} x\n---\na: b`)), /CANARY/);
  const shown: readonly [text: string, says: RegExp][] = [
    ['relay: { min_prot: 1 }', /relay\.min_prot: unknown key; did you mean min_port\?/],
    [
      'admin: { drain_timout: 1h }',
      /admin\.drain_timout: unknown key; did you mean drain_timeout\?/,
    ],
    ['auth: { credentials: { pasword: x } }', /\*\*\*: unknown key; did you mean password\?/],
    ['auth: { credentials: { password: "${TURN_PASSWORD}" } }', /variable TURN_PASSWORD is not/],
    ['auth: { credentials: { password_file: ./pass.txt } }', /cannot read \.\/pass\.txt/],
    ['auth: { credentials: { password_file: /run/pass } }', /cannot read \/run\/pass/],
  ];
  for (const [text, says] of shown) {
    t.match(remarksOn(`version: v1\n${text}`).map(formatProblem).join('\n'), says, text);
  }
  t.end();
});

const documentsWith = (secret: string): string[] => [
  `version: v1
admin:
  api_endpoint: "https://0.0.0.0:8087"
  api_token: ${secret}
auth:
  type: static
  credentials:
    username: u
    password: ${secret}
  users:
    - username: v
      password: "${secret}"
    - { username: w, password: '${secret}' }
ice:
  api_keys: [${secret}, x]
listeners:
  - name: a
    protocol: tls
    tls:
      cert_file: c
      key_file: k
      key_passphrase: ${secret}
`,
  `version: v1\nauth: { type: ephemeral, credentials: { secrets: ["${secret}", ${secret}] } }\n`,
  `version: v1\nauth:\n  type: ephemeral\n  credentials:\n    secret: |\n      ${secret}\n`,
  JSON.stringify({
    version: 'v1',
    auth: { credentials: { username: 'u', password: secret }, users: [{ password: secret }] },
    ice: { endpoint: 'http://:1', api_keys: [secret] },
  }),
];

/** They steer mutants towards the messages of the YAML library and of the expansion of variables. */
const FRAGMENTS = [
  '\n', '  ', '- ', ': ', ',', '{', '}', '[', ']', '"', "'", '#', '&', '*', '<<: ', '|', '>', '|-\n', '? ', '---\n', '...\n',
  '%', '\n%', '!', '!!', '!!int ', '!!set ', '\t', '\n\t', '\r', '\u0000', '@', '`', '\\', '\\q', '${', '}', '$', '$${', ':-', '_file',
]; // prettier-ignore

const edits = fc.array(
  fc.record({
    /** Half of them hit next to a secret. */
    at: fc.nat(2000),
    isNear: fc.boolean(),
    remove: fc.oneof(fc.constant(0), fc.nat(2), fc.nat(30)),
    insert: fc.oneof(fc.constantFrom(...FRAGMENTS), fc.string({ maxLength: 3 })),
  }),
  { minLength: 1, maxLength: 5 },
);

/** Edits the text between secrets, which stay whole. */
function mutate(
  text: string,
  secret: string,
  list: typeof edits extends fc.Arbitrary<infer E> ? E : never,
): string {
  const pieces = text.split(secret);
  for (const { at, isNear, remove, insert } of list) {
    const index = at % pieces.length;
    const piece = pieces[index]!;
    const isLast = index === pieces.length - 1;
    const near = isLast ? 0 : Math.max(0, piece.length - (at % 3));
    const start = isNear ? near : at % (piece.length + 1);
    pieces[index] = piece.slice(0, start) + insert + piece.slice(start + remove);
  }
  return pieces.join(secret);
}

t.test('no mutant of a file gives its secrets away', (t) => {
  let refused = 0;
  const property = fc.property(
    fc.constantFrom(PLAIN, SIGNED),
    fc.nat(3),
    edits,
    (secret, which, list) => {
      const text = mutate(documentsWith(secret)[which]!, secret, list);
      const remarks = remarksOn(text);
      if (remarks.length > 0) refused++;
      for (const { message, path } of remarks) {
        // A word in a section without secrets is shown like any misspelt key.
        const isShown = /CANARY|5ecret/.test(secret === PLAIN ? message : `${path} ${message}`);
        if (isShown) throw new Error(`${path}: ${message} of ${JSON.stringify(text)}`);
      }
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 6000, seed: SEED }), `seed ${SEED}`);
  t.ok(refused > 3000, `${refused} were refused or remarked on, seed ${SEED}`);
  t.end();
});
