import type { GatewayEvent } from '../../admin/gateway-control.ts';
import type { Api } from './api.ts';
import { pause } from './pause.ts';

const RETRY_MS = 2000;

/** Takes what a feed reads. */
export interface EventReader {
  add(event: GatewayEvent): void;
  /** So many events of any type, before the next one, are kept no longer. */
  addGap(missed: number): void;
}

/**
 * Follows the events of the gateway for as long as somebody can see the page, what is still kept of earlier ones first.
 *
 * `EventSource` cannot send a token, so this reads the stream itself.
 */
export class EventFeed {
  readonly #api: Api;
  readonly #path: string;
  readonly #reader: EventReader;
  #lastId = 0;

  /** @param types - as `GET /events` takes them. */
  constructor(api: Api, types: readonly string[], reader: EventReader) {
    this.#api = api;
    this.#path = `events?types=${types.join(',')}`;
    this.#reader = reader;
  }

  /** Reads on and on; a stream that ends or breaks is opened again where it ended. */
  async follow(): Promise<never> {
    for (;;) {
      await whileHidden();
      await this.#readWhileShown().catch(() => undefined);
      if (!document.hidden) await pause(RETRY_MS);
    }
  }

  /** A browser has six connections to a host for all of its tabs, so those that nobody sees keep none. */
  async #readWhileShown(): Promise<void> {
    const hidden = new AbortController();
    const onChange = (): void => hidden.abort();
    document.addEventListener('visibilitychange', onChange, { once: true });
    try {
      await this.#readStream(hidden.signal);
    } finally {
      document.removeEventListener('visibilitychange', onChange);
    }
  }

  async #readStream(signal: AbortSignal): Promise<void> {
    const headers = { 'last-event-id': String(this.#lastId) };
    const response = await this.#api.fetch(this.#path, { headers, signal });
    if (!response.ok || response.body === null) return;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) this.#take(block);
    }
  }

  #take(block: string): void {
    const fields = new Map(block.split('\n').map((line) => splitOnce(line, ': ')));
    const id = Number(fields.get('id'));
    if (Number.isSafeInteger(id)) this.#lastId = id;
    const data = fields.get('data');
    if (data === undefined) return;
    if (fields.get('event') === 'stream.gap') {
      this.#reader.addGap((JSON.parse(data) as { missed: number }).missed);
    } else {
      this.#reader.add(JSON.parse(data) as GatewayEvent);
    }
  }
}

/** Resolves as soon as somebody can see the page. */
async function whileHidden(): Promise<void> {
  if (!document.hidden) return;
  await new Promise((resolve) => {
    document.addEventListener('visibilitychange', resolve, { once: true });
  });
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
