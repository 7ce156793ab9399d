import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { TransportAddress } from '../../stun/transport-address.ts';
import { DescriptorLedger } from '../shared/descriptor-ledger.ts';
import { isWildcard } from '../shared/listen-ips.ts';
import type { TlsByListener } from '../data-plane.ts';
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
    limits: start.limits,
    wakeFd,
    onWake: () => readMessages(reactor, start, core),
    onEvent: (event, now) => core.onEvent(event, now),
  });
  for (const { plan, fd, ip } of listeners) {
    const address = TransportAddress.parse(ip, plan.port)!;
    reactor.listen({ plan, fd, address, isWildcard: isWildcard(ip) });
  }
  reactor.secureContexts.replace(start.tls);
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
    handleMessage(reactor, received.message as ToWorker<Policies>, core, start.port);
  }
}

function handleMessage<Policies>(
  reactor: Reactor,
  message: ToWorker<Policies>,
  core: TurnCore<Policies>,
  port: MessagePort,
): void {
  switch (message.kind) {
    case 'policies':
      core.replacePolicies(message.policies);
      break;
    case 'tls':
      replaceTls(reactor, message.settings, port);
      break;
    case 'stop':
      reactor.stop();
      break;
  }
}

/** The main thread has looked at the settings; what OpenSSL refuses all the same must not end live calls. */
function replaceTls(reactor: Reactor, settings: TlsByListener, port: MessagePort): void {
  try {
    reactor.secureContexts.replace(settings);
  } catch (error) {
    const fields = { reason: String(error) };
    const message = 'new certificates cannot be used, what was in use stays in use';
    const record = { level: 'error', scope: 'tls', message, fields } as const;
    port.postMessage({ kind: 'record', record } satisfies FromWorker);
  }
}
