import { createRequire } from 'node:module';
import type * as Werift from 'werift';
import { GatewayError } from '../../errors.ts';

/** What the optional package werift exports. */
export type WeriftLibrary = typeof Werift;

/** Whether werift is installed; it is not loaded for that, which takes half a second. */
export function isWeriftInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve('werift');
    return true;
  } catch {
    return false;
  }
}

/**
 * Loads werift.
 *
 * @param load - stands in for the import in tests.
 * @throws GatewayError GW_ERR_ECHO with the command that installs it when it is missing.
 */
export async function loadWerift(
  load: () => Promise<WeriftLibrary> = () => import('werift'),
): Promise<WeriftLibrary> {
  try {
    return await load();
  } catch (error) {
    const detail = 'the WebRTC echo needs the package werift: npm install werift@0.24';
    throw new GatewayError('GW_ERR_ECHO', detail, { cause: error });
  }
}
