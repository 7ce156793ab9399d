import { Mismatch } from './conformance-case.ts';
import type { Link } from './link/link.ts';
import { isChannelData } from './wire/channel-data.ts';
import { MessageWriter } from './wire/message-writer.ts';
import { CLASS, HEADER_BYTES, METHOD } from './wire/numbers.ts';
import { Reply } from './wire/reply.ts';

const TRIES = 3;

/** Requests and what comes back, over one link. */
export class Exchange {
  readonly link: Link;
  readonly #patienceMs: number;

  constructor(link: Link, patienceMs: number) {
    this.link = link;
    this.#patienceMs = patienceMs;
  }

  /** Sends a request, over a link that may lose it several times, and waits for its response. */
  async ask(request: Buffer): Promise<Reply> {
    const tries = this.link.isStream ? 1 : TRIES;
    for (let count = 0; count < tries; count++) {
      this.link.send(request);
      const reply = await this.#responseTo(request, this.#patienceMs / tries);
      if (reply !== undefined) return new Reply(reply);
      if (this.link.inbox.isEnded) throw new Mismatch('the server ends the connection');
    }
    throw new Mismatch('silence');
  }

  /** The response to a request that was sent already. */
  async responseTo(request: Buffer): Promise<Reply> {
    const reply = await this.#responseTo(request, this.#patienceMs);
    if (reply === undefined) throw new Mismatch('silence');
    return new Reply(reply);
  }

  /** A Binding request without anything, answered. */
  binding(): Promise<Reply> {
    return this.ask(new MessageWriter(METHOD.BINDING).written());
  }

  /**
   * Sends what is to be passed over and then a request that is not: when that is answered and nothing else has come,
   * the server has kept silent. It may also end a stream or an association.
   */
  async expectSilence(...messages: readonly Buffer[]): Promise<void> {
    this.link.inbox.drain();
    for (const message of messages) this.link.send(message);
    const marker = new MessageWriter(METHOD.BINDING).written();
    await this.ask(marker).catch((error: unknown) => {
      if (!this.link.inbox.isEnded) throw new Mismatch(`${textOf(error)} even to the next request`);
    });
    const [answer] = this.link.inbox.drain().filter((message) => !isResponseTo(message, marker));
    if (answer !== undefined) throw new Mismatch(`${describe(answer)}, not silence`);
  }

  /** The next message of a kind. */
  async next(what: string, matches: (message: Buffer) => boolean): Promise<Buffer> {
    const message = await this.link.inbox.take(matches, this.#patienceMs);
    if (message === undefined) throw new Mismatch(`no ${what} arrives`);
    return message;
  }

  #responseTo(request: Buffer, timeoutMs: number): Promise<Buffer | undefined> {
    return this.link.inbox.take((message) => isResponseTo(message, request), timeoutMs);
  }
}

/** What a message from a server is, in a few words. */
export function describe(message: Buffer): string {
  return isChannelData(message) ? 'ChannelData' : new Reply(message).describe();
}

function isResponseTo(message: Buffer, request: Buffer): boolean {
  const id = request.subarray(8, HEADER_BYTES);
  const isResponse = message.length >= 2 && (message.readUInt16BE() & CLASS.SUCCESS) !== 0;
  return !isChannelData(message) && isResponse && message.subarray(8, HEADER_BYTES).equals(id);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
