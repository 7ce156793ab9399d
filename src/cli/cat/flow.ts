import type { ClientCredential } from '../../client/challenge.ts';
import { ResponseError } from '../../client/client-error.ts';
import { resolveHost } from '../../client/resolve-host.ts';
import type { TlsTrust } from '../../client/stream-transport.ts';
import type { ServerEndpoint } from '../../client/transport.ts';
import { TurnClient } from '../../client/turn-client.ts';
import type { TransportAddress } from '../../stun/transport-address.ts';

/** What every flow of one `cat` has in common. */
export interface CatPlan {
  readonly host: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp' | 'tls';
  readonly tls: TlsTrust | undefined;
  /** Makes a credential for one more allocation. */
  readonly credential: () => ClientCredential | undefined;
  readonly peer: TransportAddress;
  /** How often the gateway is asked whether the allocation still lives; `CHECK_MS` unless given. */
  readonly checkMs?: number | undefined;
}

/** What comes back on a flow. */
export interface CatFlowEvents {
  /** A datagram of the peer, borrowed for the call. */
  onData(data: Uint8Array): void;
  /** The flow has ended and cannot go on. */
  onLost(reason: Error): void;
}

/** Bytes of a stream that become one datagram; this much passes every network. */
const DATAGRAM_BYTES_MAX = 1200;
/** Over UDP nobody else would say that an allocation is gone. */
const CHECK_MS = 15_000;
/** Longest wait for an answer of the gateway. */
const REQUEST_MS = 10_000;

/** One allocation with one channel to the peer of `cat`. */
export class CatFlow {
  readonly #client: TurnClient;
  readonly #peer: TransportAddress;
  readonly #checks: NodeJS.Timeout;

  private constructor(
    client: TurnClient,
    { peer, checkMs = CHECK_MS }: CatPlan,
    events: CatFlowEvents,
  ) {
    this.#client = client;
    this.#peer = peer;
    this.#checks = setInterval(() => {
      client.refresh().catch((error: Error) => events.onLost(sessionEnd(error)));
    }, checkMs);
  }

  /**
   * Opens the way to the peer; the caller closes it.
   *
   * @throws ClientError or ResponseError when the gateway cannot be reached or refuses.
   */
  static async open(plan: CatPlan, events: CatFlowEvents): Promise<CatFlow> {
    const { transport, tls, peer } = plan;
    const server = await serverOf(plan);
    const options = {
      server,
      transport,
      tls,
      credential: plan.credential(),
      requestMs: REQUEST_MS,
    };
    const client = await TurnClient.open(options, {
      onData: (data, from) => {
        if (from.equals(peer)) events.onData(data);
      },
      onLost: (reason) => events.onLost(sessionEnd(reason)),
    });
    try {
      await client.allocate(peer.family);
      await client.createPermission(peer);
      await client.channelBind(peer);
    } catch (error) {
      await client.close();
      throw error;
    }
    return new CatFlow(client, plan, events);
  }

  /** Sends one datagram; resolves when there is room for another. */
  sendDatagram(data: Uint8Array): Promise<void> {
    return this.#client.send(this.#peer, data);
  }

  /** Sends what was read from a stream: one datagram, or several when it is long. */
  async sendChunk(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; at += DATAGRAM_BYTES_MAX) {
      await this.#client.send(this.#peer, chunk.subarray(at, at + DATAGRAM_BYTES_MAX));
    }
  }

  /**
   * Makes sure that what was sent went through a live allocation.
   *
   * @throws Error that says so when it was gone; ClientError when the gateway does not answer.
   */
  async confirm(): Promise<void> {
    await this.#client.refresh().catch((error: unknown) => {
      throw sessionEnd(error as Error);
    });
  }

  /** Deletes the allocation. */
  close(): Promise<void> {
    clearInterval(this.#checks);
    return this.#client.close();
  }
}

/** A refusal to renew means that the gateway has ended the session: by an operator, or as it was started anew. */
function sessionEnd(error: Error): Error {
  if (!(error instanceof ResponseError)) return error;
  return new Error(`the gateway has ended the session (${error.message})`, { cause: error });
}

async function serverOf({ host, port }: CatPlan): Promise<ServerEndpoint> {
  const [ip] = await resolveHost(host);
  return { ip: ip!, port };
}
