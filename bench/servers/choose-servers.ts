import type { Options } from '../options.ts';
import { addedServers } from './added-servers.ts';
import { cReference, cSegment } from './c-reference.ts';
import { coturn } from './coturn.ts';
import { nodeTurn } from './node-turn.ts';
import type { MeasuredServer } from './server.ts';
import { turnpike } from './turnpike.ts';

const BUILT_IN: readonly MeasuredServer[] = [turnpike, cReference, cSegment, coturn, nodeTurn];

/** Who takes part in a run. */
export interface Choice {
  readonly servers: readonly MeasuredServer[];
  /** Why others that were wanted do not, by name. */
  readonly skipped: Readonly<Record<string, string>>;
}

/** Finds the servers that a run is asked for, and which of them can be measured here; throws for an unknown name. */
export function chooseServers({ servers: names, added }: Options): Choice {
  const known = [...BUILT_IN, ...addedServers(added)];
  const unknown = names?.find((wanted) => !known.some(({ name }) => name === wanted));
  if (unknown !== undefined) throw new Error(`there is no server ${unknown}`);
  const wanted = known.filter(({ name }) => names?.includes(name) ?? true);
  const reasons = wanted.map((server) => [server.name, server.absence()] as const);
  return {
    servers: wanted.filter((_, index) => reasons[index]![1] === undefined),
    skipped: Object.fromEntries(
      reasons.flatMap(([name, reason]) => (reason === undefined ? [] : [[name, reason]])),
    ),
  };
}
