import type { Finding } from '../scenario.ts';

/** A figure that must not exceed `max`. */
export function atMost(what: string, value: number, max: number, text: string, unit = ''): Finding {
  return { what, figure: text, bound: `<= ${max}${unit}`, holds: value <= max };
}

/** A figure that must not be below `min`. */
export function atLeast(
  what: string,
  value: number,
  min: number,
  text: string,
  unit = '',
): Finding {
  return { what, figure: text, bound: `>= ${min}${unit}`, holds: value >= min };
}

/** `share` of 1 as a percentage. */
export function percent(share: number, digits = 2): string {
  return `${(share * 100).toFixed(digits)} %`;
}

/** A number with commas between thousands. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
