import type { Environment } from '../../config/environment.ts';

/** Marks text, or leaves it as it is. */
export type Colour = (text: string) => string;

/** Marks text for a terminal; without colours it is left as it is. */
export interface Colours {
  readonly bold: Colour;
  readonly good: Colour;
  readonly warning: Colour;
  readonly bad: Colour;
}

/** Text as it is. */
export const NO_COLOURS: Colours = { bold: asIs, good: asIs, warning: asIs, bad: asIs };

const COLOURS: Colours = {
  bold: (text) => marked('1', '22', text),
  good: (text) => marked('32', '39', text),
  warning: (text) => marked('33', '39', text),
  bad: (text) => marked('31', '39', text),
};

/** Colours on a terminal only, and never where NO_COLOR is set or the terminal is a dumb one. */
export function coloursFor(
  stream: { readonly isTTY?: boolean | undefined },
  environment: Environment,
): Colours {
  const isWanted = !environment['NO_COLOR'] && environment['TERM'] !== 'dumb';
  return stream.isTTY === true && isWanted ? COLOURS : NO_COLOURS;
}

function asIs(text: string): string {
  return text;
}

function marked(on: string, off: string, text: string): string {
  return `\u001B[${on}m${text}\u001B[${off}m`;
}
