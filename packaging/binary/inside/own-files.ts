import { getAsset } from 'node:sea';

/** Runs the script of a relay worker out of the executable; its name is what traces of errors show. */
const WORKER = `
import { createRequire } from 'node:module';
import { getAsset } from 'node:sea';
import { compileFunction } from 'node:vm';
const script = getAsset('relay-worker.js', 'utf8');
const run = compileFunction(script, ['require', 'module'], { filename: 'relay-worker.js' });
run(createRequire('/'), { exports: {} });
`;

/** The version of the program; in the place of the function in `src/own-files.ts`, as are the others. */
export function packageVersion(): string {
  return getAsset('version', 'utf8');
}

/** What follows `process.execPath` in a command line of this program: nothing, the executable is the program. */
export function programArguments(): string[] {
  return [];
}

/** Where the script of a relay worker is. */
export function relayWorkerUrl(): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(WORKER)}`);
}
