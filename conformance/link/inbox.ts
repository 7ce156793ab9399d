interface Waiting<Message> {
  readonly matches: (message: Message) => boolean;
  readonly resolve: (message: Message | undefined) => void;
}

/** Messages that have arrived, taken by whoever waits for one of their kind. */
export class Inbox<Message> {
  readonly #messages: Message[] = [];
  readonly #waiting = new Set<Waiting<Message>>();
  #isEnded = false;

  /** True once nothing more will arrive. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  put(message: Message): void {
    for (const waiting of this.#waiting) {
      if (waiting.matches(message)) {
        waiting.resolve(message);
        return;
      }
    }
    this.#messages.push(message);
  }

  /** Nothing more arrives: whoever waits gets undefined. */
  end(): void {
    this.#isEnded = true;
    for (const waiting of this.#waiting) waiting.resolve(undefined);
  }

  /** The first message that matches, or undefined when none comes in time. */
  take(matches: (message: Message) => boolean, timeoutMs: number): Promise<Message | undefined> {
    const index = this.#messages.findIndex(matches);
    if (index >= 0) return Promise.resolve(this.#messages.splice(index, 1)[0]);
    if (this.#isEnded) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const settle = (message: Message | undefined): void => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
        resolve(message);
      };
      const waiting = { matches, resolve: settle };
      const timer = setTimeout(settle, timeoutMs, undefined);
      this.#waiting.add(waiting);
    });
  }

  /** Everything that nobody has taken. */
  drain(): Message[] {
    return this.#messages.splice(0);
  }
}
