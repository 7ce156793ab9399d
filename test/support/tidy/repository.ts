import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SourceText } from './source-text.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const NOT_OURS = new Set([
  '.git',
  'node_modules',
  'dist',
  'dist-bench',
  'dist-packages',
  '.tap',
  'coverage',
]);
const TEXT_BYTES_MAX = 2_000_000;

/** Reads a file of the repository by its path from the root. */
export function readRepositoryFile(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Reads every text file of the repository; what is built, installed or binary is left out. */
export function readRepository(): SourceText[] {
  return pathsBelow('')
    .filter((path) => statSync(join(ROOT, path)).size <= TEXT_BYTES_MAX)
    .map((path) => ({ path, text: readRepositoryFile(path) }))
    .filter(({ text }) => !text.includes('\0'));
}

function pathsBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name) || entry.name.endsWith('.log')) return [];
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return pathsBelow(path);
    return entry.isFile() ? [path] : [];
  });
}
