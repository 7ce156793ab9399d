/** What a trial of one rate showed. */
export type Outcome = 'kept' | 'lost' | 'generatorLimit';

/** The end of a search. */
export interface Found {
  /** Index of the highest rate that was kept, -1 when none was. */
  readonly index: number;
  /** True when the generator, and not the server, kept the next rate from being tried. */
  readonly isGeneratorLimit: boolean;
}

/**
 * Looks for the highest of some rates that is kept, with as many trials as halving takes.
 *
 * @param count - of rates, in ascending order: every one below a kept one is taken to be kept too.
 * @param trial - tries the rate with an index.
 */
export async function bisect(
  count: number,
  trial: (index: number) => Promise<Outcome>,
): Promise<Found> {
  let kept = -1;
  let failed = count;
  let isGeneratorLimit = true;
  while (failed - kept > 1) {
    const next = (kept + failed) >> 1;
    const outcome = await trial(next);
    if (outcome === 'kept') kept = next;
    else {
      failed = next;
      isGeneratorLimit = outcome === 'generatorLimit';
    }
  }
  return { index: kept, isGeneratorLimit };
}
