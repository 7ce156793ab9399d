/** Ends what was opened for it when it is over: a test, or a scenario. */
export interface Owner {
  teardown(end: () => unknown): void;
}
