import { parentPort, workerData } from 'node:worker_threads';
import { TransportAddress } from '../../src/stun/transport-address.ts';
import { Arena } from '../../src/sys/arena.ts';
import { Poller } from '../../src/sys/epoll.ts';
import { EPOLLIN } from '../../src/sys/layout.ts';
import { ReceiveBatch } from '../../src/sys/receive-batch.ts';
import { SendBatch } from '../../src/sys/send-batch.ts';
import { closeSocket, localAddress, openUdpSocket } from '../../src/sys/socket.ts';

const STOP = 1;
const ECHO = 2;
const IDLE_TIMEOUT_MS = 30_000;

/** Echoes datagrams in a blocking loop until its event file descriptor is signalled. */
function run(): void {
  const arena = new Arena(1 << 20);
  const poller = new Poller(arena, 4);
  const received = new ReceiveBatch(arena, {
    slots: 8,
    slotBytes: 2048,
    headroomBytes: 0,
    control: false,
  });
  const replies = new SendBatch(arena, 8);
  const address = new TransportAddress().setIpv4(0x7f000001, 0);
  const socket = openUdpSocket({ address });
  localAddress(socket, address);
  poller.add((workerData as { stopFd: number }).stopFd, EPOLLIN, STOP);
  poller.add(socket, EPOLLIN, ECHO);
  parentPort?.postMessage({ port: address.port });
  let echoed = 0;
  for (;;) {
    const count = poller.wait(IDLE_TIMEOUT_MS);
    if (count === 0 || poller.eventTag(0) === STOP) break;
    const datagrams = received.receive(socket, 0, received.slots);
    for (let slot = 0; slot < datagrams; slot++) {
      received.readAddress(slot, address);
      replies.add(received.payloadOffset(slot), received.length(slot), address);
    }
    echoed += Math.max(datagrams, 0) - replies.flush(socket);
  }
  closeSocket(socket);
  poller.close();
  parentPort?.postMessage({ echoed });
}

run();
