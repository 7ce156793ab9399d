import { LOG_RECORDS_PER_SECOND_MAX, LOG_TEXT_CHARACTERS_MAX } from '../limits.ts';
import type { LogRecord } from '../log.ts';
import type { RouteTable } from '../route/route-table.ts';
import type { Allocation, Client } from '../turn/allocation.ts';
import type { TransportEvent } from '../net/shared/transport-event.ts';
import type { TurnEvent } from '../turn/commands.ts';
import type { MonotonicMs } from '../turn/policy.ts';

type ReportedEvent = TurnEvent | TransportEvent;
type DescribedEvent = Exclude<
  ReportedEvent,
  { readonly kind: 'connectionOpened' | 'connectionClosed' }
>;

/** Turns events of the core and of connections into log records, so many per second of each kind and no more. */
export class EventReporter {
  /** Explains denials. */
  routes: RouteTable;
  readonly #onRecord: (record: LogRecord) => void;
  readonly #windowByKind = new Map<
    ReportedEvent['kind'],
    { second: number; count: number; suppressed: number }
  >();

  constructor(routes: RouteTable, onRecord: (record: LogRecord) => void) {
    this.routes = routes;
    this.#onRecord = onRecord;
  }

  /** Reports an event, or counts it as suppressed. */
  report(event: ReportedEvent, now: MonotonicMs): void {
    // Their number is a metric; the allocations over them are reported.
    if (event.kind === 'connectionOpened' || event.kind === 'connectionClosed') return;
    const suppressed = this.#admit(event.kind, now);
    if (suppressed === undefined) return;
    const record = this.#describe(event);
    this.#onRecord(
      suppressed === 0 ? record : { ...record, fields: { ...record.fields, suppressed } },
    );
  }

  /** How many were suppressed before this one, or undefined when this one is too many. */
  #admit(kind: ReportedEvent['kind'], now: MonotonicMs): number | undefined {
    const second = Math.floor(now / 1000);
    const window = this.#windowByKind.get(kind) ?? { second, count: 0, suppressed: 0 };
    this.#windowByKind.set(kind, window);
    if (window.second !== second) Object.assign(window, { second, count: 0 });
    if (window.count >= LOG_RECORDS_PER_SECOND_MAX) {
      window.suppressed++;
      return undefined;
    }
    window.count++;
    const { suppressed } = window;
    window.suppressed = 0;
    return suppressed;
  }

  #describe(event: DescribedEvent): LogRecord {
    switch (event.kind) {
      case 'allocationCreated':
        return info('allocation.created', 'allocation created', {
          ...describeAllocation(event.allocation),
          ...(event.allocation.isDegraded ? { degraded: true } : {}),
        });
      case 'allocationDeleted':
        return info('allocation.ended', 'allocation ended', {
          ...describeAllocation(event.allocation),
          reason: event.reason,
          ...describeTraffic(event.allocation),
        });
      case 'allocationRefused':
        return warn('allocation.refused', 'allocation refused', {
          ...describeClient(event.client),
          user: printable(event.userId),
          reason: event.reason,
        });
      case 'authenticationFailed':
        return warn('auth.failed', 'authentication failed', {
          ...describeClient(event.client),
          username: printable(event.username),
          reason: event.reason,
        });
      case 'peerDenied':
        return this.#describeDenial(event);
      case 'handshakeFailed':
        // Scanners and clients that try out versions fail every day; nothing is wrong with the gateway.
        return info('handshake.failed', 'handshake failed', describeFailure(event));
      case 'channelFailed':
        return info('channel.failed', 'secure channel failed', describeFailure(event));
      default:
        return warn('connection.refused', 'connection refused', describeFailure(event));
    }
  }

  #describeDenial(event: TurnEvent & { kind: 'peerDenied' }): LogRecord {
    const { allocation, peer, port, verdict, request } = event;
    const { listener } = allocation.client.endpoint;
    const { nearest, forbidden } = this.routes.explain(listener, allocation.userRoutes, peer, port);
    return warn('peer.denied', 'peer denied', {
      session: allocation.id,
      ...describeClient(allocation.client),
      user: printable(allocation.userId),
      peer: port === undefined ? peer.ip() : peer.toString(),
      request,
      reason: verdict,
      forbidden,
      nearestRoute:
        nearest === undefined ? 'none' : `${nearest.cluster} ${nearest.endpoint}: ${nearest.why}`,
    });
  }
}

function describeAllocation(allocation: Allocation): Record<string, unknown> {
  return {
    session: allocation.id,
    ...describeClient(allocation.client),
    user: printable(allocation.userId),
    relayed: allocation.relays.map((relay) => relay.relayedAddress.toString()),
  };
}

function describeTraffic({ traffic }: Allocation): Record<string, unknown> {
  const { receivedPackets, receivedBytes, sentPackets, sentBytes } = traffic;
  return { receivedPackets, receivedBytes, sentPackets, sentBytes };
}

function describeFailure(event: {
  readonly client: Pick<Client, 'endpoint' | 'address'>;
  readonly reason: string;
}): Record<string, unknown> {
  return { ...describeClient(event.client), reason: event.reason };
}

function describeClient({
  endpoint,
  address,
}: Pick<Client, 'endpoint' | 'address'>): Record<string, unknown> {
  return { listener: endpoint.listener, client: address.toString(), transport: endpoint.transport };
}

/** Text that a client made, cut to a bearable length, with nothing left in it that steers a terminal. */
function printable(text: string): string {
  const cut =
    text.length <= LOG_TEXT_CHARACTERS_MAX ? text : `${text.slice(0, LOG_TEXT_CHARACTERS_MAX)}…`;
  return cut.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  });
}

function info(event: string, message: string, fields: LogRecord['fields']): LogRecord {
  return { level: 'info', scope: 'turn', event, message, fields };
}

function warn(event: string, message: string, fields: LogRecord['fields']): LogRecord {
  return { level: 'warn', scope: 'turn', event, message, fields };
}
