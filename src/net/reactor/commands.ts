import { closeSocket, openUdpSocket } from '../../sys/socket.ts';
import { SystemError } from '../../sys/system-error.ts';
import { EPOLLIN } from '../../sys/layout.ts';
import type { TransportAddress } from '../../stun/transport-address.ts';
import type { Client, Relay } from '../../turn/allocation.ts';
import type { TurnCommand, TurnEvent } from '../../turn/commands.ts';
import type { Now } from '../../turn/policy.ts';
import type { Reactor } from './reactor.ts';
import { RelaySocket } from './relay-socket.ts';

/** Carries out one command of the core. */
export function executeCommand(
  reactor: Reactor,
  command: TurnCommand,
  onEvent: (event: TurnEvent, now: Now) => void,
): void {
  switch (command.kind) {
    case 'sendToClient':
      if (command.client.handle < 0) reactor.downstreamQueue.addCopy(command.client, command.bytes);
      else reactor.connections.of(command.client)?.sendControl(command.bytes);
      break;
    case 'bindRelay':
      bindRelay(reactor, command.relay, command.reservesNext);
      break;
    case 'adoptRelay':
      adoptRelay(reactor, command.relay, command.handle);
      break;
    case 'closeRelay':
      closeRelay(reactor, command.relay);
      break;
    case 'closeReserved':
      close(reactor, command.handle);
      break;
    case 'closeClient':
      closeClient(reactor, command.client);
      break;
    case 'channelUp':
    case 'channelDown':
      // Where a fast path below user space would be told; this driver has none.
      break;
    case 'event':
      onEvent(command.event, reactor.now);
      break;
  }
}

function bindRelay(reactor: Reactor, relay: Relay, reservesNext: boolean): void {
  const opened: number[] = [];
  try {
    opened.push(openRelaySocket(relay.bindAddress));
    if (reservesNext) opened.push(openRelaySocket(nextPortOf(relay.bindAddress)));
    const [fd, nextFd] = opened as [number, number | undefined];
    watchRelay(reactor, relay, fd);
    if (nextFd !== undefined) reactor.ledger.own(nextFd);
    reactor.server.handleRelayBound(relay, fd, nextFd, reactor.now);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    opened.forEach(closeSocket);
    const isPortTaken = error.code === 'EADDRINUSE' || error.code === 'EACCES';
    reactor.server.handleRelayFailed(relay, isPortTaken, reactor.now);
  }
}

function adoptRelay(reactor: Reactor, relay: Relay, fd: number): void {
  try {
    watchRelay(reactor, relay, fd);
    reactor.server.handleRelayBound(relay, fd, undefined, reactor.now);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    close(reactor, fd);
    reactor.server.handleRelayFailed(relay, false, reactor.now);
  }
}

function openRelaySocket(address: TransportAddress): number {
  return openUdpSocket({ address, receiveErrors: true, mtuDiscover: 'dont' });
}

function nextPortOf(address: TransportAddress): TransportAddress {
  const next = address.clone();
  next.port++;
  return next;
}

/** Throws SystemError when the poller takes no more. */
function watchRelay(reactor: Reactor, relay: Relay, fd: number): void {
  reactor.watch(fd, new RelaySocket(reactor, relay, fd), EPOLLIN);
  reactor.ledger.own(fd);
}

function closeRelay(reactor: Reactor, relay: Relay): void {
  // What is queued must leave through this socket, not through the next one that gets its descriptor.
  reactor.upstreamQueue.flush();
  reactor.unwatch(relay.handle);
  close(reactor, relay.handle);
}

function closeClient(reactor: Reactor, client: Client): void {
  const connection = reactor.connections.of(client);
  if (connection !== undefined) reactor.connections.closeLater(connection);
}

function close(reactor: Reactor, fd: number): void {
  reactor.ledger.disown(fd);
  closeSocket(fd);
}
