import { dirname, join } from 'node:path/posix';
import { importsOf, type SourceText } from './source-text.ts';

/**
 * What each folder of src/ may import of ours: folders end in `/`, single files in `.ts`. A folder may always import
 * itself. Nothing imports the roots, `service/` or `cli/` but the roots above them.
 */
const FOLDER_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  stun: [],
  turn: ['stun/', 'limits.ts'],
  auth: ['stun/', 'turn/policy.ts', 'limits.ts'],
  route: ['stun/', 'turn/policy.ts', 'limits.ts'],
  sys: ['stun/transport-address.ts'],
  config: ['stun/', 'errors.ts', 'limits.ts'],
  tls: ['config/', 'errors.ts', 'limits.ts', 'log.ts'],
  acme: ['config/', 'tls/', 'deadline.ts', 'errors.ts', 'limits.ts', 'log.ts'],
  net: ['turn/', 'stun/', 'sys/', 'tls/', 'errors.ts', 'limits.ts', 'log.ts'],
  metrics: ['net/shared/transport-event.ts', 'stun/registry.ts', 'turn/', 'limits.ts'],
  http: [
    'metrics/',
    'auth/',
    'config/',
    'stun/',
    'tls/',
    'turn/policy.ts',
    'errors.ts',
    'limits.ts',
    'log.ts',
  ],
  client: ['stun/', 'turn/channel-data.ts', 'turn/stream-framer.ts', 'errors.ts', 'limits.ts'],
  service: ['*'],
  cli: [
    'auth/',
    'client/',
    'config/',
    'http/',
    'route/',
    'stun/',
    'tls/',
    'turn/policy.ts',
    'errors.ts',
    'limits.ts',
    'log.ts',
  ],
};

/** The files beside the folders; `*` is everything but the roots, `service/` and `cli/`. */
const FILE_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  'deadline.ts': [],
  'limits.ts': [],
  'errors.ts': ['limits.ts'],
  'own-files.ts': [],
  'log-output.ts': ['limits.ts'],
  'log.ts': ['config/', 'errors.ts', 'limits.ts', 'log-output.ts'],
  'relay-worker.ts': ['*', 'service/'],
  'gateway.ts': ['*', 'service/'],
  'main.ts': ['*', 'service/', 'cli/', 'gateway.ts'],
};

/** What only the roots put together. */
const ROOT_FOLDERS = new Set(['cli/', 'service/']);
const ROOTS = new Set(['relay-worker.ts', 'gateway.ts', 'main.ts']);

/** The pure folders may assert; one file of theirs may use more of Node. */
const PURE_FOLDERS = new Set(['stun', 'turn', 'auth', 'route']);
const PURE_NODE_IMPORTS = new Map([['src/stun/integrity.ts', 'node:crypto']]);

/** Names every import of a source of src/ that goes in a direction that docs/architecture.md forbids. */
export function importProblems(source: SourceText): string[] {
  const from = source.path.replace(/^src\//, '');
  const allowed = FOLDER_IMPORTS[from.split('/')[0] ?? ''] ?? FILE_IMPORTS[from];
  if (allowed === undefined) return ['is in no folder of the import table'];
  const imports = importsOf(source);
  const wrong = imports
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => join(dirname(from), specifier))
    .filter((target) => !mayImport(from, target, allowed));
  return [
    ...wrong.map((target) => `must not import ${target}`),
    ...(isPure(source) ? nodeImportProblems(source.path, imports) : []),
  ];
}

/** Whether the source lies in a folder without clock, timer, randomness, log or input and output. */
export function isPure(source: SourceText): boolean {
  const [root, folder = ''] = source.path.split('/');
  return root === 'src' && PURE_FOLDERS.has(folder);
}

function mayImport(from: string, target: string, allowed: readonly string[]): boolean {
  const folder = target.includes('/') ? `${target.split('/')[0]}/` : undefined;
  if (folder !== undefined && from.startsWith(folder)) return true;
  if (allowed.includes(target) || (folder !== undefined && allowed.includes(folder))) return true;
  return allowed.includes('*') && !ROOT_FOLDERS.has(folder ?? '') && !ROOTS.has(target);
}

function nodeImportProblems(path: string, imports: readonly string[]): string[] {
  return imports
    .filter((specifier) => specifier.startsWith('node:') && specifier !== 'node:assert')
    .filter((specifier) => PURE_NODE_IMPORTS.get(path) !== specifier)
    .map((specifier) => `is pure and must not import ${specifier}`);
}
