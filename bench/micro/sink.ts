/** Keeps the compiler from leaving out calls whose result nobody wants. */
export const sink: { result: unknown } = { result: undefined };
