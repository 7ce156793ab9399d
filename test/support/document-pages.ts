import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of the README and of every page of the documents. */
export function documentPages(): string[] {
  const names = readdirSync('docs').filter((name) => name.endsWith('.md'));
  return ['README.md', ...names.map((name) => join('docs', name))];
}
