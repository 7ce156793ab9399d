import { Duplex } from 'node:stream';

/** A connection over something that carries whole messages, such as a UDP socket or another relay. */
export class MessagePipe extends Duplex {
  readonly #send: (message: Uint8Array) => void;

  /** @param send - sends one message, which is borrowed. */
  constructor(send: (message: Uint8Array) => void) {
    super();
    this.#send = send;
  }

  override _read(): void {
    // What arrives is pushed at once.
  }

  override _write(message: Buffer, _encoding: string, done: () => void): void {
    this.#send(message);
    done();
  }
}
