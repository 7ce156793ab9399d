import { receiveMessageOnPort } from 'node:worker_threads';
import { TransportAddress } from '../../stun/transport-address.ts';
import { DescriptorLedger } from '../shared/descriptor-ledger.ts';
import type { TurnCore } from '../turn-core.ts';
import { Reactor } from './reactor.ts';
import type { FromWorker, ToWorker, WorkerStart } from './worker-protocol.ts';

/** Runs a relay worker until the main thread stops it; blocks the thread. */
export function runRelayWorker<Policies>(
  start: WorkerStart<Policies>,
  core: TurnCore<Policies>,
): void {
  const { setup, listeners, wakeFd, port } = start;
  const reactor: Reactor = new Reactor({
    server: core.server,
    ledger: new DescriptorLedger(setup.memory.descriptors, setup.worker),
    wakeFd,
    onWake: () => readMessages(reactor, start, core),
    onEvent: core.onEvent,
  });
  for (const { plan, fd, ip, isWildcard } of listeners) {
    const address = TransportAddress.parse(ip, plan.port)!;
    const { name, relayAddresses, protocol } = plan;
    reactor.listen({ fd, listener: name, address, isWildcard, relayAddresses }, protocol);
  }
  port.postMessage({ kind: 'ready' } satisfies FromWorker);
  reactor.run();
  port.close();
}

function readMessages<Policies>(
  reactor: Reactor,
  start: WorkerStart<Policies>,
  core: TurnCore<Policies>,
): void {
  for (;;) {
    const received = receiveMessageOnPort(start.port);
    if (received === undefined) return;
    const message = received.message as ToWorker<Policies>;
    if (message.kind === 'stop') reactor.stop();
    else core.replacePolicies(message.policies);
  }
}
