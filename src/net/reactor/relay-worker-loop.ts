import { receiveMessageOnPort } from 'node:worker_threads';
import { TransportAddress } from '../../stun/transport-address.ts';
import { DescriptorLedger } from '../shared/descriptor-ledger.ts';
import { isWildcard } from '../shared/listen-ips.ts';
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
    connectionsMax: start.connectionsMax,
    wakeFd,
    onWake: () => readMessages(reactor, start, core),
    onEvent: (event, now) => core.onEvent(event, now),
  });
  for (const { plan, fd, ip } of listeners) {
    const { name: listener, port: localPort, relayAddresses, protocol } = plan;
    const address = TransportAddress.parse(ip, localPort)!;
    const socket = { fd, listener, address, isWildcard: isWildcard(ip), relayAddresses };
    reactor.listen(socket, protocol);
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
