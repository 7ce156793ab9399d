import { DtlsClient } from '../../test/support/dtls-client.ts';
import type { Address } from '../wire/address.ts';
import { Inbox } from './inbox.ts';
import type { Link } from './link.ts';

/** A DTLS association of its own. */
export class DtlsLink implements Link {
  readonly isStream = false;
  readonly inbox = new Inbox<Buffer>();
  readonly local: Address;
  readonly #client: DtlsClient;

  private constructor(client: DtlsClient, localIp: string) {
    this.#client = client;
    this.local = { ip: localIp, port: client.localPort };
    client.on('data', (message: Buffer) => this.inbox.put(message));
    client.on('error', () => undefined);
    client.on('close', () => this.inbox.end());
  }

  /** Shakes hands; rejects when that fails. */
  static async open({ ip, port }: Address, localIp: string): Promise<DtlsLink> {
    return new DtlsLink(await DtlsClient.connect({ host: ip, port }), localIp);
  }

  send(bytes: Buffer): void {
    if (!this.#client.destroyed) this.#client.write(bytes);
  }

  /** Sends a datagram as it is, on the 5-tuple of the association. */
  sendPlain(datagram: Buffer): void {
    this.#client.sendDatagram(datagram);
  }

  finish(): void {
    throw new Error('there is no end of an association for one side alone');
  }

  async close(): Promise<void> {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    this.#client.destroy();
  }
}
