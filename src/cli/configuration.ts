import { randomBytes } from 'node:crypto';
import { defaultConfigText } from '../config/defaults.ts';
import type { Environment } from '../config/environment.ts';
import type { GatewayConfig, HttpEndpoint } from '../config/gateway-config.ts';
import { loadConfig, parseConfigText } from '../config/load.ts';
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
  /** Absolute paths of the files that it was read from; empty when there are none. */
  readonly files: readonly string[];
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
  if (uri !== undefined) {
    return { config: oneLineConfig(uri), warnings: [], origin: 'uri', files: [] };
  }
  if (file !== undefined) {
    const files = new Set<string>();
    const result = usable(loadConfig(file, environment, (path) => files.add(path)));
    return { ...result, origin: 'file', files: [...files] };
  }
  const embedded = usable(parseEmbedded());
  return {
    ...embedded,
    config: withDefaultEndpoints(embedded.config),
    origin: 'embedded',
    files: [],
  };
}

/**
 * Loads a text as if it were a configuration file; see `loadForCommand`.
 *
 * @param file - path that problems name, and in whose folder `…_file` keys are looked for.
 */
export function loadText(
  text: string,
  file: string,
  environment: Environment = process.env,
): LoadedConfig {
  const files = new Set<string>();
  const result = parseConfigText(text, file, environment, (path) => files.add(path));
  return { ...usable(result), origin: 'file', files: [...files] };
}

/** Nobody asked for these endpoints: who tries the gateway must not be stopped by a port that is taken. */
function withDefaultEndpoints(config: GatewayConfig): GatewayConfig {
  const { admin } = config;
  return {
    ...config,
    admin: {
      ...admin,
      metricsEndpoint: unasked(admin.metricsEndpoint),
      healthcheckEndpoint: unasked(admin.healthcheckEndpoint),
      apiEndpoint: unasked(admin.apiEndpoint),
    },
  };
}

function unasked(endpoint: HttpEndpoint | undefined): HttpEndpoint | undefined {
  return endpoint && { ...endpoint, isDefault: true };
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
