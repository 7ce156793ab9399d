import { loadNativeLibrary } from './native-library.ts';

/**
 * In the place of `src/sys/koffi.ts`.
 *
 * @throws Error when there is no folder that its native part can be loaded from.
 */
export function loadKoffi(): typeof import('koffi') {
  // First, since koffi hides why it has no native part.
  loadNativeLibrary();
  // oxlint-disable-next-line typescript/no-require-imports -- koffi looks for its native part as soon as it is imported
  return require('koffi') as typeof import('koffi');
}
