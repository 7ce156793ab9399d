import type { MessagePort } from 'node:worker_threads';
import type { ConnectionLimits, CoreSetup, ListenerPlan, TlsByListener } from '../data-plane.ts';
import type { LogRecord } from '../../log.ts';

/** A listener socket that the main thread opened for one worker; plain data. */
export interface OpenListener {
  readonly plan: ListenerPlan;
  readonly fd: number;
  /** IP address it is bound to, as text. */
  readonly ip: string;
}

/** What a relay worker is started with. */
export interface WorkerStart<Policies> {
  readonly setup: CoreSetup<Policies>;
  readonly listeners: readonly OpenListener[];
  readonly tls: TlsByListener;
  /** TCP connections that the worker may have at once. */
  readonly connectionsMax: number;
  /** This worker's share of what goes over all workers. */
  readonly limits: ConnectionLimits;
  /** The main thread signals this after it has posted a message. */
  readonly wakeFd: number;
  /** Both directions. */
  readonly port: MessagePort;
}

/** From the main thread to a worker. */
export type ToWorker<Policies> =
  | { readonly kind: 'policies'; readonly policies: Policies }
  | { readonly kind: 'tls'; readonly settings: TlsByListener }
  | { readonly kind: 'stop' };

/** From a worker to the main thread. */
export type FromWorker =
  { readonly kind: 'ready' } | { readonly kind: 'record'; readonly record: LogRecord };
