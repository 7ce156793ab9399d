import { once } from 'node:events';
import { constants } from 'node:os';
import { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import t, { type Test } from 'tap';
import { IPV4, IPV6, TransportAddress } from '../../../src/stun/transport-address.ts';
import { Arena } from '../../../src/sys/arena.ts';
import { KernelClock } from '../../../src/sys/clock.ts';
import { Poller, createEventFd, drainEventFd, signalEventFd } from '../../../src/sys/epoll.ts';
import { ErrorQueue } from '../../../src/sys/error-queue.ts';
import {
  EPOLLERR,
  EPOLLIN,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_MTU_DISCOVER,
  IP_MTU_DISCOVER,
  IP_PMTUDISC_DO,
  IP_PMTUDISC_DONT,
  SOL_SOCKET,
  SO_EE_ORIGIN_ICMP,
  SO_EE_ORIGIN_ICMP6,
  SO_RCVBUF,
  TCP_NODELAY,
} from '../../../src/sys/layout.ts';
import { checkSupport, loadLibc } from '../../../src/sys/libc.ts';
import { ReceiveBatch, type ReceiveBatchOptions } from '../../../src/sys/receive-batch.ts';
import { SendBatch } from '../../../src/sys/send-batch.ts';
import {
  type UdpSocketOptions,
  closeSocket,
  localAddress,
  openTcpListener,
  openUdpSocket,
  setDontFragment,
  setOption,
} from '../../../src/sys/socket.ts';
import { readSocketAddress, writeSocketAddress } from '../../../src/sys/socket-address.ts';
import { acceptStream, receiveStream, sendStream, setNoDelay } from '../../../src/sys/stream.ts';
import { SystemError } from '../../../src/sys/system-error.ts';
import { collectGarbage } from '../../support/heap.ts';
import { getOption, shutDown } from '../../support/socket-calls.ts';
import { addressFrom } from '../../support/turn-client.ts';

const { EADDRINUSE, EAGAIN, ECONNREFUSED, EPIPE } = constants.errno;
const DEADLINE_MS = 10_000;
const SO_NO_CHECK = 11;
const support = checkSupport();
const hasIpv6 = support.supported && canOpen('::1');
const skipIpv6 = hasIpv6 ? false : 'this machine has no IPv6 loopback address';

if (!support.supported) {
  t.plan(0, `no system calls here: ${support.reason}`);
  process.exit();
}

const arena = new Arena(32 << 20);
const poller = new Poller(arena, 8);

t.teardown(() => poller.close());

t.test('a platform without these system calls says so', async (t) => {
  const cases = [
    { property: 'platform', value: 'darwin', reason: /darwin/ },
    { property: 'arch', value: 'ia32', reason: /ia32/ },
  ] as const;
  for (const { property, value, reason } of cases) {
    const restore = t.intercept(process, property, { value });
    const module = await t.mockImport<typeof import('../../../src/sys/libc.ts')>(
      '../../../src/sys/libc.ts',
      {},
    );
    t.match(module.checkSupport(), { supported: false, reason });
    t.throws(() => module.loadLibc(), { message: reason });
    restore.restore();
  }
});

t.test('an arena stays where it is and refuses to overflow', (t) => {
  const small = new Arena(10_000);
  t.equal(small.bytes.length, 12_288);
  t.equal(small.address % 4096, 0);
  t.equal(small.allocate(3), 0);
  t.equal(small.allocate(3), 8);
  t.equal(small.allocate(64, 64), 64);
  t.throws(() => small.allocate(12_289 - 128), RangeError);
  small.bytes.fill(0xa5);
  for (let round = 0; round < 5; round++) {
    Array.from({ length: 1000 }, () => new ArrayBuffer(4096));
    collectGarbage();
  }
  const { buffer, byteOffset } = small.bytes;
  t.equal(loadLibc().addressOf(buffer as ArrayBuffer) + byteOffset, small.address);
  t.ok(small.bytes.every((byte) => byte === 0xa5));
  small.writePointer(16, 8192);
  t.equal(small.view.getBigUint64(16, true), BigInt(small.address + 8192));
  t.end();
});

t.test('the clock of the kernel is the one of process.hrtime', (t) => {
  const clock = new KernelClock(arena);
  const read = (): bigint => {
    clock.read();
    return BigInt(clock.seconds) * 1_000_000_000n + BigInt(clock.nanoseconds);
  };
  const times = [process.hrtime.bigint(), read(), process.hrtime.bigint(), read()];
  t.same(
    times.toSorted((a, b) => Number(a - b)),
    times,
  );
  t.ok(clock.nanoseconds >= 0 && clock.nanoseconds < 1e9);
  t.end();
});

t.test('socket addresses written are read back', (t) => {
  const offset = arena.allocate(32);
  const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  const port = fc.integer({ min: 0, max: 65_535 });
  const ipv4 = fc
    .tuple(word, port)
    .map(([word0, number]) => new TransportAddress().setIpv4(word0, number));
  const ipv6 = fc
    .tuple(fc.tuple(word, word, word, word), port)
    .map(([words, number]) => new TransportAddress().setIpv6(...words, number));
  const read = new TransportAddress();
  const seed = fc.check(
    fc.property(fc.oneof(ipv4, ipv6), (address) => {
      const length = writeSocketAddress(arena, offset, address);
      return (
        length === (address.family === IPV4 ? 16 : 28) &&
        readSocketAddress(arena, offset, read) &&
        read.equals(address)
      );
    }),
  );
  t.notOk(seed.failed, fc.defaultReportMessage(seed) ?? `seed ${seed.seed}`);
  arena.view.setUint16(offset, 1, true);
  t.notOk(readSocketAddress(arena, offset, read), 'an AF_UNIX address is none');
  t.end();
});

for (const { ip, options, skip } of [
  { ip: '127.0.0.1', options: {}, skip: false },
  { ip: '::1', options: {}, skip: skipIpv6 },
]) {
  t.test(`datagrams of every length cross ${ip} in batches`, { skip }, (t) => {
    const server = open(t, ip, options);
    const client = open(t, ip, options);
    const batch = receiver({ slots: 8, slotBytes: 65_507, headroomBytes: 64 });
    const sends = new SendBatch(arena, 8);
    const lengths = [0, 1, 20, 1200, 1472, 8000, 65_000, 65_507];
    const payload = arena.allocate(65_507);
    for (let at = 0; at < 65_507; at++) arena.bytes[payload + at] = at * 7;
    for (const length of lengths) sends.add(payload, length, server.address);
    t.ok(sends.isFull);
    t.throws(() => sends.add(payload, 1, server.address), RangeError);
    t.equal(sends.flush(client.fd), 0);
    t.equal(sends.count, 0);
    const from = new TransportAddress();
    receiveAll(t, batch, server.fd, lengths.length);
    for (const [slot, length] of lengths.entries()) {
      t.equal(batch.length(slot), length);
      t.notOk(batch.isTruncated(slot));
      t.ok(batch.readAddress(slot, from));
      t.same(from, client.address);
      const offset = batch.payloadOffset(slot);
      t.ok(same(offset, payload, length), `bytes of ${length}`);
      t.notOk(batch.readLocalAddress(slot, from), 'no control message was asked for');
    }
    t.equal(batch.receive(server.fd, 0, 8), -EAGAIN);
    t.end();
  });
}

t.test('the headroom of a slot is writable without harm to its neighbours', (t) => {
  const { fd, address } = open(t, '127.0.0.1');
  const batch = receiver({ slots: 3, slotBytes: 100, headroomBytes: 4 });
  const sends = new SendBatch(arena, 3);
  const payload = arena.allocate(100);
  arena.bytes.fill(0x11, payload, payload + 100);
  for (let index = 0; index < 3; index++) sends.add(payload, 100, address);
  sends.flush(fd);
  receiveAll(t, batch, fd, 3);
  for (let slot = 0; slot < 3; slot++) arena.view.setInt32(batch.payloadOffset(slot) - 4, -1);
  for (let slot = 0; slot < 3; slot++) t.ok(same(batch.payloadOffset(slot), payload, 100));
  t.throws(() => batch.receive(fd, 1, 3), 'slots beyond the last are refused');
  t.end();
});

t.test('a datagram longer than its slot is reported as truncated', (t) => {
  const { fd, address } = open(t, '127.0.0.1');
  const batch = receiver({ slots: 2, slotBytes: 100 });
  const sends = new SendBatch(arena, 2);
  const payload = arena.allocate(200);
  sends.add(payload, 200, address);
  sends.add(payload, 100, address);
  sends.flush(fd);
  receiveAll(t, batch, fd, 2);
  t.same([batch.isTruncated(0), batch.isTruncated(1)], [true, false]);
  t.same([batch.length(0), batch.length(1)], [100, 100]);
  t.end();
});

t.test('slots are used again whatever they held before', { skip: skipIpv6 }, (t) => {
  const ipv4 = open(t, '127.0.0.1', { packetInfo: true });
  const ipv6 = open(t, '::1', { packetInfo: true });
  const batch = receiver({ slots: 4, slotBytes: 100, control: true });
  const sends = new SendBatch(arena, 4);
  const from = new TransportAddress();
  const local = new TransportAddress();
  const runs = [
    { socket: ipv4, first: 0, count: 3 },
    { socket: ipv6, first: 0, count: 1 },
    { socket: ipv6, first: 2, count: 2 },
    { socket: ipv4, first: 3, count: 1 },
    { socket: ipv6, first: 1, count: 3 },
    { socket: ipv4, first: 0, count: 4 },
  ];
  for (const { socket, first, count } of runs) {
    for (let index = 0; index < count; index++) sends.add(0, index, socket.address);
    t.equal(sends.flush(socket.fd), 0);
    wait(socket.fd);
    t.equal(batch.receive(socket.fd, first, count), count);
    for (let slot = first; slot < first + count; slot++) {
      t.equal(batch.length(slot), slot - first);
      t.ok(batch.readAddress(slot, from) && from.equals(socket.address));
      t.ok(batch.readLocalAddress(slot, local) && local.equalsIp(socket.address));
    }
  }
  t.end();
});

for (const { bind, asked, skip } of [
  { bind: '0.0.0.0', asked: '127.0.0.2', skip: false },
  { bind: '::', asked: '::1', skip: skipIpv6 },
]) {
  t.test(`a socket on ${bind} answers from ${asked} that was asked`, { skip }, (t) => {
    const server = open(t, bind, { packetInfo: true });
    const client = open(t, asked.includes(':') ? '::1' : '127.0.0.1');
    const batch = receiver({ slots: 2, slotBytes: 100, control: true });
    const sends = new SendBatch(arena, 2);
    const target = addressFrom(asked, server.address.port);
    const from = new TransportAddress();
    const local = new TransportAddress();
    const payload = arena.allocate(8);
    sends.add(payload, 8, target);
    t.equal(sends.flush(client.fd), 0);
    receiveAll(t, batch, server.fd, 1);
    t.ok(batch.readAddress(0, from));
    t.same(from, client.address);
    t.ok(batch.readLocalAddress(0, local));
    t.same(local, addressFrom(asked, 0));
    sends.add(batch.payloadOffset(0), batch.length(0), from, local);
    t.equal(sends.flush(server.fd), 0);
    receiveAll(t, batch, client.fd, 1);
    t.ok(batch.readAddress(0, from));
    t.same(from, target);
    t.end();
  });
}

t.test('an IPv6-only wildcard leaves the IPv4 port free', { skip: skipIpv6 }, (t) => {
  const { address } = open(t, '::');
  const ipv4 = open(t, '0.0.0.0', {}, address.port);
  t.equal(ipv4.address.port, address.port);
  t.end();
});

for (const refuses of [false, true]) {
  const title = refuses ? 'are refused arrive one by one' : 'go out together arrive as they were';
  t.test(`datagrams of a run that ${title}`, (t) => {
    const client = open(t, '127.0.0.1');
    // Without checksums the kernel does not segment.
    if (refuses) setOption(client.fd, SOL_SOCKET, SO_NO_CHECK, 1);
    const roomy = { receiveBufferBytes: 4 << 20 };
    const servers = [open(t, '127.0.0.1', roomy), open(t, '127.0.0.1', roomy)];
    const batch = receiver({ slots: 128, slotBytes: 1500 });
    const sends = new SendBatch(arena, 128);
    const payload = arena.allocate(128 * 1500);
    for (let at = 0; at < 128 * 1500; at++) arena.bytes[payload + at] = (at * 31) >> 3;
    const lengths = fc.oneof(fc.constantFrom(0, 1, 200, 1100, 1452, 1453), fc.nat(1500));
    const repeated = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 60, max: 70 }));
    const runs = fc.array(fc.tuple(fc.constantFrom(0, 1), lengths, repeated), { minLength: 1 });
    const arriveAsSent = fc.property(runs, (wanted) => {
      const sent = wanted
        .flatMap(([server, length, count]) => Array<[number, number]>(count).fill([server, length]))
        .slice(0, 128)
        .map(([server, length], index) => ({ server, length, offset: payload + index * 1500 }));
      for (const { server, length, offset } of sent) {
        sends.add(offset, length, servers[server]!.address);
      }
      if (sends.flush(client.fd) !== 0) return false;
      return servers.every(({ fd }, index) => {
        const expected = sent.filter(({ server }) => server === index);
        if (expected.length > 0) receiveAll(t, batch, fd, expected.length);
        return expected.every(({ length, offset }, slot) => {
          const isWhole = batch.length(slot) === length && !batch.isTruncated(slot);
          return isWhole && same(batch.payloadOffset(slot), offset, length);
        });
      });
    });
    const seed = fc.check(arriveAsSent, { numRuns: 200 });
    t.notOk(seed.failed, fc.defaultReportMessage(seed) ?? `seed ${seed.seed}`);
    for (const { fd } of servers) t.equal(batch.receive(fd, 0, 1), -EAGAIN, 'nothing came twice');
    t.end();
  });
}

t.test('a datagram that fails does not hold up those behind it', (t) => {
  const { fd, address } = open(t, '127.0.0.1');
  const batch = receiver({ slots: 8, slotBytes: 100 });
  const sends = new SendBatch(arena, 8);
  const payload = arena.allocate(70_000);
  sends.add(payload, 1, address);
  sends.add(payload, 2, addressFrom('127.0.0.1', 0));
  sends.add(payload, 3, address);
  sends.add(payload, 70_000, address);
  sends.add(payload, 65_508, address);
  sends.add(payload, 4, address);
  t.equal(sends.flush(fd), 3);
  receiveAll(t, batch, fd, 3);
  t.same(
    [0, 1, 2].map((slot) => batch.length(slot)),
    [1, 3, 4],
  );
  sends.add(payload, 2, addressFrom('127.0.0.1', 0));
  t.equal(sends.flush(fd), 1);
  sends.add(payload, 1, address);
  sends.add(payload, 1, address);
  t.equal(sends.flush(-1), 2);
  t.throws(() => sends.add(arena.bytes.length - 1, 2, address), RangeError);
  t.throws(() => sends.add(-1, 1, address), RangeError);
  t.equal(sends.count, 0);
  t.end();
});

for (const { ip, origin, type, code, skip } of [
  { ip: '127.0.0.1', origin: SO_EE_ORIGIN_ICMP, type: 3, code: 3, skip: false },
  { ip: '::1', origin: SO_EE_ORIGIN_ICMP6, type: 1, code: 4, skip: skipIpv6 },
]) {
  t.test(`the ICMP error of ${ip} reaches a socket`, { skip }, (t) => {
    const { fd } = open(t, ip, { receiveErrors: true });
    const closed = closedPort(ip);
    const alive = open(t, ip);
    const batch = receiver({ slots: 1, slotBytes: 100 });
    const sends = new SendBatch(arena, 2);
    const errors = new ErrorQueue(arena);
    t.notOk(errors.read(fd));
    sends.add(0, 10, closed);
    t.equal(sends.flush(fd), 0);
    t.ok(wait(fd, 0) & EPOLLERR);
    sends.add(0, 10, alive.address);
    t.equal(sends.flush(fd), 0, 'the pending error is not the next datagram`s');
    receiveAll(t, batch, alive.fd, 1);
    t.ok(errors.read(fd));
    t.same(errors.destination, closed);
    t.match(errors, { origin, type, code });
    t.notOk(errors.read(fd));
    sends.add(0, 10, closed);
    sends.flush(fd);
    wait(fd, 0);
    t.equal(batch.receive(fd, 0, 1), -ECONNREFUSED);
    t.equal(batch.receive(fd, 0, 1), -EAGAIN);
    t.throws(() => errors.read(-1), { code: 'EBADF' });
    t.end();
  });
}

t.test('a port in use is refused with a clear error, unless it is shared', (t) => {
  const first = open(t, '127.0.0.1', { reusePort: true });
  const { port } = first.address;
  const second = open(t, '127.0.0.1', { reusePort: true }, port);
  t.throws(() => openUdpSocket({ address: first.address }), {
    name: 'SystemError',
    syscall: 'bind',
    errno: EADDRINUSE,
    code: 'EADDRINUSE',
    message: `bind 127.0.0.1:${port}: EADDRINUSE, address already in use`,
  });
  t.throws(() => openUdpSocket({ address: addressFrom('192.0.2.1', 0) }), {
    code: 'EADDRNOTAVAIL',
  });
  const sends = new SendBatch(arena, 1);
  for (let client = 0; client < 64; client++) {
    const { fd } = open(t, '127.0.0.1');
    sends.add(0, 8, first.address);
    t.equal(sends.flush(fd), 0);
  }
  const batch = receiver({ slots: 64, slotBytes: 8 });
  const counts = [first, second].map(({ fd }) => Math.max(batch.receive(fd, 0, 64), 0));
  t.equal((counts[0] ?? 0) + (counts[1] ?? 0), 64);
  t.end();
});

t.test('socket options arrive in the kernel', (t) => {
  const ipv4 = open(t, '127.0.0.1', { dontFragment: false, receiveBufferBytes: 100_000 });
  t.equal(getOption(ipv4.fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_DONT);
  t.equal(getOption(ipv4.fd, SOL_SOCKET, SO_RCVBUF), 200_000, 'Linux doubles it');
  setDontFragment(ipv4.fd, IPV4, true);
  t.equal(getOption(ipv4.fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_DO);
  setDontFragment(ipv4.fd, IPV4, false);
  t.equal(getOption(ipv4.fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_DONT);
  t.throws(() => setDontFragment(-1, IPV4, true), { syscall: 'setsockopt', code: 'EBADF' });
  if (hasIpv6) {
    const ipv6 = open(t, '::1', { sendBufferBytes: 100_000 });
    setDontFragment(ipv6.fd, IPV6, true);
    t.equal(getOption(ipv6.fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER), IP_PMTUDISC_DO);
  }
  t.end();
});

for (const { ip, skip } of [
  { ip: '127.0.0.1', skip: false },
  { ip: '::1', skip: skipIpv6 },
]) {
  t.test(`a TCP connection over ${ip}`, { skip }, async (t) => {
    const { connect } = await import('node:net');
    const listener = openTcpListener({ address: addressFrom(ip, 0), reusePort: true });
    t.teardown(() => closeSocket(listener));
    const bound = new TransportAddress();
    localAddress(listener, bound);
    t.throws(() => openTcpListener({ address: bound }), { code: 'EADDRINUSE' });
    const peer = new TransportAddress();
    t.equal(acceptStream(listener, peer), -EAGAIN);
    const client = connect(bound.port, ip);
    await once(client, 'connect');
    wait(listener);
    const fd = acceptStream(listener, peer);
    t.ok(fd >= 0);
    t.same(peer, addressFrom(ip, client.localPort ?? 0));
    setNoDelay(fd, true);
    t.not(getOption(fd, IPPROTO_TCP, TCP_NODELAY), 0);
    const offset = arena.allocate(64);
    t.equal(receiveStream(fd, arena, offset, 64), -EAGAIN);
    client.write('hello');
    wait(fd);
    t.equal(receiveStream(fd, arena, offset, 64), 5);
    t.equal(Buffer.from(arena.bytes.subarray(offset, offset + 5)).toString(), 'hello');
    t.equal(sendStream(fd, arena, offset, 5), 5);
    t.throws(() => sendStream(fd, arena, arena.bytes.length, 1), RangeError);
    t.throws(() => receiveStream(fd, arena, -1, 1), RangeError);
    const [data] = (await once(client, 'data')) as [Buffer];
    t.equal(data.toString(), 'hello');
    shutDown(fd);
    t.equal(receiveStream(fd, arena, offset, 64), 0, 'the connection has ended');
    t.equal(sendStream(fd, arena, offset, 5), -EPIPE, 'and no signal kills the process');
    closeSocket(fd);
  });
}

t.test('a poller reports tags and flags, and stops when told', (t) => {
  const events = [createEventFd(), createEventFd()];
  t.teardown(() => events.forEach(closeSocket));
  const [first = -1, second = -1] = events;
  poller.add(first, EPOLLIN, -7);
  poller.add(second, EPOLLIN, 0x7fffffff);
  t.throws(() => poller.add(first, EPOLLIN, 1), { syscall: 'epoll_ctl', code: 'EEXIST' });
  t.equal(poller.wait(0), 0);
  signalEventFd(first);
  signalEventFd(first);
  signalEventFd(second);
  t.equal(poller.wait(0), 2);
  const tags = [poller.eventTag(0), poller.eventTag(1)].toSorted((a, b) => a - b);
  t.same(tags, [-7, 0x7fffffff]);
  t.same([poller.eventFlags(0), poller.eventFlags(1)], [EPOLLIN, EPOLLIN]);
  drainEventFd(first);
  drainEventFd(first);
  poller.modify(second, EPOLLIN, 5);
  t.equal(poller.wait(0), 1);
  t.equal(poller.eventTag(0), 5);
  poller.remove(first);
  poller.remove(second);
  t.equal(poller.wait(0), 0);
  t.throws(() => signalEventFd(-1), { code: 'EBADF' });
  const closed = new Poller(arena, 1);
  closed.close();
  t.throws(() => closed.wait(0), SystemError);
  t.end();
});

t.test('worker threads block in system calls of their own and wake at a signal', async (t) => {
  const stops = [createEventFd(), createEventFd()];
  t.teardown(() => stops.forEach(closeSocket));
  const workers = stops.map(
    (stopFd) =>
      new Worker(new URL('../../support/sys-worker.ts', import.meta.url), {
        workerData: { stopFd },
      }),
  );
  const ready = await Promise.all(workers.map((worker) => once(worker, 'message')));
  const client = open(t, '127.0.0.1');
  const batch = receiver({ slots: 8, slotBytes: 100 });
  const sends = new SendBatch(arena, 8);
  const from = new TransportAddress();
  for (const [message] of ready) {
    const server = addressFrom('127.0.0.1', (message as { port: number }).port);
    sends.add(0, 33, server);
    t.equal(sends.flush(client.fd), 0);
    receiveAll(t, batch, client.fd, 1);
    t.equal(batch.length(0), 33);
    t.ok(batch.readAddress(0, from) && from.equals(server));
  }
  const results = workers.map((worker) => once(worker, 'message'));
  const exits = workers.map((worker) => once(worker, 'exit'));
  stops.forEach(signalEventFd);
  for (const [message] of await Promise.all(results)) t.same(message, { echoed: 1 });
  for (const [code] of await Promise.all(exits)) t.equal(code, 0);
});

interface Endpoint {
  fd: number;
  address: TransportAddress;
}

function open(
  t: Test,
  ip: string,
  options: Omit<UdpSocketOptions, 'address'> = {},
  port = 0,
): Endpoint {
  const fd = openUdpSocket({ ...options, address: addressFrom(ip, port) });
  t.teardown(() => closeSocket(fd));
  const address = new TransportAddress();
  localAddress(fd, address);
  return { fd, address };
}

function canOpen(ip: string): boolean {
  try {
    closeSocket(openUdpSocket({ address: addressFrom(ip, 0) }));
    return true;
  } catch {
    return false;
  }
}

function closedPort(ip: string): TransportAddress {
  const address = addressFrom(ip, 0);
  const fd = openUdpSocket({ address });
  localAddress(fd, address);
  closeSocket(fd);
  return address;
}

function receiver(options: Partial<ReceiveBatchOptions>): ReceiveBatch {
  const defaults = { slots: 1, slotBytes: 100, headroomBytes: 0, control: false };
  return new ReceiveBatch(arena, { ...defaults, ...options });
}

/** Blocks until `fd` has events or the deadline passes; returns its flags. */
function wait(fd: number, events = EPOLLIN): number {
  poller.add(fd, events, fd);
  const count = poller.wait(DEADLINE_MS);
  poller.remove(fd);
  return count === 0 ? 0 : poller.eventFlags(0);
}

function receiveAll(t: Test, batch: ReceiveBatch, fd: number, count: number): void {
  let received = 0;
  while (received < count && wait(fd) !== 0) {
    const more = batch.receive(fd, received, count - received);
    if (more < 0) break;
    received += more;
  }
  t.equal(received, count, 'datagrams received');
}

function same(left: number, right: number, length: number): boolean {
  const a = arena.bytes.subarray(left, left + length);
  return Buffer.compare(a, arena.bytes.subarray(right, right + length)) === 0;
}
