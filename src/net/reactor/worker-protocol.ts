import type { MessagePort } from 'node:worker_threads';
import type { ConnectionLimits, CoreSetup, ListenerPlan, TlsByListener } from '../data-plane.ts';
import type { LogRecord } from '../../log.ts';
import type { SessionPage, SessionQuery, SessionTarget } from '../session.ts';

/** A listener socket that the main thread opened for one worker; plain data. */
export interface OpenListener {
  readonly plan: ListenerPlan;
  readonly fd: number;
  /** Second socket in the same place, for datagrams that do not carry data; see `steerDatagrams`. */
  readonly strangersFd: number | undefined;
  /** IP address it is bound to, as text. */
  readonly ip: string;
}

/** What a relay worker is started with. */
export interface WorkerStart<Policies> {
  readonly setup: CoreSetup<Policies>;
  readonly listeners: readonly OpenListener[];
  /** Descriptors among those of `listeners` that take no new allocations. */
  readonly retired: readonly number[];
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

/** What changes about the listener sockets of one worker, in this order. */
export interface SocketChange {
  /** Let go of, and what depends on them ended. */
  readonly closed: readonly number[];
  /** Names whose allocations and connections end, wherever they came from. */
  readonly ended: readonly string[];
  /** Go on with what lives; those of streams are let go of. */
  readonly retired: readonly number[];
  /** Have another plan. */
  readonly updated: readonly OpenListener[];
  /** Served from now on. */
  readonly opened: readonly OpenListener[];
  /** For those of `opened` with TLS or DTLS. */
  readonly tls: TlsByListener;
}

/** What the main thread asks of a worker, by kind. */
export interface Subjects {
  readonly sockets: SocketChange;
  readonly find: SessionQuery;
  readonly end: SessionTarget;
}

/** What a worker answers, by the kind of the question. */
export interface Answers {
  /** The sockets that are closed, and those of streams that are retired, may be closed now. */
  readonly sockets: 'done';
  readonly find: SessionPage;
  readonly end: number;
}

/** A question that a worker answers under the same number. */
export type Question = {
  [Kind in keyof Subjects]: {
    readonly request: number;
    readonly kind: Kind;
    readonly subject: Subjects[Kind];
  };
}[keyof Subjects];

/** From the main thread to a worker. */
export type ToWorker<Policies> =
  | { readonly kind: 'policies'; readonly policies: Partial<Policies> }
  | { readonly kind: 'tls'; readonly settings: TlsByListener }
  | { readonly kind: 'limits'; readonly limits: ConnectionLimits }
  | Question
  | { readonly kind: 'stop' };

/** From a worker to the main thread. */
export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'record'; readonly record: LogRecord }
  | { readonly kind: 'answer'; readonly request: number; readonly answer: Answers[keyof Answers] }
  /** A retired socket serves nobody any more; it stays in use until it is closed by a change. */
  | { readonly kind: 'idle'; readonly fd: number };
