import { InvalidArgumentError } from 'commander';
import { nearestMatch } from '../../config/suggest.ts';

/** Scopes of log records, and `all`, which stands for those that are not named. */
export const LOG_SCOPES = [
  'acme',
  'all',
  'api',
  'audit',
  'config',
  'dns',
  'gateway',
  'health',
  'ice',
  'metrics',
  'relay',
  'tls',
  'turn',
] as const;

/** Log level of a scope, `=` or `:` between them; throws InvalidArgumentError of commander. */
export function parseLevel(text: string, previous: readonly string[] = []): string[] {
  const [, scope] = /^([\w./-]+)[=:]\w+$/.exec(text) ?? [];
  if (scope === undefined) {
    throw new InvalidArgumentError('It must be SCOPE=LEVEL, such as turn=DEBUG or all=INFO.');
  }
  if ((LOG_SCOPES as readonly string[]).includes(scope)) return [...previous, text];
  const nearest = nearestMatch(scope, LOG_SCOPES);
  const guess = nearest === undefined ? '' : ` Did you mean ${nearest}?`;
  throw new InvalidArgumentError(
    `There is no scope "${scope}"; there are: ${LOG_SCOPES.join(', ')}.${guess}`,
  );
}
