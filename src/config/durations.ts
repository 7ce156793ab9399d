/** What a duration may look like, for messages. */
export const DURATION_FORM = 'a duration such as 24h, 10m, 30s, 1h30m, or plain seconds';

const DURATION = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/;

/**
 * Reads `24h`, `10m`, `30s`, `1h30m` or plain seconds.
 *
 * @returns whole seconds, or undefined when the text is no duration.
 */
export function parseDuration(value: string | number): number | undefined {
  const text = String(value).trim();
  if (/^\d+$/.test(text)) return safe(Number(text));
  const match = DURATION.exec(text);
  if (match === null || text === '') return undefined;
  const [, hours = '0', minutes = '0', seconds = '0'] = match;
  return safe(Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds));
}

/** Writes seconds as the shortest text that `parseDuration` reads back: 5400 is `1h30m`. */
export function formatDuration(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const;
  return (
    parts
      .filter(([count]) => count > 0)
      .map(([count, unit]) => `${count}${unit}`)
      .join('') || '0s'
  );
}

function safe(seconds: number): number | undefined {
  return Number.isSafeInteger(seconds) ? seconds : undefined;
}
