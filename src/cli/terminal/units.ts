import { formatDuration } from '../../config/durations.ts';

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;
const DAY_SECONDS = 86_400;

/** Bytes for people, in powers of 1000: `1.2 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const text = unit === 0 || value >= 99.95 ? String(Math.round(value)) : value.toFixed(1);
  return `${text} ${BYTE_UNITS[unit]}`;
}

/** A count for people: `1,234,567`. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Seconds for people: `3d2h`, `1h5m`, `42s`. */
export function formatAge(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 3600) return formatDuration(whole);
  const days = Math.floor(whole / DAY_SECONDS);
  const rest = formatDuration(whole - days * DAY_SECONDS - (whole % (days > 0 ? 3600 : 60)));
  return days === 0 ? rest : `${days}d${rest === '0s' ? '' : rest}`;
}
