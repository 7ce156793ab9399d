import type { TurnCredential } from '../../test/support/credentials.ts';
import type { Owner } from '../../test/support/owner.ts';
import { addressFrom, codeOf, TurnClient } from '../../test/support/turn-client.ts';
import type { ServerAddress } from '../../test/support/turn-transport.ts';
import { IPV4, IPV6, type TransportAddress } from '../../src/stun/transport-address.ts';

const CHANNEL_MIN = 0x4000;
const CHANNELS = 0x1000;

/** How requests to reach a peer were answered: 0 for success, else the error code. */
export interface PeerAnswers {
  readonly createPermission: number;
  readonly channelBind: number;
}

/** A user with an allocation of each family, who asks for peers. */
export class PeerAsker {
  /** The client whose allocation is of the family of a peer. */
  readonly ipv4: TurnClient;
  readonly ipv6: TurnClient;
  /** Relayed addresses of the two. */
  readonly relayed: readonly TransportAddress[];
  #channels = 0;

  private constructor(ipv4: TurnClient, ipv6: TurnClient, relayed: readonly TransportAddress[]) {
    this.ipv4 = ipv4;
    this.ipv6 = ipv6;
    this.relayed = relayed;
  }

  /** Allocates; the clients are closed with their owner. */
  static async open(
    owner: Owner,
    server: ServerAddress,
    credential: TurnCredential,
  ): Promise<PeerAsker> {
    const open = async (): Promise<TurnClient> => {
      const client = await TurnClient.open({ server, credential });
      owner.teardown(() => client.close());
      return client;
    };
    const [ipv4, ipv6] = [await open(), await open()];
    const allocated4 = await ipv4.allocate({ family: IPV4 });
    const allocated6 = await ipv6.allocate({ family: IPV6 });
    return new PeerAsker(ipv4, ipv6, [...allocated4.relayed, ...allocated6.relayed]);
  }

  /** Asks for a permission and for a channel; throws Error without an answer. */
  async ask(ip: string, port: number): Promise<PeerAnswers> {
    const peer = addressFrom(ip, port);
    const client = this.clientFor(peer);
    const channel = CHANNEL_MIN + (this.#channels++ % CHANNELS);
    const createPermission = await codeOf(client.createPermission(peer));
    const channelBind = await codeOf(client.channelBind(channel, peer));
    if (createPermission < 0 || channelBind < 0) throw new Error(`no answer about ${ip}:${port}`);
    return { createPermission, channelBind };
  }

  /** The client whose allocation is of the family of the peer. */
  clientFor(peer: TransportAddress): TurnClient {
    return peer.family === IPV6 ? this.ipv6 : this.ipv4;
  }
}
