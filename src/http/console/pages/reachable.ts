import { ApiError, messageOf } from './api.ts';
import { byId, setText } from './dom.ts';
import { outageWords } from './words.ts';

/** Does something that asks the gateway, and says above everything else why that cannot be; does not reject. */
export async function reachable(work: () => Promise<void>): Promise<void> {
  const banner = byId('offline', HTMLElement);
  try {
    await work();
    banner.hidden = true;
  } catch (error) {
    const isApiError = error instanceof ApiError;
    setText(banner, outageWords(isApiError ? error.status : undefined, messageOf(error)));
    // A rate limit passes by itself.
    banner.hidden = isApiError && error.status === 429;
    if (!isApiError) reportError(error);
  }
}
