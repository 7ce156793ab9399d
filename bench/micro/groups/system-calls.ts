import { TransportAddress } from '../../../src/stun/transport-address.ts';
import { Arena } from '../../../src/sys/arena.ts';
import { KernelClock } from '../../../src/sys/clock.ts';
import { createEventFd, Poller, signalEventFd } from '../../../src/sys/epoll.ts';
import { EPOLLIN } from '../../../src/sys/layout.ts';
import { ReceiveBatch } from '../../../src/sys/receive-batch.ts';
import { SendBatch } from '../../../src/sys/send-batch.ts';
import { PAYLOAD_BYTES } from '../../settings.ts';
import { expectAll, type MicroCase } from '../micro-case.ts';
import {
  BATCH,
  LOOPBACK,
  LoopbackTraffic,
  openLoopbackSocket,
  type LoopbackSocket,
} from '../set-up/loopback.ts';

const EVENTS_MAX = 256;

/** Two sockets, and the other end's means. */
interface Wire {
  readonly arena: Arena;
  readonly here: LoopbackSocket;
  readonly there: LoopbackSocket;
  readonly traffic: LoopbackTraffic;
}

/** What a packet costs in and around system calls; a call is a packet, or what the name says. */
export function systemCallCases(): MicroCase[] {
  const traffic = new LoopbackTraffic();
  traffic.load(new Uint8Array(PAYLOAD_BYTES));
  const wire = {
    arena: new Arena(1 << 20),
    here: openLoopbackSocket(LOOPBACK.IPv4.server),
    there: openLoopbackSocket(LOOPBACK.IPv4.peer),
    traffic,
  };
  const sends = new SendBatch(wire.arena, BATCH);
  const payload = wire.arena.allocate(PAYLOAD_BYTES);
  return [
    additions(sends, payload, wire),
    singleSends(sends, payload, wire),
    batchedSends(sends, payload, wire),
    ...receptions(wire),
    ...polls(wire),
    clock(wire),
  ];
}

function additions(sends: SendBatch, payload: number, { there }: Wire): MicroCase {
  const run = (calls: number): number => {
    for (let call = 0; call < calls; call++) {
      if (sends.isFull) sends.count = 0;
      sends.add(payload, PAYLOAD_BYTES, there.address);
    }
    const { count } = sends;
    sends.count = 0;
    return count;
  };
  return { name: 'SendBatch.add', calls: BATCH * 16, run };
}

function singleSends(sends: SendBatch, payload: number, wire: Wire): MicroCase {
  const { here, there, traffic } = wire;
  const run = (calls: number): number => {
    let failed = 0;
    for (let call = 0; call < calls; call++) {
      sends.add(payload, PAYLOAD_BYTES, there.address);
      failed += sends.flush(here.fd);
    }
    return expectAll(calls - failed, calls);
  };
  const before = (): void => void traffic.drain(there.fd);
  return { name: 'SendBatch.add and flush of 1', calls: BATCH, before, run };
}

function batchedSends(sends: SendBatch, payload: number, wire: Wire): MicroCase {
  const { here, there, traffic } = wire;
  const run = (calls: number): number => {
    for (let call = 0; call < calls; call++) sends.add(payload, PAYLOAD_BYTES, there.address);
    return expectAll(calls - sends.flush(here.fd), calls);
  };
  const before = (): void => void traffic.drain(there.fd);
  return { name: `SendBatch.add and flush of ${BATCH}`, calls: BATCH, before, run };
}

function receptions({ arena, here, there, traffic }: Wire): MicroCase[] {
  const batch = new ReceiveBatch(arena, {
    slots: BATCH,
    slotBytes: 2048,
    headroomBytes: 64,
    control: false,
  });
  const from = new TransportAddress();
  const before = (): void => {
    traffic.drain(here.fd);
    traffic.send(there.fd, here.address, BATCH);
  };
  const atOnce = (): number => {
    const count = batch.receive(here.fd, 0, BATCH);
    let bytes = 0;
    for (let slot = 0; slot < count; slot++) {
      if (batch.isTruncated(slot) || !batch.readAddress(slot, from)) continue;
      bytes += batch.length(slot);
    }
    return bytes;
  };
  const oneByOne = (calls: number): number => {
    let bytes = 0;
    for (let call = 0; call < calls; call++) {
      if (batch.receive(here.fd, 0, 1) !== 1) continue;
      if (batch.isTruncated(0) || !batch.readAddress(0, from)) continue;
      bytes += batch.length(0);
    }
    return bytes;
  };
  const inVain = (calls: number): number => {
    let empty = 0;
    for (let call = 0; call < calls; call++) if (batch.receive(here.fd, 0, BATCH) < 0) empty++;
    return expectAll(empty, calls);
  };
  return [
    { name: `ReceiveBatch.receive of ${BATCH} and readAddress`, calls: BATCH, before, run: atOnce },
    { name: 'ReceiveBatch.receive of 1 and readAddress', calls: BATCH, before, run: oneByOne },
    {
      name: 'ReceiveBatch.receive, nothing waits',
      calls: BATCH,
      before: () => void traffic.drain(here.fd),
      run: inVain,
    },
  ];
}

function polls({ arena }: Wire): MicroCase[] {
  const idle = new Poller(arena, EVENTS_MAX);
  const busy = new Poller(arena, EVENTS_MAX);
  const [silent, signalled] = [createEventFd(), createEventFd()];
  signalEventFd(signalled);
  idle.add(silent, EPOLLIN, silent);
  busy.add(signalled, EPOLLIN, signalled);
  const nothing = (calls: number): number => {
    let count = 0;
    for (let call = 0; call < calls; call++) count += idle.wait(0);
    return calls + expectAll(count, 0);
  };
  const something = (calls: number): number => {
    let count = 0;
    for (let call = 0; call < calls; call++) {
      if (busy.wait(0) === 1 && busy.eventTag(0) === signalled) count += busy.eventFlags(0);
    }
    return expectAll(count, calls * EPOLLIN);
  };
  return [
    { name: 'Poller.wait(0), nothing is ready', calls: 256, run: nothing },
    { name: 'Poller.wait(0), a descriptor is ready', calls: 256, run: something },
  ];
}

function clock({ arena }: Wire): MicroCase {
  const kernel = new KernelClock(arena);
  const run = (calls: number): number => {
    let sum = 0;
    for (let call = 0; call < calls; call++) {
      kernel.read();
      sum += kernel.nanoseconds & 1;
    }
    return sum + kernel.seconds;
  };
  return { name: 'KernelClock.read', calls: 256, run };
}
