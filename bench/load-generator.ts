import { openUdpSocket } from '../src/sys/socket.ts';
import type { LoadReply, LoadRequest, StepResult, TrafficResult } from './load/protocol.ts';
import { runTraffic } from './load/traffic.ts';
import { GeneratorMemory } from './load/transport/memory.ts';
import { UdpReceiver } from './load/transport/udp-transport.ts';
import { TurnClients } from './load/turn-clients.ts';
import { CONCURRENT_ALLOCATES, PEER_IP, transportAddress } from './settings.ts';

const PEER_PORT = 5004;
const PEER_BUFFER_BYTES = 16 * 1024 * 1024;

const peer = transportAddress(PEER_IP, PEER_PORT);
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
  if (request.kind === 'allocate') {
    clients?.close();
    clients = new TurnClients(request.clients, request.transport, memory);
    return clients.allocate(CONCURRENT_ALLOCATES);
  }
  if (clients === undefined) throw new Error('there are no clients yet');
  if (request.kind === 'bindChannels') return clients.bindChannels(peer, CONCURRENT_ALLOCATES);
  return runTraffic({ memory, clients, peer, peerReceiver }, request);
}
