import type { LoadCount } from '../../test/support/relay-load.ts';
import type { Finding } from '../scenario.ts';

/** A number that has to be exactly another one. */
export function exactly(what: string, figure: number, bound: number, unit = ''): Finding {
  return {
    what,
    figure: withUnit(figure, unit),
    bound: withUnit(bound, unit),
    holds: figure === bound,
  };
}

/** A number that must not be more than another one. */
export function atMost(what: string, figure: number, bound: number, unit = ''): Finding {
  const holds = figure <= bound;
  return { what, figure: withUnit(figure, unit), bound: `<= ${withUnit(bound, unit)}`, holds };
}

/** A number that must not be less than another one. */
export function atLeast(what: string, figure: number, bound: number, unit = ''): Finding {
  const holds = figure >= bound;
  return { what, figure: withUnit(figure, unit), bound: `>= ${withUnit(bound, unit)}`, holds };
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

function withUnit(value: number, unit: string): string {
  const text = value.toLocaleString('en', { maximumFractionDigits: 2 });
  return unit === '' ? text : `${text} ${unit}`;
}
