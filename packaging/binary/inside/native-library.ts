import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getAsset } from 'node:sea';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

const ASSET = 'koffi.node';
/** Under which the threads find the path of the library. */
const SHARED_PATH = 'turnpike.native-library';

let loaded: unknown;

/**
 * The native part of koffi. The loader of the system wants a file: there is one for a moment, then only an open
 * descriptor of it, which all threads load it from.
 *
 * @throws Error that names each folder that was tried.
 */
export function loadNativeLibrary(): unknown {
  const shared = getEnvironmentData(SHARED_PATH);
  loaded ??= typeof shared === 'string' ? open(shared) : unpack();
  return loaded;
}

function unpack(): unknown {
  const problems: string[] = [];
  for (const folder of folders()) {
    try {
      return unpackTo(folder);
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(`no folder to load the native library from: ${problems.join('; ')}`);
}

/** Where files may be written and executed: the one for such things, then what services and containers have. */
function folders(): Set<string> {
  const { XDG_RUNTIME_DIR, STATE_DIRECTORY, RUNTIME_DIRECTORY } = process.env;
  const own = [XDG_RUNTIME_DIR, RUNTIME_DIRECTORY, STATE_DIRECTORY].filter(
    (folder) => folder !== undefined && folder !== '',
  );
  return new Set([tmpdir(), '/dev/shm', ...own] as string[]);
}

function unpackTo(folder: string): unknown {
  const descriptor = writeUnnamed(folder);
  try {
    const path = `/proc/self/fd/${descriptor}`;
    const library = open(path);
    setEnvironmentData(SHARED_PATH, path);
    return library;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** An open file that nobody else can come by: its folder is private, and gone. */
function writeUnnamed(folder: string): number {
  const own = mkdtempSync(join(folder, 'turnpike-'));
  try {
    const file = join(own, ASSET);
    writeFileSync(file, new Uint8Array(getAsset(ASSET)), { mode: 0o500, flag: 'wx' });
    return openSync(file, 'r');
  } finally {
    rmSync(own, { recursive: true });
  }
}

function open(path: string): unknown {
  const library = { exports: {} };
  process.dlopen(library, path);
  return library.exports;
}
