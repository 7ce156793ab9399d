import { randomBytes } from 'node:crypto';
import { defaultConfigText } from '../config/defaults.ts';
import type { Environment } from '../config/environment.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { loadConfig } from '../config/load.ts';
import { oneLineConfig } from '../config/one-line-config.ts';
import { parseConfig, type ParseResult } from '../config/parse.ts';
import { formatProblem, type Problem } from '../config/problems.ts';
import { GatewayError } from '../errors.ts';

const SECRET_BYTES = 24;

/** A configuration ready to run. */
export interface LoadedConfig {
  readonly config: GatewayConfig;
  readonly warnings: readonly Problem[];
  readonly origin: 'file' | 'uri' | 'embedded';
}

/**
 * Loads what a command works on: a file, a one-line `turn://` URI, or the embedded default.
 *
 * @throws GatewayError GW_ERR_CONFIG_INVALID with every problem on a line of its own, GW_ERR_CONFIG_UNREADABLE,
 *   GW_ERR_USAGE.
 */
export function loadForCommand(
  { file, uri }: { file?: string | undefined; uri?: string | undefined },
  environment: Environment = process.env,
): LoadedConfig {
  if (file !== undefined && uri !== undefined) {
    throw new GatewayError(
      'GW_ERR_USAGE',
      'give either a configuration file or a turn:// URI, not both',
    );
  }
  if (uri !== undefined) return { config: oneLineConfig(uri), warnings: [], origin: 'uri' };
  if (file !== undefined) return { ...usable(loadConfig(file, environment)), origin: 'file' };
  return { ...usable(parseEmbedded()), origin: 'embedded' };
}

function parseEmbedded(): ParseResult {
  return parseConfig(defaultConfigText(randomBytes(SECRET_BYTES).toString('base64url')), {
    fileName: 'embedded default',
    environment: {},
    readFile: () => '',
  });
}

function usable(result: ParseResult): Exclude<ParseResult, { problems: unknown }> {
  if ('config' in result) return result;
  throw new GatewayError('GW_ERR_CONFIG_INVALID', result.problems.map(formatProblem).join('\n'));
}
