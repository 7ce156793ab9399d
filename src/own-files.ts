import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// What the program reads of itself. A single executable has no files beside the code: `packaging/binary` puts a module
// in the place of this one.

/** The version of the program. */
export function packageVersion(): string {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** What follows `process.execPath` in a command line of this program, before its own arguments. */
export function programArguments(): string[] {
  return [fileURLToPath(new URL('./main.js', import.meta.url))];
}

/** Where the script of a relay worker is. */
export function relayWorkerUrl(): URL {
  return new URL('./relay-worker.js', import.meta.url);
}
