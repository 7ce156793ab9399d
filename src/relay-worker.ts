import { workerData } from 'node:worker_threads';
import { runRelayWorker } from './net/reactor/relay-worker-loop.ts';
import type { FromWorker, WorkerStart } from './net/reactor/worker-protocol.ts';
import { TurnService, type PolicyData } from './service/turn-service.ts';

const start = workerData as WorkerStart<PolicyData>;
const service = new TurnService(start.setup, true, (record) => {
  start.port.postMessage({ kind: 'record', record } satisfies FromWorker);
});
runRelayWorker(start, service);
