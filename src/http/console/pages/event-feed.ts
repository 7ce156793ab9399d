import type { GatewayEvent } from '../../admin/gateway-control.ts';
import type { Api } from './api.ts';

const RETRY_MS = 2000;

/**
 * Follows the events of the gateway for as long as the page is open, what is still kept of earlier ones first.
 *
 * `EventSource` cannot send a token, so this reads the stream itself.
 */
export class EventFeed {
  readonly #api: Api;
  readonly #path: string;
  readonly #onEvent: (event: GatewayEvent) => void;
  #lastId = 0;

  /** @param types - as `GET /events` takes them. */
  constructor(api: Api, types: readonly string[], onEvent: (event: GatewayEvent) => void) {
    this.#api = api;
    this.#path = `events?types=${types.join(',')}`;
    this.#onEvent = onEvent;
  }

  /** Reads on and on; a stream that ends or breaks is opened again where it ended. */
  async follow(): Promise<never> {
    for (;;) {
      await this.#readStream().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async #readStream(): Promise<void> {
    const headers = { 'last-event-id': String(this.#lastId) };
    const response = await this.#api.fetch(this.#path, { headers });
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
    if (data === undefined || fields.get('event') === 'stream.gap') return;
    this.#onEvent(JSON.parse(data) as GatewayEvent);
  }
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
