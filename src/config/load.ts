import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { errorText, GatewayError } from '../errors.ts';
import type { Environment } from './environment.ts';
import { parseConfig, type ParseResult } from './parse.ts';

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
  return parseConfigText(readText(fileName), fileName, environment, onRead);
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

function readText(fileName: string): string {
  try {
    return readFileSync(fileName, 'utf8');
  } catch (error) {
    const detail = `cannot read ${fileName}: ${errorText(error)}`;
    throw new GatewayError('GW_ERR_CONFIG_UNREADABLE', detail, { cause: error });
  }
}
