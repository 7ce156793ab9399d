import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Environment } from './environment.ts';
import { parseConfig, type ParseResult } from './parse.ts';
import { readConfigFile } from './read-file.ts';

/**
 * Reads and parses a configuration file; `…_file` keys are relative to its folder.
 *
 * @param onRead - told the path of every file that is read, the configuration first.
 * @throws GatewayError GW_ERR_CONFIG_UNREADABLE when the file itself cannot be read.
 */
export function loadConfig(
  fileName: string,
  environment: Environment,
  onRead: (path: string) => void = () => {},
): ParseResult {
  onRead(resolve(fileName));
  return parseConfigText(readConfigFile(fileName), fileName, environment, onRead);
}

/** Parses a configuration as if it were the content of a file, see `loadConfig`. */
export function parseConfigText(
  text: string,
  fileName: string,
  environment: Environment,
  onRead: (path: string) => void = () => {},
): ParseResult {
  const resolvePath = (path: string): string => resolve(dirname(fileName), path);
  return parseConfig(text, {
    fileName,
    environment,
    readFile: (path) => {
      onRead(resolvePath(path));
      return readFileSync(resolvePath(path), 'utf8');
    },
    resolvePath,
  });
}
