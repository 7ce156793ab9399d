import t, { type Test } from 'tap';
import { ERROR_CODES } from '../src/errors.ts';
import { importProblems } from './support/tidy/import-rules.ts';
import {
  dependencyProblems,
  errorCodeProblems,
  privateTextProblems,
  unusedErrorCodeProblems,
  type PackageManifest,
} from './support/tidy/repository-rules.ts';
import { readRepository, readRepositoryFile } from './support/tidy/repository.ts';
import { formProblems, sourceProblems } from './support/tidy/source-rules.ts';
import type { SourceText } from './support/tidy/source-text.ts';

const repository = readRepository();
const scripts = repository.filter(({ path }) => /\.(?:ts|mjs)$/.test(path));
const sources = scripts.filter(({ path }) => path.startsWith('src/'));

t.test('the repository is tidy', (t) => {
  expectTidy(t, 'imports go in the allowed directions', sources, importProblems);
  expectTidy(t, 'sources are documented and use nothing banned', sources, sourceProblems);
  expectTidy(t, 'files are short, well named and finished', scripts, formProblems);
  expectTidy(t, 'nothing is tied to one machine', repository, privateTextProblems);
  const manifest = JSON.parse(readRepositoryFile('package.json')) as PackageManifest;
  t.same(dependencyProblems(manifest, scripts), [], 'package.json declares what is used');
  const document = readRepositoryFile('docs/errors.md');
  const codes = Object.keys(ERROR_CODES);
  t.same(errorCodeProblems(codes, document), [], 'errors are documented');
  t.same(unusedErrorCodeProblems(codes, sources), [], 'errors are thrown');
  t.end();
});

function expectTidy(
  t: Test,
  name: string,
  texts: readonly SourceText[],
  rule: (source: SourceText) => string[],
): void {
  t.not(texts.length, 0, `${name}: something to look at`);
  t.same(
    texts.flatMap((source) => rule(source).map((problem) => `${source.path} ${problem}`)),
    [],
    name,
  );
}

/** Bad modules, one per rule, each with what the rule must say; parts are joined so that this file stays tidy. */
const badModules: readonly {
  readonly rule: (source: SourceText) => string[];
  readonly path: string;
  readonly text: string;
  readonly problem: RegExp;
}[] = [
  // Import directions: every folder against one that it must not see, and every exception against its neighbour.
  ...[
    ['src/stun/a.ts', '../limits.ts'],
    ['src/turn/a.ts', '../errors.ts'],
    ['src/turn/handlers/a.ts', '../../net/a.ts'],
    ['src/auth/a.ts', '../turn/allocation.ts'],
    ['src/route/a.ts', '../config/a.ts'],
    ['src/sys/a.ts', '../stun/message.ts'],
    ['src/config/a.ts', '../turn/policy.ts'],
    ['src/net/reactor/a.ts', '../../route/route-table.ts'],
    ['src/net/a.ts', '../config/parse.ts'],
    ['src/http/a.ts', '../turn/allocation.ts'],
    ['src/http/a.ts', '../gateway.ts'],
    ['src/cli/a.ts', '../net/a.ts'],
    ['src/cli/a.ts', '../main.ts'],
    ['src/log.ts', './gateway.ts'],
    ['src/service/a.ts', '../gateway.ts'],
    ['src/http/a.ts', '../service/a.ts'],
    ['src/relay-worker.ts', './main.ts'],
    ['src/gateway.ts', './cli/a.ts'],
  ].flatMap(([path = '', specifier = '']) =>
    [`import { a } from '${specifier}';`, `export const a = import('${specifier}');`].map(
      (text) => ({
        rule: importProblems,
        path,
        text,
        problem: /^must not import /,
      }),
    ),
  ),
  {
    rule: importProblems,
    path: 'src/turn/a.ts',
    text: "import fs from 'node:fs';",
    problem: /must not import node:fs/,
  },
  {
    rule: importProblems,
    path: 'src/stun/message.ts',
    text: "import crypto from 'node:crypto';",
    problem: /must not import node:crypto/,
  },
  {
    rule: importProblems,
    path: 'src/helpers/a.ts',
    text: '',
    problem: /in no folder of the import table/,
  },
  ...[
    'Date.now()',
    'new Date()',
    'setTimeout(work, 1)',
    'setInterval(work, 1)',
    'setImmediate(work)',
    'performance.now()',
    'process.env',
    'console',
    'queueMicrotask(work)',
    'globalThis.Date',
    '{ process }',
  ].map((expression) => ({
    rule: sourceProblems,
    path: 'src/turn/a.ts',
    text: `export const a = ${expression};`,
    problem: /is pure and must not use/,
  })),
  {
    rule: sourceProblems,
    path: 'src/net/a.ts',
    text: 'const a = Math.random();',
    problem: /line 1 uses Math.random/,
  },
  {
    rule: sourceProblems,
    path: 'src/http/a.ts',
    text: 'console.log(1);',
    problem: /line 1 writes to the console/,
  },
  ...[
    'export const a = 1;',
    'export function a(): void {}',
    'export default function a(): void {}',
    'export class A {}',
    'export interface A {}',
    'export type A = 1;',
    'const a = 1;\nexport { a };',
    'const a = 1;\nexport default a;',
    '// not a doc comment\nexport const a = 1;',
    '/** */\nexport const a = 1;',
    '/** A table. */\nexport const A = 1;\n\nexport const B = 2;',
    '/** Not a table. */\nexport const a = 1;\nexport const b = 2;',
  ].map((text) => ({
    rule: sourceProblems,
    path: 'src/net/a.ts',
    text,
    problem: /exports \w+ without a doc comment/,
  })),
  ...["export * from './b.ts';", "export { b } from './b.ts';"].map((text) => ({
    rule: sourceProblems,
    path: 'src/net/a.ts',
    text,
    problem: /passes on the exports/,
  })),
  {
    rule: formProblems,
    path: 'src/net/a.ts',
    text: '\n'.repeat(401),
    problem: /has 401 lines/,
  },
  {
    rule: formProblems,
    path: 'src/net/a.ts',
    text: '-'.repeat(121),
    problem: /line 1 has 121 columns/,
  },
  ...['src/net/udpListener.ts', 'src/net/Listener.ts', 'src/net/udp_listener.ts'].map((path) => ({
    rule: formProblems,
    path,
    text: '',
    problem: /not kebab-case/,
  })),
  ...[['// TO', 'DO: later'].join(''), ['// FIX', 'ME'].join('')].map((text) => ({
    rule: formProblems,
    path: 'src/net/a.ts',
    text,
    problem: /line 1 leaves something/,
  })),
  ...['https://registry.*.org/tap', 'https://www.*.com/package/tap'].map((text) => ({
    rule: privateTextProblems,
    path: 'docs/a.md',
    text: text.replace('*', ['npm', 'js'].join('')),
    problem: /line 1 names a package registry/,
  })),
  ...['work', 'root', 'home/me'].map((folder) => ({
    rule: privateTextProblems,
    path: 'docs/a.md',
    text: `see /${folder}/notes`,
    problem: /line 1 names a path of one machine/,
  })),
];

t.test('every rule finds a bad module', (t) => {
  for (const { rule, path, text, problem } of badModules) {
    const problems = rule({ path, text });
    t.ok(
      problems.some((found) => problem.test(found)),
      `${path}: ${text.slice(0, 60).trim()} -> ${problem.source}`,
      { problems },
    );
  }
  t.end();
});

t.test('no rule finds fault with a good module', (t) => {
  const goodModules: readonly SourceText[] = [
    { path: 'src/stun/integrity.ts', text: "import { createHmac } from 'node:crypto';\n" },
    { path: 'src/route/a.ts', text: "import type { PeerPolicy } from '../turn/policy.ts';\n" },
    { path: 'src/sys/a.ts', text: "import type { A } from '../stun/transport-address.ts';\n" },
    { path: 'src/net/reactor/a.ts', text: "import { log } from '../../log.ts';\n" },
    { path: 'src/main.ts', text: "import { run } from './cli/run.ts';\n" },
    { path: 'src/gateway.ts', text: "import { start } from './net/start.ts';\n" },
    { path: 'src/turn/a.ts', text: 'const a = { process: 1 };\nexport {};\na.process;\n' },
    { path: 'src/turn/b.ts', text: '/** Says what it is. */\nexport const a = 1;\n' },
    { path: 'src/sys/b.ts', text: '/** A table. */\nexport const A = 1;\nexport const B = 2;\n' },
    { path: 'src/cli/a.ts', text: "console.log('hello');\n" },
    { path: 'src/net/udp-listener.ts', text: `${'-'.repeat(120)}\n`.repeat(400) },
  ];
  for (const source of goodModules) {
    const problems = [importProblems, formProblems, sourceProblems, privateTextProblems];
    t.same(
      problems.flatMap((rule) => rule(source)),
      [],
      source.path,
    );
  }
  t.end();
});

t.test('dependencies and error codes are compared both ways', (t) => {
  const manifest = {
    dependencies: { used: '1', idle: '1' },
    devDependencies: { tool: '1' },
    peerDependencies: { optional: '1' },
  };
  const found = dependencyProblems(manifest, [
    {
      path: 'src/a.ts',
      text: "import 'used/part'; import 'optional'; import 'tool'; import 'node:fs';",
    },
    { path: 'test/a.ts', text: "import 'tool'; import '@scope/missing/part';" },
  ]);
  t.same(found, [
    'src/a.ts imports tool, which package.json does not declare',
    'test/a.ts imports @scope/missing, which package.json does not declare',
    'no source uses the dependency idle',
  ]);
  t.same(errorCodeProblems(['GW_ERR_A', 'GW_ERR_B'], '### GW_ERR_B\n\n### GW_ERR_C\n'), [
    'GW_ERR_A is not described',
    'GW_ERR_C does not exist',
  ]);
  const unused = unusedErrorCodeProblems(
    ['GW_ERR_A', 'GW_ERR_B'],
    [
      { path: 'src/errors.ts', text: "'GW_ERR_A', 'GW_ERR_B'" },
      { path: 'src/net/a.ts', text: "new GatewayError('GW_ERR_A', 'no')" },
      { path: 'test/net/a.ts', text: "code: 'GW_ERR_B'" },
    ],
  );
  t.same(unused, ['GW_ERR_B is never used']);
  t.end();
});
