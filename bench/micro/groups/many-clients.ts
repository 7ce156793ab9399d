import { METHOD } from '../../../src/stun/registry.ts';
import { IPV4, TransportAddress } from '../../../src/stun/transport-address.ts';
import type { Relay } from '../../../src/turn/allocation.ts';
import { PAYLOAD_BYTES, transportAddress } from '../../settings.ts';
import { CALLS, expectAll, type MicroCase } from '../micro-case.ts';
import { clientAddress, DrivenCore } from '../set-up/driven-core.ts';
import { channelData, channelFor } from '../set-up/turn-messages.ts';

const CHANNEL = 0x4000;
const PEER = transportAddress('10.0.0.1', 5004);
/** From one client to a far one; prime, so that all have their turn. */
const STRIDE = 7919;

/** What a packet costs when it is never that of the client before, so that nothing of it is in the nearest cache. */
export function manyClientCases(): MicroCase[] {
  return [100, 10_000].flatMap((count) => {
    const core = new DrivenCore();
    const relays = Array.from({ length: count }, (_, index) => {
      const { requester, allocation } = core.allocate(clientAddress(IPV4, index));
      requester.request(METHOD.CHANNEL_BIND, channelFor(CHANNEL, PEER));
      return allocation.relays[0]!;
    });
    const name = count.toLocaleString('en');
    return [
      up(`handleClientDatagram: ChannelData of ${name} clients`, core, count),
      down(`handlePeerDatagram: channels of ${name} clients`, core, relays),
    ];
  });
}

function up(name: string, core: DrivenCore, clients: number): MicroCase {
  const { server, now } = core;
  const endpoint = core.endpointOf(PEER);
  const message = channelData(CHANNEL, PAYLOAD_BYTES);
  const address = new TransportAddress();
  let at = 0;
  const run = (calls: number): number => {
    let relayed = 0;
    for (let call = 0; call < calls; call++) {
      core.passPacket();
      at = (at + STRIDE) % clients;
      clientAddress(IPV4, at, address);
      const { length } = message;
      const under = server.handleClientDatagram(endpoint, address, message, 0, length, now);
      if (under !== undefined) relayed++;
    }
    return expectAll(relayed, calls);
  };
  return { name, calls: CALLS, run };
}

function down(name: string, core: DrivenCore, relays: readonly Relay[]): MicroCase {
  const { server, now } = core;
  let at = 0;
  const run = (calls: number): number => {
    let relayed = 0;
    for (let call = 0; call < calls; call++) {
      core.passPacket();
      at = (at + STRIDE) % relays.length;
      const under = server.handlePeerDatagram(relays[at]!, PEER, PAYLOAD_BYTES, now);
      if (under !== undefined) relayed++;
    }
    return expectAll(relayed, calls);
  };
  return { name, calls: CALLS, run };
}
