import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { DatagramEndpoint } from '../../../src/net/reactor/datagram-endpoint.ts';
import type { ListenerPlan } from '../../../src/net/data-plane.ts';
import type { ListenerSocket } from '../../../src/net/reactor/listener-socket.ts';
import { Reactor } from '../../../src/net/reactor/reactor.ts';
import { RelaySocket } from '../../../src/net/reactor/relay-socket.ts';
import { readMonotonicMs } from '../../../src/net/shared/clock.ts';
import {
  createDescriptorMemory,
  DescriptorLedger,
} from '../../../src/net/shared/descriptor-ledger.ts';
import { HEADER_BYTES } from '../../../src/stun/registry.ts';
import { TransportAddress } from '../../../src/stun/transport-address.ts';
import { Arena } from '../../../src/sys/arena.ts';
import { createEventFd, signalEventFd } from '../../../src/sys/epoll.ts';
import { EPOLLIN } from '../../../src/sys/layout.ts';
import { checkSupport } from '../../../src/sys/libc.ts';
import { ReceiveBatch } from '../../../src/sys/receive-batch.ts';
import {
  closeSocket,
  localAddress,
  openTcpListener,
  openUdpSocket,
} from '../../../src/sys/socket.ts';
import { SendBatch } from '../../../src/sys/send-batch.ts';
import { Client, type Allocation, type Relay } from '../../../src/turn/allocation.ts';
import { ChannelBinding } from '../../../src/turn/channel-binding.ts';
import type { TurnCommand } from '../../../src/turn/commands.ts';
import type { MonotonicMs } from '../../../src/turn/policy.ts';
import { RelayedData } from '../../../src/turn/relayed-data.ts';
import type { TurnServer } from '../../../src/turn/turn-server.ts';
import { collectGarbage } from '../../support/heap.ts';
import { shutDown } from '../../support/socket-calls.ts';
import { addressFrom } from '../../support/turn-client.ts';

const support = checkSupport();
const skip = !support.supported && support.reason;
const LOOPBACK = '127.0.0.1';
const ANY_CHANNEL = 0x4000;
const WATCHED_MS = 50;
const TURNS_MAX = 100;

/** A core that does what a test says, and counts the turns of the loop. */
class ScriptedCore {
  readonly commands: TurnCommand[] = [];
  turns = 0;
  deadline: MonotonicMs | undefined;
  onTurn = (): void => {};
  onTimeout = (): void => {};
  onClientMessage: (client: Client) => void = () => {};
  onClientClosed: (client: Client) => void = () => {};
  onPeerDatagram: () => ChannelBinding | undefined = () => undefined;

  nextCommand(): TurnCommand | undefined {
    return this.commands.shift();
  }

  /** The loop asks before it waits and when it has done its work. */
  pollTimeout(): MonotonicMs | undefined {
    this.turns += 0.5;
    this.onTurn();
    return this.deadline;
  }

  handleTimeout(): void {
    this.deadline = undefined;
    this.onTimeout();
  }

  handleClientMessage(client: Client): void {
    this.onClientMessage(client);
  }

  handleClientClosed(client: Client): void {
    this.onClientClosed(client);
  }

  handlePeerDatagram(): ChannelBinding | undefined {
    return this.onPeerDatagram();
  }

  shutdown(): void {}
}

t.test('a dead listener does not keep the loop busy', { skip }, (t) => {
  const core = new ScriptedCore();
  const reactor = openReactor(t, core);
  const listener = openTcpListener({ address: addressFrom(LOOPBACK, 0) });
  t.teardown(() => closeSocket(listener));
  reactor.listeners.open(listenerSocket(listener, 'tcp'));
  shutDown(listener);
  core.deadline = (reactor.now.monotonicMs + WATCHED_MS) as MonotonicMs;
  core.onTimeout = () => reactor.stop();
  reactor.run();
  t.ok(core.turns < TURNS_MAX, `${core.turns} turns`);
  t.end();
});

t.test('a dead listener may go while it is left alone for a second', { skip }, (t) => {
  const core = new ScriptedCore();
  const reactor = openReactor(t, core);
  const listener = openTcpListener({ address: addressFrom(LOOPBACK, 0) });
  reactor.listeners.open(listenerSocket(listener, 'tcp'));
  shutDown(listener);
  let isClosed = false;
  core.onTurn = () => {
    // Now that a turn has found it dead.
    if (isClosed || core.turns < 2) return;
    isClosed = true;
    reactor.listeners.retire(listener);
    closeSocket(listener);
    core.deadline = (readMonotonicMs() + 1100) as MonotonicMs;
  };
  core.onTimeout = () => reactor.stop();
  reactor.run();
  t.ok(isClosed);
  t.end();
});

t.test('a client that is not heard does not keep the loop busy', { skip }, async (t) => {
  const core = new ScriptedCore();
  const reactor = openReactor(t, core);
  const listener = openTcpListener({ address: addressFrom(LOOPBACK, 0) });
  t.teardown(() => closeSocket(listener));
  reactor.listeners.open(listenerSocket(listener, 'tcp'));
  const socket = connect(boundAddress(listener).port, LOOPBACK);
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  await new Promise((resolve) => socket.write(Buffer.alloc(HEADER_BYTES * 1000), resolve));
  let messages = 0;
  core.onClientMessage = (client) => {
    if (messages++ > 0) return;
    client.allocation = {} as Allocation;
    for (let count = 0; count < 1000; count++) reactor.sendRelayed(client, 0, 60_000, 60_000);
    // As Refresh or time may end it, while the client leaves unread what it was sent.
    client.allocation = undefined;
    core.deadline = (readMonotonicMs() + WATCHED_MS) as MonotonicMs;
  };
  core.onTimeout = () => reactor.stop();
  reactor.run();
  t.ok(messages > 0 && messages < 1000, 'it had more to say');
  t.ok(core.turns < TURNS_MAX, `${core.turns} turns`);
});

t.test('nothing is kept of a connection that is closed', { skip }, async (t) => {
  const core = new ScriptedCore();
  const reactor = openReactor(t, core);
  const listener = openTcpListener({ address: addressFrom(LOOPBACK, 0) });
  t.teardown(() => closeSocket(listener));
  reactor.listeners.open(listenerSocket(listener, 'tcp'));
  const socket = connect(boundAddress(listener).port, LOOPBACK);
  await once(socket, 'connect');
  socket.destroy();
  await once(socket, 'close');
  let closed: WeakRef<Client> | undefined;
  core.onClientClosed = (client) => {
    closed = new WeakRef(client);
    reactor.stop();
  };
  reactor.run();
  await setImmediate();
  collectGarbage();
  t.ok(closed, 'the reactor has told the core');
  t.equal(closed?.deref(), undefined);
  t.ok(reactor.connections, 'while the reactor lives on');
});

t.test('an event outlives its descriptor, whose number another socket has', { skip }, (t) => {
  const core = new ScriptedCore();
  const reactor = openReactor(t, core);
  const [first, second] = [createEventFd(), createEventFd()];
  let reopened = -1;
  let closed = -1;
  // Whichever comes first takes the other away.
  const closeWhenReady = (own: number, other: number): void => {
    const onReady = (): void => {
      reactor.unwatch(other);
      closeSocket(other);
      closed = other;
      reopened = openUdpSocket({ address: addressFrom(LOOPBACK, 0), receiveErrors: true });
      reactor.watch(reopened, new RelaySocket(reactor, {} as Relay, reopened), EPOLLIN);
      reactor.stop();
    };
    reactor.watch(own, { onReady }, EPOLLIN);
  };
  closeWhenReady(first, second);
  closeWhenReady(second, first);
  signalEventFd(first);
  signalEventFd(second);
  reactor.run();
  t.equal(reopened, closed);
  for (const fd of [first, second]) closeSocket(fd);
  t.end();
});

t.test('client data leaves before its relay socket is closed', { skip }, (t) => {
  const core = new ScriptedCore();
  const reactor = openReactor(t, core);
  const fd = openUdpSocket({ address: addressFrom(LOOPBACK, 0) });
  const peer = openUdpSocket({ address: addressFrom(LOOPBACK, 0) });
  t.teardown(() => closeSocket(peer));
  const relayed = boundAddress(fd);
  const relay = { handle: fd } as Relay;
  reactor.watch(fd, new RelaySocket(reactor, relay, fd), EPOLLIN);
  const data = Object.assign(new RelayedData(), { peer: boundAddress(peer), payloadLength: 3 });
  reactor.upstreamQueue.add(reactor.relaySocketOf(fd), data, 0);
  core.commands.push({ kind: 'closeRelay', relay });
  reactor.drainCommands();
  const reopened = openUdpSocket({ address: addressFrom(LOOPBACK, 0) });
  t.teardown(() => closeSocket(reopened));
  t.equal(reopened, fd);
  reactor.upstreamQueue.flush();

  const batch = new ReceiveBatch(new Arena(1 << 16), {
    slots: 2,
    slotBytes: 64,
    headroomBytes: 0,
    control: false,
  });
  const from = new TransportAddress();
  t.equal(batch.receive(peer, 0, 2), 1);
  t.ok(batch.readAddress(0, from) && from.equals(relayed));
  reactor.stop();
  reactor.run();
  t.end();
});

t.test('peer data stays as it is until it has left, however much there is', { skip }, (t) => {
  const core = new ScriptedCore();
  const reactor = openReactor(t, core);
  const client = openUdpSocket({ address: addressFrom(LOOPBACK, 0), receiveBufferBytes: 4 << 20 });
  const listener = openUdpSocket({ address: addressFrom(LOOPBACK, 0) });
  const peer = openUdpSocket({ address: addressFrom(LOOPBACK, 0) });
  const relays = Array.from({ length: 5 }, () => {
    return openUdpSocket({ address: addressFrom(LOOPBACK, 0), receiveBufferBytes: 4 << 20 });
  });
  t.teardown(() => [client, listener, peer, ...relays].forEach(closeSocket));
  const endpoint = new DatagramEndpoint(
    listenerSocket(listener, 'udp'),
    'udp',
    boundAddress(listener),
    undefined,
  );
  const allocation = { client: new Client(endpoint, boundAddress(client)) } as Allocation;

  const arena = new Arena(4 << 20);
  const sends = new SendBatch(arena, 60);
  const payload = arena.allocate(60 * 8);
  for (const [index, fd] of relays.entries()) {
    const relay = { allocation } as Relay;
    reactor.watch(fd, new RelaySocket(reactor, relay, fd), EPOLLIN);
    for (let count = 0; count < 60; count++) {
      arena.view.setInt32(payload + count * 8, index);
      arena.view.setInt32(payload + count * 8 + 4, count);
      sends.add(payload + count * 8, 8, boundAddress(fd));
    }
    t.equal(sends.flush(peer), 0);
  }
  let received = 0;
  core.onPeerDatagram = () => {
    received++;
    if (received === 300) reactor.stop();
    return Object.assign(Object.create(ChannelBinding.prototype) as ChannelBinding, {
      channelNumber: ANY_CHANNEL,
    });
  };
  // One reply for every turn shifts where the slots of a receive lie in the ring.
  core.onTurn = () => {
    const bytes = Uint8Array.of(1, 2, 3);
    core.commands.push({ kind: 'sendToClient', client: allocation.client, bytes });
    reactor.drainCommands();
  };
  reactor.run();

  const batch = new ReceiveBatch(arena, {
    slots: 512,
    slotBytes: 64,
    headroomBytes: 0,
    control: false,
  });
  const count = batch.receive(client, 0, 512);
  const next = relays.map(() => 0);
  for (let slot = 0; slot < count; slot++) {
    if (batch.length(slot) === 3) continue;
    const at = batch.payloadOffset(slot);
    const relay = arena.view.getInt32(at + 4);
    t.equal(arena.view.getInt32(at), (ANY_CHANNEL << 16) | 8);
    t.equal(arena.view.getInt32(at + 8), next[relay]!++, `of relay ${relay}`);
  }
  t.same(
    next,
    relays.map(() => 60),
  );
  t.end();
});

function openReactor(t: Test, core: ScriptedCore): Reactor {
  const wakeFd = createEventFd();
  t.teardown(() => closeSocket(wakeFd));
  return new Reactor({
    server: core as unknown as TurnServer,
    ledger: new DescriptorLedger(createDescriptorMemory(), 0),
    connectionsMax: 10,
    limits: {
      connectionsPerAddressMax: 10,
      handshakesPerSecond: 10,
      handshakesPerSecondPerAddress: 10,
    },
    wakeFd,
    onWake: () => {},
    onEvent: () => {},
  });
}

function listenerSocket(fd: number, protocol: 'udp' | 'tcp'): ListenerSocket {
  const address = boundAddress(fd);
  const plan: ListenerPlan = {
    name: 'test',
    protocol,
    alsoPlain: false,
    proxy: { mode: 'off', trusted: [] },
    bind: address.ip(),
    port: address.port,
    relayAddresses: { configured: [], host: [] },
  };
  return { plan, fd, address, strangersFd: undefined, isWildcard: false };
}

function boundAddress(fd: number): TransportAddress {
  const address = new TransportAddress();
  localAddress(fd, address);
  return address;
}
