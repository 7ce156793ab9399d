import { receiveMessageOnPort } from 'node:worker_threads';
import { TransportAddress } from '../../stun/transport-address.ts';
import type { ListenerPlan, TlsByListener } from '../data-plane.ts';
import { endTarget, findSessions, type SessionTarget } from '../session.ts';
import { readMonotonicMs } from '../shared/clock.ts';
import { DescriptorLedger } from '../shared/descriptor-ledger.ts';
import { Heartbeats } from '../shared/heartbeats.ts';
import { isWildcard } from '../shared/listen-ips.ts';
import { isDatagramListener } from '../shared/listener-change.ts';
import type { TurnCore } from '../turn-core.ts';
import { Reactor } from './reactor.ts';
import type { ChannelKind } from './secure/secure-contexts.ts';
import type {
  Answers,
  FromWorker,
  OpenListener,
  Question,
  SocketChange,
  ToWorker,
  WorkerStart,
} from './worker-protocol.ts';

/** Runs a relay worker until the main thread stops it; blocks the thread. */
export function runRelayWorker<Policies>(
  start: WorkerStart<Policies>,
  core: TurnCore<Policies>,
): void {
  const worker = new RelayWorker(start, core);
  worker.run();
  start.port.close();
}

function kindOf(plan: ListenerPlan): ChannelKind {
  return isDatagramListener(plan) ? 'datagram' : 'stream';
}

/** A reactor, and what the main thread says to it. */
class RelayWorker<Policies> {
  readonly #start: WorkerStart<Policies>;
  readonly #core: TurnCore<Policies>;
  readonly #heartbeats: Heartbeats;
  readonly #reactor: Reactor;

  constructor(start: WorkerStart<Policies>, core: TurnCore<Policies>) {
    const { setup, connectionsMax, limits, wakeFd } = start;
    this.#start = start;
    this.#core = core;
    this.#heartbeats = new Heartbeats(setup.memory.heartbeats);
    this.#reactor = new Reactor({
      server: core.server,
      ledger: new DescriptorLedger(setup.memory.descriptors, setup.worker),
      connectionsMax,
      limits,
      wakeFd,
      onWake: () => this.#wake(),
      onEvent: (event, now) => core.onEvent(event, now),
    });
  }

  run(): void {
    const { listeners, retired, tls } = this.#start;
    for (const listener of listeners) this.#expectTls(listener);
    this.#reactor.secureContexts.replace(tls);
    for (const listener of listeners) this.#listen(listener);
    for (const fd of retired) this.#reactor.listeners.retire(fd);
    this.#post({ kind: 'ready' });
    this.#reactor.run();
  }

  #wake(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#start.port);
      if (received === undefined) break;
      this.#handle(received.message as ToWorker<Policies>);
    }
    for (const fd of this.#reactor.listeners.takeIdle()) this.#post({ kind: 'idle', fd });
    // The time of the turn may be earlier than the question.
    this.#heartbeats.answer(this.#start.setup.worker, readMonotonicMs());
  }

  #handle(message: ToWorker<Policies>): void {
    const reactor = this.#reactor;
    switch (message.kind) {
      case 'policies':
        this.#core.replacePolicies(message.policies, reactor.now);
        // A later message may need what the core has done about it.
        reactor.drainCommands();
        break;
      case 'tls':
        this.#replaceTls(message.settings);
        break;
      case 'limits':
        reactor.replaceLimits(message.limits);
        break;
      case 'stop':
        reactor.stop();
        break;
      default:
        this.#post({ kind: 'answer', request: message.request, answer: this.#answer(message) });
    }
  }

  #answer(question: Question): Answers[keyof Answers] {
    const { server, now } = this.#reactor;
    switch (question.kind) {
      case 'sockets':
        this.#changeSockets(question.subject);
        return 'done';
      case 'find':
        return findSessions(server.allocations(), question.subject, this.#start.setup.worker, now);
      default:
        return this.#endSessions(question.subject);
    }
  }

  #changeSockets({ closed, ended, retired, updated, opened, tls }: SocketChange): void {
    const { listeners } = this.#reactor;
    for (const fd of closed) listeners.close(fd);
    listeners.endNamed(ended);
    for (const fd of retired) listeners.retire(fd);
    for (const { fd, plan } of updated) listeners.update(fd, plan);
    for (const listener of opened) this.#expectTls(listener);
    this.#replaceTls(tls);
    // Settings that were refused have been reported.
    for (const listener of opened) if (this.#canServe(listener)) this.#listen(listener);
  }

  /** Nothing is sent to clients on datagrams; connections and associations are closed. */
  #endSessions(target: SessionTarget): number {
    const reactor = this.#reactor;
    const clients = endTarget(reactor.server, target);
    reactor.drainCommands();
    for (const client of clients) reactor.disconnect(client);
    return clients.length;
  }

  #expectTls({ plan }: OpenListener): void {
    this.#reactor.secureContexts.expect(plan.name, kindOf(plan));
  }

  #canServe({ plan }: OpenListener): boolean {
    const isSecure = plan.protocol === 'tls' || plan.protocol === 'dtls';
    return !isSecure || this.#reactor.secureContexts.has(plan.name, kindOf(plan));
  }

  #listen({ ip, ...socket }: OpenListener): void {
    const address = TransportAddress.parse(ip, socket.plan.port)!;
    this.#reactor.listeners.open({ ...socket, address, isWildcard: isWildcard(ip) });
  }

  /** The main thread has looked at the settings; what OpenSSL refuses all the same must not end live calls. */
  #replaceTls(settings: TlsByListener): void {
    try {
      this.#reactor.secureContexts.replace(settings);
    } catch (error) {
      const fields = { reason: String(error) };
      const message = 'new certificates cannot be used, what was in use stays in use';
      this.#post({
        kind: 'record',
        record: { level: 'error', scope: 'tls', message, fields },
      });
    }
  }

  #post(message: FromWorker): void {
    this.#start.port.postMessage(message);
  }
}
