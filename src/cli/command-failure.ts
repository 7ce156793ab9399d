/** A command that could not do what it was asked to: printed, and exit code 1. */
export class CommandFailure extends Error {
  /** Code that the gateway gave for it, where it gave one. */
  readonly code: string | undefined;

  /** @param detail - what exactly, and what to do; no secrets. */
  constructor(detail: string, options: ErrorOptions & { code?: string | undefined } = {}) {
    super(detail, options);
    this.name = 'CommandFailure';
    this.code = options.code;
  }
}
