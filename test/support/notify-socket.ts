import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AF_UNIX, SOCKADDR_UN, SOCK_DGRAM, SOCK_NONBLOCK } from '../../src/sys/layout.ts';
import { loadLibc } from '../../src/sys/libc.ts';
import { scratch } from '../../src/sys/scratch.ts';
import { closeSocket } from '../../src/sys/socket.ts';
import type { Owner } from './owner.ts';
import { poll } from './poll.ts';

const STATE_BYTES_MAX = 1024;

/** A socket that hears what a service manager would be told. */
export class NotifySocket {
  readonly path: string;
  readonly #fd: number;
  readonly #heard: string[] = [];

  /** @param isAbstract - in the abstract namespace, as containers like it. */
  constructor(owner: Owner, isAbstract = false) {
    const folder = mkdtempSync(join(tmpdir(), 'turnpike-notify-'));
    const path = join(folder, 'socket');
    this.path = isAbstract ? `@${path}` : path;
    const { address, bytes, view } = scratch();
    const name = Buffer.from(isAbstract ? `\0${path}` : path);
    view.setUint16(SOCKADDR_UN.sun_family, AF_UNIX, true);
    bytes.set(name, SOCKADDR_UN.sun_path);
    this.#fd = loadLibc().socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    const result = loadLibc().bind(this.#fd, address, SOCKADDR_UN.sun_path + name.length);
    owner.teardown(() => {
      closeSocket(this.#fd);
      rmSync(folder, { recursive: true });
    });
    if (result < 0) throw new Error(`cannot bind to ${this.path}`);
  }

  /** The next state that is told, whether it has come or will; those that do not match are passed over. */
  async next(matches: (state: string) => boolean = () => true): Promise<string> {
    return poll(
      () => this.#take(matches) ?? '',
      (state) => state !== '',
    );
  }

  #take(matches: (state: string) => boolean): string | undefined {
    const { address, bytes } = scratch();
    for (;;) {
      const length = loadLibc().recv(this.#fd, address, STATE_BYTES_MAX, 0);
      if (length < 0) break;
      this.#heard.push(Buffer.from(bytes.subarray(0, length)).toString());
    }
    for (let state = this.#heard.shift(); state !== undefined; state = this.#heard.shift()) {
      if (matches(state)) return state;
    }
    return undefined;
  }
}
