import { fileURLToPath } from 'node:url';

/** The repository, seen from where the bench is compiled to. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
