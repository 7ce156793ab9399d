import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { threadId } from 'node:worker_threads';
import { ROOT } from './prepare.mjs';

const CACHE = join(ROOT, '.tap/transpiled');
/** Whatever changes what comes out of a source without changing it. */
const COMPILER = ['node_modules/typescript/package.json', 'scripts/typescript-hooks.mjs']
  .map((file) => readFileSync(join(ROOT, file), 'utf8'))
  .join('');

/**
 * Gives Node.js what a TypeScript file becomes without its types. Each process of a test run needs the same few hundred
 * files, so what they become is kept; the compiler is only loaded for a file that has changed.
 */
export async function load(url, context, nextLoad) {
  const { protocol, pathname } = new URL(url);
  if (protocol !== 'file:' || !pathname.endsWith('.ts')) return nextLoad(url, context);
  const loaded = await nextLoad(url, { ...context, format: 'module' });
  return { ...loaded, source: await transpiled(fileURLToPath(url), String(loaded.source)) };
}

async function transpiled(file, source) {
  const kept = join(CACHE, `${relative(ROOT, file)}.js`);
  const mark = `\n// ${createHash('sha256').update(COMPILER).update(source).digest('hex')}`;
  const known = readKept(kept);
  if (known?.endsWith(mark)) return known;
  const output = (await transpile(file, source)) + mark;
  keep(kept, output);
  return output;
}

async function transpile(file, source) {
  const { default: ts } = await import('typescript');
  const compilerOptions = {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2023,
    verbatimModuleSyntax: true,
    inlineSourceMap: true,
    inlineSources: true,
  };
  return ts.transpileModule(source, { fileName: file, compilerOptions }).outputText;
}

function readKept(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Several processes may keep the same file at once: it appears as a whole. */
function keep(file, text) {
  const part = `${file}.${process.pid}.${threadId}`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(part, text);
  renameSync(part, file);
}
