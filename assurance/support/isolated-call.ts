import { ip } from '../../bench/measure/veth-pair.ts';
import { startCallExample, type RunningExample } from '../../test/support/call-example.ts';
import type { Cleanup } from './cleanup.ts';
import { NetworkNamespace } from './network-namespace.ts';

/** Only processes in the namespace reach it: the machine has no route to it. */
const MEDIA_ADDRESS = '10.213.77.1';

/** A network of its own for the one-to-one call: browsers cannot reach the address of the media server in it. */
export class IsolatedCall {
  /** Address by which browsers reach the page and the gateway. */
  readonly host: string;
  readonly #network: NetworkNamespace;

  constructor(cleanup: Cleanup) {
    this.#network = new NetworkNamespace(cleanup, 1);
    this.host = this.#network.wires[0]!.there;
    // Janus wants an interface that is not loopback; nobody is at the other end of this one.
    const { name } = this.#network;
    ip('-n', name, 'link', 'add', 'media0', 'type', 'veth', 'peer', 'name', 'media1');
    ip('-n', name, 'address', 'add', `${MEDIA_ADDRESS}/24`, 'dev', 'media0');
    ip('-n', name, 'link', 'set', 'media0', 'up');
    ip('-n', name, 'link', 'set', 'media1', 'up');
    ip('-n', name, 'route', 'add', 'default', 'via', this.#network.wires[0]!.here);
  }

  /** Starts the example in it. */
  start(...args: readonly string[]): Promise<RunningExample> {
    const place = ['--host', this.host, '--media-address', MEDIA_ADDRESS];
    return startCallExample([...place, ...args], this.#network.launcher);
  }
}
