import type { GatewayConfig } from '../../src/config/gateway-config.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { formatProblem } from '../../src/config/problems.ts';

/** Parses a configuration that a test knows to be valid. */
export function configFrom(text: string): GatewayConfig {
  const result = parseConfig(text, {
    fileName: 'test.yaml',
    environment: {},
    readFile: (path) => {
      throw new Error(`no file ${path} in this test`);
    },
  });
  if ('config' in result) return result.config;
  throw new Error(result.problems.map(formatProblem).join('\n'));
}
