/** What the main thread says comes before everything. */
export const CONTROL_RANK = 0;
/** A request comes before the data of the same client that it makes way for. */
export const REQUEST_RANK = 1;

/** Which handlers are called first in a turn; those without a rank come last. */
export type Rank = typeof CONTROL_RANK | typeof REQUEST_RANK | undefined;
