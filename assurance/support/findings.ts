import type { LoadCount } from '../../test/support/relay-load.ts';
import type { Finding } from '../scenario.ts';

/** How a figure is written; a text alone is the unit. */
export type Style =
  | string
  | {
      /** Of the figure and of its bound. */
      readonly unit?: string;
      /** In the place of the figure: what there is to know beside it. */
      readonly text?: string;
    };

/** A number that has to be exactly another one. */
export function exactly(what: string, value: number, wanted: number, style?: Style): Finding {
  return finding(what, value, '', wanted, value === wanted, style);
}

/** A number that must not be more than another one. */
export function atMost(what: string, value: number, max: number, style?: Style): Finding {
  return finding(what, value, '<= ', max, value <= max, style);
}

/** A number that must not be less than another one. */
export function atLeast(what: string, value: number, min: number, style?: Style): Finding {
  return finding(what, value, '>= ', min, value >= min, style);
}

/** Something that is or is not. */
export function isSo(what: string, isTrue: boolean): Finding {
  return { what, figure: isTrue ? 'yes' : 'no', bound: 'yes', holds: isTrue };
}

/** Calls that must lose nothing, and packets of each. */
export function untouched(what: string, { sent, received }: LoadCount): Finding {
  const figure = `${sent - received} of ${sent} packets lost`;
  return { what, figure, bound: '0', holds: sent > 0 && sent === received };
}

/** `share` of 1 as a percentage. */
export function percent(share: number, digits = 2): string {
  return `${(share * 100).toFixed(digits)} %`;
}

/** A whole number with commas between thousands. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function finding(
  what: string,
  value: number,
  comparison: string,
  bound: number,
  holds: boolean,
  style: Style = {},
): Finding {
  const { unit = '', text = withUnit(value, unit) } =
    typeof style === 'string' ? { unit: style } : style;
  return { what, figure: text, bound: `${comparison}${withUnit(bound, unit)}`, holds };
}

function withUnit(value: number, unit: string): string {
  const text = value.toLocaleString('en', { maximumFractionDigits: 2 });
  return unit === '' ? text : `${text} ${unit}`;
}
