import { constants } from 'node:os';
import { EPOLLIN } from '../../sys/layout.ts';
import { acceptStream } from '../../sys/stream.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import type { ListenerPlan } from '../data-plane.ts';
import { StreamEndpoints } from '../shared/stream-endpoints.ts';
import { StreamOpeningRules } from '../shared/stream-opening.ts';
import type { ListenerSocket } from './listener-socket.ts';
import type { PollHandler, Reactor } from './reactor.ts';
import type { SecureContext } from './secure/secure-context.ts';

const { EAGAIN, ECONNABORTED } = constants.errno;
/** Connections accepted from one listener before others have their turn. */
const ACCEPTS_MAX = 64;

/** A TCP listener socket, with or without TLS. */
export class TcpListener implements PollHandler {
  readonly name: string;
  /** What connections to come may begin with. */
  rules: StreamOpeningRules;
  readonly endpoints: StreamEndpoints;
  readonly #reactor: Reactor;
  readonly #fd: number;

  constructor(reactor: Reactor, { fd, plan }: ListenerSocket) {
    this.name = plan.name;
    this.rules = new StreamOpeningRules(plan);
    this.endpoints = new StreamEndpoints(plan);
    this.#reactor = reactor;
    this.#fd = fd;
  }

  onReady(): void {
    for (let count = 0; count < ACCEPTS_MAX; count++) {
      const fd = acceptStream(this.#fd, PEER);
      if (fd === -EAGAIN) return;
      if (fd === -ECONNABORTED) continue;
      if (fd < 0) {
        // Most often no descriptor is left; the connection stays in the queue and would make the loop spin.
        this.#reactor.pause(this.#fd, EPOLLIN);
        return;
      }
      this.#reactor.connections.open(fd, PEER.clone(), this);
    }
  }

  /** Takes another plan for the same place. */
  update(plan: ListenerPlan): void {
    this.rules = new StreamOpeningRules(plan);
    this.endpoints.update(plan);
  }

  /** What handshakes begin with now; for a listener with TLS. */
  get secureContext(): SecureContext {
    return this.#reactor.secureContexts.of(this.name, 'stream');
  }
}

const PEER = new TransportAddress();
