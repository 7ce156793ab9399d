import type { NormaliseContext } from './normalise-context.ts';
import type { Path } from './problems.ts';
import { nearestMatch } from './suggest.ts';
import { usableEntries } from './validate.ts';

/**
 * Checks that every route names a cluster.
 *
 * @param path - path of the list of routes.
 * @returns the routes without repetitions.
 */
export function checkRoutes(
  routes: readonly string[] | undefined,
  clusterNames: ReadonlySet<string>,
  path: Path,
  { report }: NormaliseContext,
): readonly string[] {
  for (const [index, route] of usableEntries(routes)) {
    if (clusterNames.has(route)) continue;
    const near = nearestMatch(route, clusterNames);
    const hint = near === undefined ? knownNames(clusterNames) : `did you mean ${near}?`;
    report.problem([...path, index], `names no cluster; ${hint}`);
  }
  return [...new Set(usableEntries(routes).map(([, route]) => route))];
}

/** Reports every entry whose name an earlier entry has. */
export function checkUniqueNames(
  entries: readonly { readonly name: string }[] | undefined,
  section: string,
  { report }: NormaliseContext,
): void {
  const seen = new Map<string, number>();
  for (const [index, { name }] of usableEntries(entries)) {
    const first = seen.get(name);
    if (first === undefined) seen.set(name, index);
    else report.problem([section, index, 'name'], `is taken by ${section}[${first}]`);
  }
}

function knownNames(names: ReadonlySet<string>): string {
  const shown = [...names].slice(0, 10).join(', ');
  return names.size === 0
    ? 'there are no clusters'
    : `clusters are ${shown}${names.size > 10 ? ', …' : ''}`;
}
