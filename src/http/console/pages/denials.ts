import type { GatewayEvent, LiveMetrics } from '../../admin/gateway-control.ts';
import { byId, setText } from './dom.ts';
import { formatCount, formatMoment, formatNumberOf } from './format.ts';
import type { EventReader } from './event-feed.ts';
import { KeyedTable, type Row } from './keyed-table.ts';
import { sumOf } from './sum.ts';
import { eventTitle, reasonWords, refusalWords } from './words.ts';

const SHOWN_MAX = 200;
/** A flood of refusals is told to who listens in one sentence now and then. */
const ANNOUNCE_MS = 5000;
const DRAW_MS = 50;

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
export class Denials implements EventReader {
  /** The latest first; made anew each time, since what was today is yesterday one day. */
  readonly #rows: (() => Row)[] = [];
  readonly #table = new KeyedTable(
    byId('denial-table', HTMLTableElement),
    'Nobody was refused since the gateway has started.',
  );
  readonly #counts = new KeyedTable(
    byId('denial-counts', HTMLTableElement),
    'Nothing was counted since the gateway has started.',
  );
  #gaps = 0;
  #isDrawing = false;
  #unannounced = 0;

  /** Takes an event of one of `DENIAL_TYPES`. */
  add(event: GatewayEvent): void {
    this.#addRow(() => eventRow(event));
    this.#announce();
  }

  /** Notes that so many events of any type are missing. */
  addGap(missed: number): void {
    const key = `gap ${(this.#gaps += 1)}`;
    this.#addRow(() => gapRow(key, missed));
  }

  /** Shows how often each reason was given. */
  showCounts(metrics: LiveMetrics): void {
    const kinds: readonly [string, Readonly<Record<string, number>>][] = [
      [eventTitle('peer.denied'), metrics.denials],
      [eventTitle('auth.failed'), metrics.authenticationFailures],
      [eventTitle('allocation.refused'), metrics.allocationsRefused],
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
    const total = sumOf(metrics.denials);
    setText(byId('denial-badge', HTMLElement), total === 0 ? '' : formatCount(total));
  }

  #addRow(row: () => Row): void {
    this.#rows.unshift(row);
    if (this.#rows.length > SHOWN_MAX) this.#rows.pop();
    // Many come at once after a connection; one drawing shows them all.
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    setTimeout(() => {
      this.#isDrawing = false;
      this.#table.show(this.#rows.map((each) => each()));
    }, DRAW_MS);
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

function eventRow({ id, at, type, data }: GatewayEvent): Row {
  return {
    key: `${at} ${id}`,
    cells: [
      formatMoment(at),
      { text: eventTitle(type), tone: type === 'peer.denied' ? 'bad' : 'warning' },
      whoText(data),
      textOf(data['peer']),
      textOf(data['listener']),
      refusalWords(data) + suppressedText(data['suppressed']),
    ],
  };
}

function gapRow(key: string, missed: number): Row {
  const events = formatNumberOf(missed, 'event');
  const why = `Some may be missing here: the gateway no longer keeps ${events} of all kinds from before.`;
  return { key, cells: ['', { text: 'Missing', tone: 'warning' }, '', '', '', why] };
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
