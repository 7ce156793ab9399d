import { LOG_LEVEL_DEFAULT } from './default-values.ts';
import type { LogLevel } from './gateway-config.ts';

const LOG_LEVELS: readonly LogLevel[] = ['DISABLE', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'];

/**
 * Reads `scope:LEVEL,scope:LEVEL`; scope `all` is the level of every other scope and defaults to `LOG_LEVEL_DEFAULT`.
 *
 * @returns levels by scope in an object without prototype, or the reason why the text is refused.
 */
export function parseLogLevels(text: string): Record<string, LogLevel> | string {
  const levels: Record<string, LogLevel> = Object.assign(Object.create(null), {
    all: LOG_LEVEL_DEFAULT,
  });
  const named = new Set<string>();
  for (const part of text.split(',').filter((item) => item.trim() !== '')) {
    const [, scope = '', levelText = ''] = /^\s*([\w./-]+):(\w+)\s*$/.exec(part) ?? [];
    const level = LOG_LEVELS.find((candidate) => candidate === levelText.toUpperCase());
    if (scope === '' || level === undefined) {
      return `must be scope:LEVEL,scope:LEVEL with the levels ${LOG_LEVELS.join(', ')}`;
    }
    if (named.has(scope)) return `names scope ${scope} twice`;
    named.add(scope);
    levels[scope] = level;
  }
  return levels;
}

/** Writes levels as the text that `parseLogLevels` reads. */
export function formatLogLevels(levels: Readonly<Record<string, LogLevel>>): string {
  return Object.entries(levels)
    .map(([scope, level]) => `${scope}:${level}`)
    .join(',');
}
