const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
const BIT_UNITS = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'];
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const counts = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });
const times = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const dates = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' });

/** A count: `1,234,567`. */
export function formatCount(count: number): string {
  return counts.format(count);
}

/** Bytes in powers of 1000: `1.2 MB`. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, BYTE_UNITS);
}

/** Bytes per second as a line rate: `3.4 Mbit/s`. */
export function formatBitRate(bytesPerSecond: number): string {
  return scaled(bytesPerSecond * 8, BIT_UNITS);
}

/** Milliseconds with the digits that matter: `0.8 ms`, `12 ms`. */
export function formatMilliseconds(milliseconds: number): string {
  return `${milliseconds < 10 ? milliseconds.toFixed(1) : counts.format(milliseconds)} ms`;
}

/** A share of 0 to 1: `0 %`, `2.5 %`. */
export function formatShare(share: number): string {
  const percent = share * 100;
  return `${percent === 0 || percent >= 10 ? counts.format(percent) : percent.toFixed(1)} %`;
}

/** A span of time: `42 s`, `3 min`, `5 h 12 min`, `3 d 4 h`. */
export function formatAge(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min`;
  if (whole < DAY) return pair(whole, HOUR, 'h', MINUTE, 'min');
  return pair(whole, DAY, 'd', HOUR, 'h');
}

/** An RFC 3339 time where the reader is, with the day unless it is today: `14:03:59`, `31 Jan 2030, 14:03:59`. */
export function formatMoment(at: string, now = new Date()): string {
  const time = times.format(new Date(at));
  const day = formatDate(at);
  return day === dates.format(now) ? time : `${day}, ${time}`;
}

/** The day of an RFC 3339 time where the reader is: `31 Jan 2030`. */
export function formatDate(at: string): string {
  return dates.format(new Date(at));
}

/** An address and a port: `10.0.0.5:5004`, `[fd00::1]:5004`. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Text that a client made, with nothing left in it that could turn around or hide what stands beside it. */
export function formatForeign(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}

/** A number of things: `1 change`, `2 changes`. */
export function formatNumberOf(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

function scaled(value: number, units: readonly string[]): string {
  let rest = value;
  let unit = 0;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  const text = unit === 0 || rest >= 99.95 ? String(Math.round(rest)) : rest.toFixed(1);
  return `${text} ${units[unit]}`;
}

function pair(seconds: number, big: number, bigUnit: string, small: number, unit: string): string {
  const rest = Math.floor((seconds % big) / small);
  return `${Math.floor(seconds / big)} ${bigUnit}${rest === 0 ? '' : ` ${rest} ${unit}`}`;
}
