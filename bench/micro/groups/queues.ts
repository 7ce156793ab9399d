import { LoopClock } from '../../../src/net/reactor/loop-clock.ts';
import { Arena } from '../../../src/sys/arena.ts';
import { RelayedData } from '../../../src/turn/relayed-data.ts';
import { PAYLOAD_BYTES } from '../../settings.ts';
import type { MicroCase } from '../micro-case.ts';
import { DrivenReactor, type ReactorClient } from '../set-up/driven-reactor.ts';
import { BATCH } from '../set-up/loopback.ts';

/** The queues between the core and the system calls, with these; a call is a packet. */
export function queueCases(): MicroCase[] {
  const driven = new DrivenReactor('IPv4');
  const clients = Array.from({ length: BATCH }, () => driven.connect(true));
  return [
    upstream(`UpstreamQueue.add and flush, ${BATCH} on one socket`, driven, clients.slice(0, 1)),
    upstream(`UpstreamQueue.add and flush, one on each of ${BATCH} sockets`, driven, clients),
    downstream(
      `DownstreamQueue.add and flush, ${BATCH} to one client`,
      driven,
      clients.slice(0, 1),
    ),
    downstream(`DownstreamQueue.add and flush, one to each of ${BATCH} clients`, driven, clients),
    clock(),
  ];
}

function upstream(
  name: string,
  driven: DrivenReactor,
  clients: readonly ReactorClient[],
): MicroCase {
  const { reactor, traffic, peer } = driven;
  const offset = reactor.memory.upstream.payloadOffset(0);
  const sockets = clients.map(({ allocation }) => {
    return reactor.relaySocketOf(allocation.relays[0]!.handle);
  });
  const data = new RelayedData();
  data.peer = peer.address;
  data.payloadLength = PAYLOAD_BYTES;
  const run = (calls: number): number => {
    for (let call = 0; call < calls; call++) {
      reactor.upstreamQueue.add(sockets[call % sockets.length]!, data, offset);
    }
    reactor.upstreamQueue.flush();
    return 0;
  };
  return { name, calls: BATCH, before: () => void traffic.drain(peer.fd), run };
}

function downstream(
  name: string,
  driven: DrivenReactor,
  clients: readonly ReactorClient[],
): MicroCase {
  const { reactor, traffic } = driven;
  const { downstreamQueue } = reactor;
  const receivers = clients.map(({ allocation }) => allocation.client);
  const sockets = clients.map(({ socket }) => socket);
  const before = (): void => traffic.drainAll(sockets);
  const run = (calls: number): number => {
    for (let call = 0; call < calls; call++) {
      const receiver = receivers[call % receivers.length]!;
      downstreamQueue.add(receiver, downstreamQueue.takeSlot(), PAYLOAD_BYTES);
    }
    downstreamQueue.flush();
    return 0;
  };
  return { name, calls: BATCH, before, run };
}

function clock(): MicroCase {
  const loopClock = new LoopClock(new Arena(4096));
  const run = (calls: number): number => {
    for (let call = 0; call < calls; call++) loopClock.update();
    return loopClock.now.monotonicMs;
  };
  return { name: 'LoopClock.update', calls: 256, run };
}
