import { EPOLLIN } from '../../../src/sys/layout.ts';
import { PAYLOAD_BYTES } from '../../settings.ts';
import type { MicroCase } from '../micro-case.ts';
import { CHANNEL, DrivenReactor, type ReactorClient } from '../set-up/driven-reactor.ts';
import { BATCH, hasIpv6Loopback } from '../set-up/loopback.ts';
import { channelData, sendIndication } from '../set-up/turn-messages.ts';

/** Datagrams that a relay socket takes at a time. */
const DOWN_BATCH = 32;

/** The whole way of a packet through a worker, system calls included; a call is a packet. */
export function relayPathCases(): MicroCase[] {
  const families = hasIpv6Loopback() ? (['IPv4', 'IPv6'] as const) : (['IPv4'] as const);
  return families.flatMap((family) => {
    const driven = new DrivenReactor(family);
    const bound = driven.connect(true);
    const permitted = driven.connect(false);
    const many = Array.from({ length: BATCH }, () => driven.connect(true));
    const data = channelData(CHANNEL, PAYLOAD_BYTES);
    const indication = sendIndication(driven.peer.address, PAYLOAD_BYTES);
    return [
      up(`ChannelData up, ${BATCH} of one client, ${family}`, driven, bound, data),
      up(`Send indication up, ${BATCH} of one client, ${family}`, driven, permitted, indication),
      upOfMany(`ChannelData up, one of each of ${BATCH} clients, ${family}`, driven, many, data),
      down(`ChannelData down, ${DOWN_BATCH} for one client, ${family}`, driven, bound),
      down(`Data indication down, ${DOWN_BATCH} for one client, ${family}`, driven, permitted),
      downForMany(`ChannelData down, one for each of ${BATCH} clients, ${family}`, driven, many),
    ];
  });
}

function up(
  name: string,
  driven: DrivenReactor,
  { socket }: ReactorClient,
  message: Uint8Array,
): MicroCase {
  const { traffic, listenerAddress, peer } = driven;
  const before = (): void => {
    traffic.drain(peer.fd);
    traffic.load(message);
    traffic.send(socket.fd, listenerAddress, BATCH);
  };
  return checked(driven, peer.fd, { name, calls: BATCH, before, run: () => takeUp(driven) });
}

function upOfMany(
  name: string,
  driven: DrivenReactor,
  clients: readonly ReactorClient[],
  message: Uint8Array,
): MicroCase {
  const { traffic, listenerAddress, peer } = driven;
  const sockets = clients.map(({ socket }) => socket);
  const before = (): void => {
    traffic.drain(peer.fd);
    traffic.load(message);
    traffic.sendFromAll(sockets, listenerAddress);
  };
  return checked(driven, peer.fd, { name, calls: BATCH, before, run: () => takeUp(driven) });
}

function down(
  name: string,
  driven: DrivenReactor,
  { socket, allocation }: ReactorClient,
): MicroCase {
  const { traffic, peer } = driven;
  const [relay] = allocation.relays;
  const handles = [relay!.handle];
  const payload = new Uint8Array(PAYLOAD_BYTES);
  const before = (): void => {
    traffic.drain(socket.fd);
    traffic.load(payload);
    traffic.send(peer.fd, relay!.bindAddress, DOWN_BATCH);
  };
  const run = (): number => takeDown(driven, handles);
  return checked(driven, socket.fd, { name, calls: DOWN_BATCH, before, run });
}

function downForMany(
  name: string,
  driven: DrivenReactor,
  clients: readonly ReactorClient[],
): MicroCase {
  const { traffic, peer } = driven;
  const relays = clients.map(({ allocation }) => allocation.relays[0]!);
  const handles = relays.map(({ handle }) => handle);
  const payload = new Uint8Array(PAYLOAD_BYTES);
  const destinations = relays.map(({ bindAddress }) => bindAddress);
  const sockets = clients.map(({ socket }) => socket);
  const before = (): void => {
    traffic.drainAll(sockets);
    traffic.load(payload);
    traffic.sendToAll(peer.fd, destinations);
  };
  const run = (): number => takeDown(driven, handles);
  return checked(driven, sockets[0]!.fd, { name, calls: BATCH, before, run });
}

/** What a turn of the loop does with a listener that is ready. */
function takeUp({ listener }: DrivenReactor): number {
  listener.onReady();
  return 0;
}

/** What a turn of the loop does with relay sockets that are ready. */
function takeDown({ reactor }: DrivenReactor, handles: readonly number[]): number {
  for (let index = 0; index < handles.length; index++) {
    reactor.relaySocketOf(handles[index]!).onReady(EPOLLIN);
  }
  reactor.downstreamQueue.flush();
  return 0;
}

/** Takes the way once, and throws unless something comes out of it. */
function checked({ traffic }: DrivenReactor, sink: number, one: MicroCase): MicroCase {
  one.before!();
  one.run(one.calls);
  traffic.await(sink);
  return one;
}
