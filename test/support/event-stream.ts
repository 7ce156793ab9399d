import { get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { within } from './child-process.ts';

const WAIT_MS_MAX = 20_000;

/** A block of a stream of server-sent events, as it was sent. */
export interface EventBlock {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: string | undefined;
  readonly comment: string | undefined;
  readonly retry: string | undefined;
}

/** A reader of server-sent events. */
export class EventStreamReader {
  /** Blocks so far. */
  readonly blocks: EventBlock[] = [];
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  /** Resolves once the stream is over, however it ended. */
  readonly ended: Promise<void>;
  readonly #response: IncomingMessage;
  #text = '';
  #wake = (): void => undefined;

  private constructor(response: IncomingMessage) {
    this.#response = response;
    this.statusCode = response.statusCode ?? 0;
    this.headers = response.headers;
    response.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    response.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      response.once('close', resolve);
    });
  }

  /** Asks for a stream; resolves with the answer, whatever its status. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<EventStreamReader> {
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      get(url, { headers, agent: false }, resolve).once('error', reject);
    });
    return new EventStreamReader(await within(WAIT_MS_MAX, answer, () => `no answer of ${url}`));
  }

  /** Waits until the blocks so far are as wanted. */
  async until(isExpected: (blocks: readonly EventBlock[]) => boolean): Promise<void> {
    const arrived = async (): Promise<void> => {
      while (!isExpected(this.blocks)) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    };
    await within(WAIT_MS_MAX, arrived(), () => `only ${JSON.stringify(this.blocks)}`);
  }

  /** Reads no further, so that what comes waits at the server. */
  pause(): void {
    this.#response.pause();
  }

  /** Hangs up. */
  close(): void {
    this.#response.destroy();
  }

  #take(text: string): void {
    this.#text += text;
    const parts = this.#text.split('\n\n');
    this.#text = parts.pop() ?? '';
    this.blocks.push(...parts.map(parseBlock));
    this.#wake();
  }
}

function parseBlock(text: string): EventBlock {
  const lines = text.split('\n');
  const field = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  return {
    id: field('id'),
    event: field('event'),
    data: field('data'),
    comment: field(''),
    retry: field('retry'),
  };
}
