import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { MASK } from '../../config/redact-values.ts';
import { readConfigFile } from '../../config/read-file.ts';
import { errorText, GatewayError } from '../../errors.ts';
import { success, type CommandResult } from '../terminal/output.ts';
import { importCoturn } from './coturn-import.ts';
import type { PeerChoice } from './coturn-peers.ts';
import type { ImportNote } from './import-notes.ts';

const SECRET_BYTES = 24;
/** Secrets are in it. */
const FILE_MODE = 0o600;

/** Options of `config import`. */
export interface ImportCommandOptions {
  /** Where the result goes; undefined: standard output, secrets masked. */
  readonly outputFile: string | undefined;
  /** Overwrites a file that exists. */
  readonly isForced: boolean;
  /** Prints secrets on standard output. */
  readonly showsSecrets: boolean;
  readonly peers: PeerChoice;
}

/**
 * `config import`: turns a `turnserver.conf` into a configuration and says on standard error what does not map.
 *
 * @throws GatewayError GW_ERR_CONFIG_UNREADABLE, GW_ERR_USAGE.
 */
export function importCommand(fileName: string, options: ImportCommandOptions): CommandResult {
  const { outputFile, showsSecrets, isForced } = options;
  const isMasked = outputFile === undefined && !showsSecrets;
  const { yaml, notes } = importCoturn(readConfigFile(fileName), {
    fileName,
    peers: options.peers,
    secretText: (secret) => (isMasked ? MASK : secret),
    newSecret: () => randomBytes(SECRET_BYTES).toString('base64url'),
  });
  const remarks = notes.map((note) => noteLine(fileName, note)).join('');
  if (outputFile === undefined) {
    const hint = 'secrets are masked; --to FILE writes them, --show-secret prints them\n';
    return success(yaml, isMasked ? remarks + hint : remarks);
  }
  writeResult(outputFile, yaml, isForced);
  return success(
    '',
    `${remarks}${outputFile} is written; next: turnpike config check -c ${outputFile}\n`,
  );
}

function noteLine(fileName: string, { line, text }: ImportNote): string {
  return line === undefined ? `${fileName}: ${text}\n` : `${fileName}:${line}: ${text}\n`;
}

function writeResult(fileName: string, text: string, isForced: boolean): void {
  try {
    // A file that others may read would keep its mode.
    if (isForced) rmSync(fileName, { force: true });
    writeFileSync(fileName, text, { flag: 'wx', mode: FILE_MODE });
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
    const reason = exists ? 'the file exists; --force overwrites it' : errorText(error);
    throw new GatewayError('GW_ERR_USAGE', `cannot write ${fileName}: ${reason}`, { cause: error });
  }
}
