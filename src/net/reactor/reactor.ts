import { Poller, drainEventFd } from '../../sys/epoll.ts';
import { EPOLLIN, EPOLLONESHOT } from '../../sys/layout.ts';
import type { Client } from '../../turn/allocation.ts';
import type { TurnEvent } from '../../turn/commands.ts';
import type { Now } from '../../turn/policy.ts';
import type { TurnServer } from '../../turn/turn-server.ts';
import type { DescriptorLedger } from '../shared/descriptor-ledger.ts';
import type { ConnectionLimits } from '../data-plane.ts';
import { HandshakeGate } from '../shared/handshake-gate.ts';
import type { TransportEvent } from '../shared/transport-event.ts';
import { executeCommand } from './commands.ts';
import { ConnectedSockets } from './connected-sockets.ts';
import { DtlsAssociations } from './dtls-associations.ts';
import { DownstreamQueue } from './downstream-queue.ts';
import { EDGES_IN } from './edges.ts';
import { GatheredWrites } from './gathered-writes.ts';
import { Listeners } from './listeners.ts';
import { LoopClock } from './loop-clock.ts';
import { PacketMemory } from './packet-memory.ts';
import { RelaySocket } from './relay-socket.ts';
import { SecureContexts } from './secure/secure-contexts.ts';
import { LoopBudget } from './loop-budget.ts';
import { TcpConnections } from './tcp-connections.ts';
import { CONTROL_RANK, REQUEST_RANK, type Rank } from './ranks.ts';
import { Unfinished } from './unfinished.ts';
import { UpstreamQueue } from './upstream-queue.ts';

const EVENTS_MAX = 256;
const BLOCK_MS_MAX = 1000;

/** Whatever owns a file descriptor that the reactor watches. */
export interface PollHandler {
  /** The descriptor is ready; `flags` are those of epoll(7), none when it was resumed. */
  onReady(flags: number): void;
}

/** What a reactor works with. */
export interface ReactorOptions {
  readonly server: TurnServer;
  readonly ledger: DescriptorLedger;
  /** TCP connections at once. */
  readonly connectionsMax: number;
  /** Those of this worker. */
  readonly limits: ConnectionLimits;
  /** Woken through this descriptor, the reactor calls `onWake`. */
  readonly wakeFd: number;
  readonly onWake: () => void;
  readonly onEvent: (event: TurnEvent | TransportEvent, now: Now) => void;
}

/**
 * The loop of one relay worker: it blocks in epoll_wait, moves what is ready through the core, and sends what came
 * out. It owns every socket opened by its worker; listener sockets belong to the process.
 */
export class Reactor {
  readonly server: TurnServer;
  readonly ledger: DescriptorLedger;
  readonly memory = new PacketMemory();
  readonly upstreamQueue = new UpstreamQueue(this.memory);
  readonly downstreamQueue = new DownstreamQueue(this.memory);
  readonly gatheredWrites = new GatheredWrites(this.memory);
  readonly listeners = new Listeners(this);
  readonly connectedSockets: ConnectedSockets;
  readonly connections: TcpConnections;
  readonly associations: DtlsAssociations;
  readonly secureContexts = new SecureContexts();
  readonly handshakeGate: HandshakeGate;
  readonly loopBudget = new LoopBudget();

  readonly #options: ReactorOptions;
  readonly #clock = new LoopClock(this.memory.arena);
  readonly #poller = new Poller(this.memory.arena, EVENTS_MAX);
  readonly #handlerByFd: (PollHandler | undefined)[] = [];
  readonly #unfinished = new Unfinished();
  #pauses: { readonly fd: number; readonly events: number; readonly untilMs: number }[] = [];
  #firstEvent = 0;
  readonly #rankByFd: Rank[] = [];
  #isStopped = false;

  constructor(options: ReactorOptions) {
    this.#options = options;
    this.server = options.server;
    this.ledger = options.ledger;
    const { connectionsPerAddressMax, handshakesPerSecond, handshakesPerSecondPerAddress } =
      options.limits;
    this.connectedSockets = new ConnectedSockets(this, Math.floor(options.connectionsMax / 4));
    this.connections = new TcpConnections(this, options.connectionsMax, connectionsPerAddressMax);
    this.associations = new DtlsAssociations(this, connectionsPerAddressMax);
    this.handshakeGate = new HandshakeGate(handshakesPerSecond, handshakesPerSecondPerAddress);
    options.ledger.own(this.#poller.fd);
    this.watch(options.wakeFd, { onReady: () => this.#wake() }, EPOLLIN);
    this.rank(options.wakeFd, CONTROL_RANK);
  }

  /** The time of the current turn; one object, brought up to date. */
  get now(): Now {
    return this.#clock.now;
  }

  /** Swaps what holds for connections to come. */
  replaceLimits(limits: ConnectionLimits): void {
    this.connections.perAddressMax = limits.connectionsPerAddressMax;
    this.associations.perAddressMax = limits.connectionsPerAddressMax;
    this.handshakeGate.replaceRates(
      limits.handshakesPerSecond,
      limits.handshakesPerSecondPerAddress,
    );
  }

  /** Closes the connection or association of a client; not while the core's commands are carried out. */
  disconnect(client: Client): void {
    if (client.isStream) this.connections.disconnect(client);
    else if (client.isConnected) this.associations.disconnect(client);
  }

  /** Runs until `stop`; blocks the thread. */
  run(): void {
    while (!this.#isStopped) this.#turn();
    this.server.shutdown();
    this.drainCommands();
    this.connections.closeAll();
    this.associations.closeAll();
    this.downstreamQueue.flush();
    this.secureContexts.close();
    this.ledger.disown(this.#poller.fd);
    this.#poller.close();
  }

  /** Ends `run` after the current turn. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Watches a descriptor; throws SystemError when the poller takes no more. */
  watch(fd: number, handler: PollHandler, events: number): void {
    this.#poller.add(fd, events, fd);
    this.#handlerByFd[fd] = handler;
  }

  /**
   * Watches a descriptor for what arrives by edges, which saves the kernel looking at it again after each of them; a
   * handler that leaves something behind says so with `resume`. Throws SystemError when the poller takes no more.
   */
  watchEdges(fd: number, handler: PollHandler): void {
    this.watch(fd, handler, EDGES_IN);
  }

  /** Has the handler of a watched descriptor called before those of a higher rank in each turn. */
  rank(fd: number, rank: Rank): void {
    this.#rankByFd[fd] = rank;
  }

  /** Calls the handler of a descriptor again in the next turn, which comes at once, with no flags. */
  resume(fd: number): void {
    this.#unfinished.add(fd);
  }

  /** Changes what a watched descriptor is watched for. */
  rewatch(fd: number, events: number): void {
    this.#poller.modify(fd, events, fd);
  }

  /** Stops watching a descriptor. */
  unwatch(fd: number): void {
    this.#handlerByFd[fd] = undefined;
    this.#rankByFd[fd] = undefined;
    if (this.#pauses.length > 0) this.#pauses = this.#pauses.filter((pause) => pause.fd !== fd);
    this.#poller.remove(fd);
  }

  /** Stops watching a descriptor for a second, because what it is ready for cannot be done now. */
  pause(fd: number, events: number): void {
    if (this.#pauses.some((pause) => pause.fd === fd)) return;
    // Errors and hang-ups are reported whatever is asked for; one more of them, and then there is silence.
    this.rewatch(fd, EPOLLONESHOT);
    this.#pauses.push({ fd, events, untilMs: this.now.monotonicMs + BLOCK_MS_MAX });
  }

  /** The relay socket of a descriptor that `bindRelay` or `adoptRelay` returned. */
  relaySocketOf(fd: number): RelaySocket {
    return this.#handlerByFd[fd] as RelaySocket;
  }

  /** Queues what the core left in `server.relayed`; its payload lies at `offset` of the arena. */
  relayUp(offset: number): void {
    const { relayed } = this.server;
    this.upstreamQueue.add(this.relaySocketOf(relayed.relay!.handle), relayed, offset);
  }

  /**
   * Sends a framed message of the arena to a client.
   *
   * @param length - bytes on a datagram transport.
   * @param streamLength - bytes on a stream, padding included (RFC 8656 §12.5).
   */
  sendRelayed(client: Client, offset: number, length: number, streamLength: number): void {
    if (client.isStream) this.connections.of(client)?.sendRelayed(offset, streamLength);
    else if (client.isConnected) this.associations.send(client, offset, length);
    else this.downstreamQueue.add(client, offset, length);
  }

  /** Reports what happened to a connection. */
  report(event: TransportEvent): void {
    this.#options.onEvent(event, this.now);
  }

  /** Carries out everything the core has queued. */
  drainCommands(): void {
    for (
      let command = this.server.nextCommand();
      command !== undefined;
      command = this.server.nextCommand()
    ) {
      executeCommand(this, command, this.#options.onEvent);
    }
  }

  #turn(): void {
    const resumed = this.#unfinished.take();
    const count = this.#poller.wait(resumed.length > 0 ? 0 : this.#timeoutMs());
    this.#clock.update();
    this.loopBudget.renew();
    // The kernel reports what is always ready in the same order: everybody has to be the first at some time.
    this.#firstEvent = (this.#firstEvent + 1) & 0xffff;
    this.#callHandlers(count, resumed, CONTROL_RANK);
    this.#callHandlers(count, resumed, REQUEST_RANK);
    this.#callHandlers(count, resumed, undefined);
    const deadline = this.server.pollTimeout();
    if (deadline !== undefined && deadline <= this.now.monotonicMs) {
      this.server.handleTimeout(this.now);
      this.drainCommands();
    }
    this.connections.endTurn();
    this.associations.endTurn();
    this.downstreamQueue.flush();
    if (this.#pauses.length > 0) this.#resumePaused();
  }

  /** Calls the handlers of a rank, of events and of what is resumed. */
  #callHandlers(count: number, resumed: readonly number[], rank: Rank): void {
    const isResumedFirst = (this.#firstEvent & 1) === 0;
    if (isResumedFirst) this.#resume(resumed, rank);
    for (let position = 0; position < count; position++) {
      const index = (position + this.#firstEvent) % count;
      const fd = this.#poller.eventTag(index);
      if (this.#rankByFd[fd] === rank) {
        this.#handlerByFd[fd]?.onReady(this.#poller.eventFlags(index));
      }
    }
    if (!isResumedFirst) this.#resume(resumed, rank);
  }

  #resume(descriptors: readonly number[], rank: Rank): void {
    const { length } = descriptors;
    for (let position = 0; position < length; position++) {
      const fd = descriptors[(position + this.#firstEvent) % length]!;
      if (this.#rankByFd[fd] === rank) this.#handlerByFd[fd]?.onReady(0);
    }
  }

  #resumePaused(): void {
    const due = this.#pauses.filter((pause) => pause.untilMs <= this.now.monotonicMs);
    this.#pauses = this.#pauses.filter((pause) => !due.includes(pause));
    for (const { fd, events } of due) this.rewatch(fd, events);
  }

  #timeoutMs(): number {
    const patience = Math.min(BLOCK_MS_MAX, this.associations.patienceMs);
    const deadline = this.server.pollTimeout();
    if (deadline === undefined) return patience;
    const wait = Math.ceil(deadline - this.now.monotonicMs);
    return Math.max(0, Math.min(wait, patience));
  }

  #wake(): void {
    drainEventFd(this.#options.wakeFd);
    this.#options.onWake();
    this.drainCommands();
  }
}
