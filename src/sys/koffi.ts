import { createRequire } from 'node:module';

/**
 * Loads koffi, which makes C functions callable. `packaging/binary` puts a module in the place of this one.
 *
 * @throws Error when koffi has no binary for this platform.
 */
export function loadKoffi(): typeof import('koffi') {
  return createRequire(import.meta.url)('koffi') as typeof import('koffi');
}
