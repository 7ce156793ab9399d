import type { Report } from '../report-data.ts';

/** The server that the goals are about. */
export const OURS = 'turnpike';

/** In this order; others follow by name. */
const FIRST = [OURS, 'c', 'c-segment', 'coturn', 'coturn-'];
const VERSION = /^v?\d[\w.+~-]*$/;

/** Names of all servers that a report has figures of, ours first, the C references next, then peers. */
export function serverNames({ relay, highestRates, memory }: Report): string[] {
  const names = new Set([...relay, ...highestRates, ...memory].map(({ server }) => server));
  return [...names].toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** What a server is called in tables and plots: a name for people and, for peers, the version. */
export function serverLabel({ versions }: Report, name: string): string {
  if (name === OURS) return 'Turnpike';
  if (name === 'c') return 'C reference';
  if (name === 'c-segment') return 'C + UDP_SEGMENT';
  const version = versions[name] ?? '';
  if (!VERSION.test(version)) return name;
  return `${name.endsWith(`-${version}`) ? name.slice(0, -version.length - 1) : name} ${version}`;
}

function rank(name: string): number {
  const exact = FIRST.indexOf(name);
  if (exact >= 0) return exact;
  return name.startsWith('coturn-') ? FIRST.length - 1 : FIRST.length;
}
