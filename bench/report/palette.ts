import { OURS } from './server-names.ts';

/** A colour for light pages, which is what markup names, and its counterpart on dark ones. */
export interface Tone {
  readonly light: string;
  readonly dark: string;
}

/** How a server is drawn: colour, symbol and dashes each tell it from the others. */
export interface ServerStyle {
  readonly tone: Tone;
  /** In the terms of ECharts. */
  readonly symbol: string;
  readonly line: 'solid' | 'dashed' | 'dotted';
  readonly isOurs: boolean;
}

/** Colours of everything in a plot that is no server. */
export const PLOT_TONES = {
  surface: { light: '#ffffff', dark: '#0d1117' },
  text: { light: '#1f2328', dark: '#e6edf3' },
  muted: { light: '#59636e', dark: '#9198a1' },
  axis: { light: '#b0b8c1', dark: '#535b66' },
  grid: { light: '#e2e6ea', dark: '#262c36' },
} as const satisfies Readonly<Record<string, Tone>>;

const BLUE = { light: '#0a5fc2', dark: '#58a6ff' };
const GRAY = { light: '#6b7480', dark: '#a3abb5' };
const PALE = { light: '#8c949e', dark: '#7d8590' };
const VERMILION = { light: '#c24a00', dark: '#ff9b50' };
const MAGENTA = { light: '#a3306f', dark: '#f08cc6' };
const TEAL = { light: '#00786c', dark: '#3cc7b0' };
const MUSTARD = { light: '#857000', dark: '#e0c23f' };
const BROWN = { light: '#6d4c41', dark: '#c8a99b' };

const POINTING_DOWN = 'path://M-1,-1L1,-1L0,1Z';
const POINTING_RIGHT = 'path://M-1,-1L1,0L-1,1Z';
const PLUS = 'path://M-1,-3h2v2h2v2h-2v2h-2v-2h-2v-2h2Z';

const STYLES: Readonly<Record<string, Omit<ServerStyle, 'isOurs'>>> = {
  [OURS]: { tone: BLUE, symbol: 'circle', line: 'solid' },
  c: { tone: GRAY, symbol: 'diamond', line: 'dashed' },
  'c-segment': { tone: PALE, symbol: POINTING_DOWN, line: 'dotted' },
  coturn: { tone: VERMILION, symbol: 'rect', line: 'solid' },
  'node-turn': { tone: TEAL, symbol: PLUS, line: 'dashed' },
};
const OTHERS: readonly Omit<ServerStyle, 'isOurs'>[] = [
  { tone: MAGENTA, symbol: 'triangle', line: 'solid' },
  { tone: MUSTARD, symbol: POINTING_RIGHT, line: 'dashed' },
  { tone: BROWN, symbol: 'diamond', line: 'dotted' },
];

/** Gives every server of a report its style, the same for the same list of names. */
export function serverStyles(names: readonly string[]): ReadonlyMap<string, ServerStyle> {
  const others = names.filter((name) => !Object.hasOwn(STYLES, name));
  return new Map(
    names.map((name) => {
      const style = Object.hasOwn(STYLES, name)
        ? STYLES[name]!
        : OTHERS[others.indexOf(name) % OTHERS.length]!;
      return [name, { ...style, isOurs: name === OURS }];
    }),
  );
}

/** CSS that gives plots below `scope` the colours of dark pages. */
export function darkPlotRules(scope: string): string {
  const tones = [
    ...Object.values(PLOT_TONES),
    ...[...Object.values(STYLES), ...OTHERS].map(({ tone }) => tone),
  ];
  return [...new Set(tones)]
    .map(
      ({ light, dark }) =>
        `${scope} [fill="${light}"]{fill:${dark}}${scope} [stroke="${light}"]{stroke:${dark}}`,
    )
    .join('\n');
}
