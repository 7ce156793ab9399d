import { PERMISSION_LIFETIME_SECONDS } from '../limits.ts';

/** Renews an allocation, its permissions and its channels well before they expire (RFC 8656 §8, §9, §12). */
export class KeepAlive {
  readonly #onFailure: (error: Error) => void;
  readonly #renewals = new Map<string, () => Promise<unknown>>();
  #allocationTimer: NodeJS.Timeout | undefined;
  #peerTimer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** @param onFailure - told when something could not be renewed. */
  constructor(onFailure: (error: Error) => void) {
    this.#onFailure = onFailure;
  }

  /** Calls `refresh`, which returns the next lifetime in seconds, each time most of the lifetime has passed. */
  keepAllocation(lifetimeSeconds: number, refresh: () => Promise<number>): void {
    if (this.#isStopped) return;
    this.#allocationTimer = setTimeout(() => {
      refresh().then(
        (nextSeconds) => this.keepAllocation(nextSeconds, refresh),
        (error: Error) => this.#onFailure(error),
      );
    }, renewAfterMs(lifetimeSeconds));
  }

  /** Calls `renew` as often as a permission needs it; a second one of the same key takes the place of the first. */
  keepPeer(key: string, renew: () => Promise<unknown>): void {
    if (this.#isStopped) return;
    this.#renewals.set(key, renew);
    const intervalMs = renewAfterMs(PERMISSION_LIFETIME_SECONDS);
    this.#peerTimer ??= setInterval(() => {
      for (const each of this.#renewals.values()) each().catch(this.#onFailure);
    }, intervalMs);
  }

  /** Renews nothing any more. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#allocationTimer);
    clearInterval(this.#peerTimer);
  }
}

/** A minute before the end, or at half of a short lifetime. */
function renewAfterMs(lifetimeSeconds: number): number {
  const seconds = Math.max(lifetimeSeconds / 2, lifetimeSeconds - MARGIN_SECONDS, SHORTEST_SECONDS);
  return seconds * 1000;
}

const MARGIN_SECONDS = 60;
const SHORTEST_SECONDS = 1;
