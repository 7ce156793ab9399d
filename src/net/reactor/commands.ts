import { closeSocket, localAddress, openUdpSocket } from '../../sys/socket.ts';
import { SystemError } from '../../sys/system-error.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import type { Client, Relay } from '../../turn/allocation.ts';
import type { TurnCommand, TurnEvent } from '../../turn/commands.ts';
import type { Now } from '../../turn/policy.ts';
import { isPortTaken, withNextPort } from '../shared/relay-port.ts';
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
      sendToClient(reactor, command.client, command.bytes);
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
    case 'channelUp':
    case 'channelDown':
      // Where a fast path below user space would be told; this driver has none.
      break;
    case 'event':
      onEvent(command.event, reactor.now);
      break;
  }
}

function sendToClient(reactor: Reactor, client: Client, bytes: Uint8Array): void {
  if (client.isStream) reactor.connections.of(client)?.sendControl(bytes);
  else if (client.isConnected) reactor.associations.sendCopy(client, bytes);
  else reactor.downstreamQueue.addCopy(client, bytes);
}

function bindRelay(reactor: Reactor, relay: Relay, reservesNext: boolean): void {
  const opened: number[] = [];
  try {
    opened.push(openRelaySocket(relay.bindAddress));
    if (reservesNext) opened.push(openRelaySocket(withNextPort(relay.bindAddress)));
    const [fd, nextFd] = opened as [number, number | undefined];
    watchRelay(reactor, relay, fd);
    if (nextFd !== undefined) reactor.ledger.own(nextFd);
    reactor.server.handleRelayBound(relay, fd, nextFd, reactor.now);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    opened.forEach(closeSocket);
    reactor.server.handleRelayFailed(relay, isPortTaken(error.code), reactor.now);
  }
}

/** Takes over a reserved socket; one bound to another address would contradict what the client is told. */
function adoptRelay(reactor: Reactor, relay: Relay, fd: number): void {
  try {
    localAddress(fd, BOUND);
    if (BOUND.equalsIp(relay.bindAddress)) {
      watchRelay(reactor, relay, fd);
      reactor.server.handleRelayBound(relay, fd, undefined, reactor.now);
      return;
    }
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
  close(reactor, fd);
  reactor.server.handleRelayFailed(relay, false, reactor.now);
}

function openRelaySocket(address: TransportAddress): number {
  return openUdpSocket({ address, receiveErrors: true, dontFragment: false });
}

/** Throws SystemError when the poller takes no more. */
function watchRelay(reactor: Reactor, relay: Relay, fd: number): void {
  reactor.watchEdges(fd, new RelaySocket(reactor, relay, fd));
  reactor.ledger.own(fd);
}

function closeRelay(reactor: Reactor, relay: Relay): void {
  // What is queued must leave through this socket, not through the next one that gets its descriptor.
  reactor.upstreamQueue.flush();
  reactor.relaySocketOf(relay.handle).closeConnected();
  reactor.unwatch(relay.handle);
  close(reactor, relay.handle);
}

function close(reactor: Reactor, fd: number): void {
  reactor.ledger.disown(fd);
  closeSocket(fd);
}

const BOUND = new TransportAddress();
