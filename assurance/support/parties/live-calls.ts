import { setTimeout as pause } from 'node:timers/promises';
import { ephemeralCredential } from '../../../test/support/credentials.ts';
import { openUdpEchoPeer } from '../../../test/support/echo-peer.ts';
import { RelayLoad, type LoadCount } from '../../../test/support/relay-load.ts';
import { TurnClient } from '../../../test/support/turn-client.ts';
import type { ServerAddress } from '../../../test/support/turn-transport.ts';
import { within } from '../../../test/support/child-process.ts';
import { ADDRESSES } from '../attack-network.ts';
import { serveCalls } from '../remote-process.ts';

/** What live calls are made of. */
export interface LiveCallsOrder {
  readonly server: ServerAddress;
  readonly secret: string;
  readonly calls: number;
  /** Of each call. */
  readonly packetsPerSecond: number;
}

/** Clients that come while something goes on. */
export interface NewcomersOrder {
  readonly server: ServerAddress;
  readonly secret: string;
  readonly count: number;
}

/** How many of them got an allocation in time. */
export interface NewcomersResult {
  readonly tried: number;
  readonly served: number;
}

/** A request is sent at 0, 0.5 and 1.5 seconds (RFC 8489 §6.2.1): what has no answer by then would be sent again. */
const THREE_TRIES_MS = 3500;
const NEWCOMERS_AT_ONCE = 10;
const PEER_BUFFER_BYTES = 16 * 1024 * 1024;

let load: RelayLoad | undefined;
let newcomers = 0;

const api = {
  open: async ({ server, secret, calls, packetsPerSecond }: LiveCallsOrder): Promise<void> => {
    const receiveBufferBytes = PEER_BUFFER_BYTES;
    const peer = await openUdpEchoPeer(ADDRESSES.peer, { receiveBufferBytes });
    load = await RelayLoad.open({
      server,
      secret,
      clients: calls,
      packetsPerSecond,
      peer: peer.address,
      localAddressOf: (client) => `10.200.${client >> 8}.${client & 0xff}`,
    });
  },
  start: (): void => load!.start(),
  stop: (): Promise<LoadCount> => load!.stop(),
  /** Each comes from an address of its own. */
  newcomers: async ({ server, secret, count }: NewcomersOrder): Promise<NewcomersResult> => {
    let served = 0;
    for (let tried = 0; tried < count; tried += NEWCOMERS_AT_ONCE) {
      const coming = Array.from({ length: Math.min(NEWCOMERS_AT_ONCE, count - tried) }, () =>
        isServed(server, secret),
      );
      served += (await Promise.all(coming)).filter(Boolean).length;
      await pause(0);
    }
    return { tried: count, served };
  },
};

/** What the process of live calls can be asked for. */
export type LiveCallsApi = typeof api;

async function isServed(server: ServerAddress, secret: string): Promise<boolean> {
  const number = newcomers++;
  const credential = ephemeralCredential(secret, `newcomer-${number}`);
  const localAddress = `10.201.${(number >> 8) & 0xff}.${number & 0xff}`;
  const client = await TurnClient.open({ server, credential, localAddress });
  try {
    await within(THREE_TRIES_MS, client.allocate(), () => 'three tries');
    return true;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}

serveCalls(api);
