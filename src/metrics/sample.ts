import type { Labels } from './name-labels.ts';
import type { Scrape } from './scrape.ts';

/** One line of an exposition. */
export interface Sample {
  readonly value: number;
  readonly labels: Labels;
  /** Name of the line where it is not that of the metric. */
  readonly metricName?: string;
}

/** Tells the samples of one metric. */
export type ReadSamples = (scrape: Scrape) => readonly Sample[];
