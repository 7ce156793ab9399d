import type { GatewayEvent, LiveMetrics } from '../../admin/gateway-control.ts';
import { byId, setText } from './dom.ts';
import { formatCount, formatNumberOf, formatTime } from './format.ts';
import { KeyedTable } from './keyed-table.ts';
import { eventTitle, reasonWords, refusalWords } from './words.ts';

const SHOWN_MAX = 200;
/** A flood of refusals is told to who listens in one sentence now and then. */
const ANNOUNCE_MS = 5000;

/** Types of the events that are shown. */
export const DENIAL_TYPES = [
  'peer.denied',
  'auth.failed',
  'allocation.refused',
  'connection.refused',
  'handshake.failed',
  'channel.failed',
];

/** Who was refused and why, as it happens, and how often since the start. */
export class Denials {
  readonly #events: GatewayEvent[] = [];
  readonly #table = new KeyedTable(
    byId('denial-table', HTMLTableElement),
    'Nobody was refused since the gateway has started.',
  );
  readonly #counts = new KeyedTable(
    byId('denial-counts', HTMLTableElement),
    'Nothing was counted since the gateway has started.',
  );
  #isDrawing = false;
  #unannounced = 0;

  /** Takes an event of one of `DENIAL_TYPES`. */
  add(event: GatewayEvent): void {
    this.#events.unshift(event);
    if (this.#events.length > SHOWN_MAX) this.#events.pop();
    this.#announce();
    // Many come at once after a connection; one drawing shows them all.
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    setTimeout(() => this.#draw(), 50);
  }

  /** Shows how often each reason was given. */
  showCounts(metrics: LiveMetrics): void {
    const kinds: readonly [string, Readonly<Record<string, number>>][] = [
      ['Peer denied', metrics.denials],
      ['Login failed', metrics.authenticationFailures],
      ['Allocation refused', metrics.allocationsRefused],
    ];
    const rows = kinds.flatMap(([title, counts]) =>
      Object.entries(counts)
        .filter(([, count]) => count > 0)
        .map(([reason, count]) => ({
          key: `${title} ${reason}`,
          cells: [title, reasonWords(reason), formatCount(count)],
        })),
    );
    this.#counts.show(rows);
    const total = Object.values(metrics.denials).reduce((sum, count) => sum + count, 0);
    setText(byId('denial-badge', HTMLElement), total === 0 ? '' : formatCount(total));
  }

  #draw(): void {
    this.#isDrawing = false;
    this.#table.show(
      this.#events.map(({ id, at, type, data }) => ({
        key: `${at} ${id}`,
        cells: [
          formatTime(at),
          { text: eventTitle(type), tone: type === 'peer.denied' ? 'bad' : 'warning' },
          whoText(data),
          textOf(data['peer']),
          textOf(data['listener']),
          refusalWords(data) + suppressedText(data['suppressed']),
        ],
      })),
    );
  }

  #announce(): void {
    this.#unannounced += 1;
    if (this.#unannounced > 1) return;
    setTimeout(() => {
      const text = formatNumberOf(this.#unannounced, 'new refusal');
      setText(byId('denial-announcement', HTMLElement), text);
      this.#unannounced = 0;
    }, ANNOUNCE_MS);
  }
}

function whoText(data: GatewayEvent['data']): string {
  const user = textOf(data['user']) || textOf(data['username']);
  const client = textOf(data['client']);
  return user === '' ? client : `${user} at ${client}`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function suppressedText(count: unknown): string {
  return typeof count === 'number' ? `; ${formatCount(count)} more were not written down` : '';
}
