import { openUdpSocket } from '../src/sys/socket.ts';
import { awaitServer } from './load/await-server.ts';
import type { LoadReply, LoadRequest, StepResult, TrafficResult } from './load/protocol.ts';
import { runTraffic } from './load/traffic.ts';
import { GeneratorMemory } from './load/transport/memory.ts';
import { UdpReceiver } from './load/transport/udp-transport.ts';
import { TurnClients } from './load/turn-clients.ts';
import { type Addresses, CONCURRENT_ALLOCATES, transportAddress } from './settings.ts';

const PEER_PORT = 5004;
const PEER_BUFFER_BYTES = 16 * 1024 * 1024;
const NOTHING: StepResult = { seconds: 0, retransmissions: 0, generatorBusyShare: 0 };

const addresses = JSON.parse(process.argv[2]!) as Addresses;
const peer = transportAddress(addresses.peer, PEER_PORT);
const peerFd = openUdpSocket({
  address: peer,
  receiveBufferBytes: PEER_BUFFER_BYTES,
  sendBufferBytes: PEER_BUFFER_BYTES,
});
const memory = new GeneratorMemory();
const peerReceiver = new UdpReceiver(memory, peerFd);
let clients: TurnClients | undefined;

process.on('message', (request: LoadRequest) => process.send!(answer(request)));
process.on('disconnect', () => process.exit());

function answer(request: LoadRequest): LoadReply {
  try {
    return { kind: 'done', result: carryOut(request) };
  } catch (error) {
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

function carryOut(request: LoadRequest): StepResult | TrafficResult {
  switch (request.kind) {
    case 'awaitServer':
      awaitServer(addresses, memory);
      return NOTHING;
    case 'open':
      clients?.close();
      clients = undefined;
      clients = new TurnClients(request.clients, request.transport, addresses, memory);
      return NOTHING;
    default:
      if (clients === undefined) throw new Error('there are no clients yet');
      return useClients(clients, request);
  }
}

function useClients(
  all: TurnClients,
  request: Exclude<LoadRequest, { readonly kind: 'awaitServer' | 'open' }>,
): StepResult | TrafficResult {
  switch (request.kind) {
    case 'allocate':
      return all.allocate(CONCURRENT_ALLOCATES, request.from, request.to);
    case 'bindChannels':
      return all.bindChannels(peer, CONCURRENT_ALLOCATES);
    case 'createPermissions':
      return all.createPermissions(peer, CONCURRENT_ALLOCATES);
    default:
      return runTraffic({ memory, clients: all, peer, peerReceiver }, request);
  }
}
