import {
  classifyFirstByte,
  CHANNEL_DATA_LAST_BYTE_RFC5766,
} from '../../../src/stun/demultiplex.ts';
import { METHOD } from '../../../src/stun/registry.ts';
import { IPV4, IPV6, type TransportAddress } from '../../../src/stun/transport-address.ts';
import type { Relay } from '../../../src/turn/allocation.ts';
import { writeChannelDataHeader } from '../../../src/turn/channel-data.ts';
import { DATA_INDICATION_HEADROOM_BYTES } from '../../../src/turn/data-indication.ts';
import { PAYLOAD_BYTES, transportAddress } from '../../settings.ts';
import { CALLS, expectAll, type MicroCase } from '../micro-case.ts';
import { clientAddress, DrivenCore } from '../set-up/driven-core.ts';
import { channelData, channelFor, permissionFor, sendIndication } from '../set-up/turn-messages.ts';

const CHANNEL = 0x4000;
const FAMILIES = [
  { family: IPV4, name: 'IPv4', bound: '10.0.0.1', permitted: '10.0.0.2' },
  { family: IPV6, name: 'IPv6', bound: 'fd00::1', permitted: 'fd00::2' },
] as const;

/** What the core does for each packet. */
export function packetCases(): MicroCase[] {
  const core = new DrivenCore();
  const slot = new Uint8Array(DATA_INDICATION_HEADROOM_BYTES + PAYLOAD_BYTES + 3);
  return [
    classification(),
    ...FAMILIES.flatMap(({ family, name, ...peers }) => {
      const address = clientAddress(family, 0);
      const { requester, allocation } = core.allocate(address);
      const relay = allocation.relayOf(family)!;
      const bound = transportAddress(peers.bound, 5004);
      const permitted = transportAddress(peers.permitted, 5004);
      requester.request(METHOD.CHANNEL_BIND, channelFor(CHANNEL, bound));
      requester.request(METHOD.CREATE_PERMISSION, permissionFor(permitted));
      const data = channelData(CHANNEL, PAYLOAD_BYTES);
      const indication = sendIndication(permitted, PAYLOAD_BYTES);
      return [
        up(`handleClientDatagram: ChannelData, ${name}`, core, address, data),
        up(`handleClientDatagram: Send indication, ${name}`, core, address, indication),
        down(`handlePeerDatagram: channel, ${name}`, core, relay, bound),
        down(`handlePeerDatagram: permission only, ${name}`, core, relay, permitted),
        otherPorts(`handlePeerDatagram: another port each time, ${name}`, core, relay, permitted),
        wrap(`DataIndicationWriter.wrap, ${name}`, core, slot, permitted),
      ];
    }),
    headers(slot),
  ];
}

function classification(): MicroCase {
  const firstBytes = Uint8Array.from({ length: 256 }, (_, index) => (index % 8 === 0 ? 0 : 0x40));
  const run = (calls: number): number => {
    let sum = 0;
    for (let call = 0; call < calls; call++) {
      sum += classifyFirstByte(firstBytes[call & 0xff]!, CHANNEL_DATA_LAST_BYTE_RFC5766);
    }
    return sum;
  };
  return { name: 'classifyFirstByte', calls: CALLS, run };
}

function up(
  name: string,
  core: DrivenCore,
  address: TransportAddress,
  message: Uint8Array,
): MicroCase {
  const { server, now } = core;
  const endpoint = core.endpointOf(address);
  const run = (calls: number): number => {
    let relayed = 0;
    for (let call = 0; call < calls; call++) {
      core.passPacket();
      const { length } = message;
      const under = server.handleClientDatagram(endpoint, address, message, 0, length, now);
      if (under !== undefined) relayed++;
    }
    return expectAll(relayed, calls);
  };
  return { name, calls: CALLS, run };
}

function down(name: string, core: DrivenCore, relay: Relay, peer: TransportAddress): MicroCase {
  const { server, now } = core;
  const run = (calls: number): number => {
    let relayed = 0;
    for (let call = 0; call < calls; call++) {
      core.passPacket();
      if (server.handlePeerDatagram(relay, peer, PAYLOAD_BYTES, now) !== undefined) relayed++;
    }
    return expectAll(relayed, calls);
  };
  return { name, calls: CALLS, run };
}

/** A peer that sends RTP and RTCP in turn, so that its port has to be admitted anew. */
function otherPorts(
  name: string,
  core: DrivenCore,
  relay: Relay,
  permitted: TransportAddress,
): MicroCase {
  const { server, now } = core;
  const peer = permitted.clone();
  const run = (calls: number): number => {
    let relayed = 0;
    for (let call = 0; call < calls; call++) {
      core.passPacket();
      peer.port = permitted.port + (call & 1);
      if (server.handlePeerDatagram(relay, peer, PAYLOAD_BYTES, now) !== undefined) relayed++;
    }
    return expectAll(relayed, calls);
  };
  return { name, calls: CALLS, run };
}

function wrap(
  name: string,
  { server }: DrivenCore,
  slot: Uint8Array,
  peer: TransportAddress,
): MicroCase {
  const writer = server.dataIndication;
  const run = (calls: number): number => {
    let sum = 0;
    for (let call = 0; call < calls; call++) {
      sum += writer.wrap(slot, DATA_INDICATION_HEADROOM_BYTES, PAYLOAD_BYTES, peer);
    }
    return sum;
  };
  return { name, calls: CALLS, run };
}

function headers(bytes: Uint8Array): MicroCase {
  const run = (calls: number): number => {
    for (let call = 0; call < calls; call++) {
      writeChannelDataHeader(bytes, call & 31, CHANNEL + call, PAYLOAD_BYTES);
    }
    return bytes[0]!;
  };
  return { name: 'writeChannelDataHeader', calls: CALLS, run };
}
