import type { GatewayEvent } from '../http/admin/gateway-control.ts';

/** Events that are kept for those who come back. */
const EVENTS_KEPT_MAX_DEFAULT = 1000;

/** Something to be told; `data` has no secrets and only bounded text. */
export type NewEvent = Pick<GatewayEvent, 'type' | 'data'>;

/** Tells what happens to all who listen, and keeps the latest events for those who were away for a moment. */
export class EventHub {
  readonly #keptMax: number;
  /** A ring: the event with id N lies at `N % keptMax`. */
  readonly #kept: GatewayEvent[] = [];
  readonly #subscribers = new Set<(event: GatewayEvent) => void>();
  #lastId = 0;

  /** @param keptMax - events kept, at least 1. */
  constructor(keptMax = EVENTS_KEPT_MAX_DEFAULT) {
    if (!Number.isSafeInteger(keptMax) || keptMax < 1)
      throw new RangeError('keeps 1 event at least');
    this.#keptMax = keptMax;
  }

  /** Id of the latest event; 0 when there was none. */
  get lastId(): number {
    return this.#lastId;
  }

  /** Tells an event to every subscriber, in the order in which they came. */
  publish({ type, data }: NewEvent): GatewayEvent {
    this.#lastId += 1;
    const event: GatewayEvent = { id: this.#lastId, at: new Date().toISOString(), type, data };
    this.#kept[event.id % this.#keptMax] = event;
    for (const onEvent of this.#subscribers) onEvent(event);
    return event;
  }

  /**
   * The kept events after one of this id, oldest first. An id that was never given out belongs to an earlier process:
   * then all that are kept.
   */
  since(afterId: number): GatewayEvent[] {
    const oldest = Math.max(this.#lastId - this.#keptMax + 1, 1);
    const first = afterId > this.#lastId ? oldest : Math.max(afterId + 1, oldest);
    const events: GatewayEvent[] = [];
    for (let id = first; id <= this.#lastId; id++) {
      const event = this.#kept[id % this.#keptMax];
      if (event !== undefined) events.push(event);
    }
    return events;
  }

  /**
   * Calls back for everything from now on, until the returned function is called.
   *
   * @param onEvent - must not throw.
   * @param afterId - first, at once, the kept events after this one; undefined: none.
   */
  subscribe(onEvent: (event: GatewayEvent) => void, afterId?: number): () => void {
    if (afterId !== undefined) for (const event of this.since(afterId)) onEvent(event);
    const subscriber = (event: GatewayEvent): void => onEvent(event);
    this.#subscribers.add(subscriber);
    return () => void this.#subscribers.delete(subscriber);
  }
}
