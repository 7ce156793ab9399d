import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { errorText, GatewayError } from '../errors.ts';
import type { Environment } from './environment.ts';
import { parseConfig, type ParseResult } from './parse.ts';

/**
 * Reads and parses a configuration file; `…_file` keys are relative to its folder.
 *
 * @throws GatewayError GW_ERR_CONFIG_UNREADABLE when the file itself cannot be read.
 */
export function loadConfig(fileName: string, environment: Environment): ParseResult {
  const resolvePath = (path: string): string => resolve(dirname(fileName), path);
  return parseConfig(readText(fileName), {
    fileName,
    environment,
    readFile: (path) => readFileSync(resolvePath(path), 'utf8'),
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
