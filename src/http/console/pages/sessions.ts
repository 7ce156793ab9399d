import type { SessionEntry, SessionList } from '../../admin/gateway-control.ts';
import { ApiError, messageOf, type Api } from './api.ts';
import { confirmed } from './confirm.ts';
import { button, byId, setText } from './dom.ts';
import { formatAge, formatBytes, formatCount, formatForeign, formatNumberOf } from './format.ts';
import { KeyedTable, type Row } from './keyed-table.ts';
import { reachable } from './reachable.ts';

const SHOWN_MAX = 200;
const NOBODY = 'Nobody has an allocation at the moment.';

/** Live allocations, and the button that ends one. */
export class Sessions {
  readonly #api: Api;
  readonly #table = new KeyedTable(byId('session-table', HTMLTableElement), NOBODY);
  readonly #user = byId('session-user', HTMLInputElement);
  readonly #note = byId('session-note', HTMLElement);

  constructor(api: Api) {
    this.#api = api;
    this.#user.addEventListener('input', () => void reachable(() => this.refresh()));
    byId('session-filter', HTMLFormElement).addEventListener('submit', (event) =>
      event.preventDefault(),
    );
  }

  /** Asks for the sessions and shows them. */
  async refresh(): Promise<void> {
    const user = this.#user.value.trim();
    const query = new URLSearchParams({ limit: String(SHOWN_MAX), ...(user && { user }) });
    const { sessions, total } = await this.#api.get<SessionList>(`sessions?${query.toString()}`);
    if (user !== this.#user.value.trim()) return;
    const shown =
      sessions.length < total ? `, the first ${formatCount(sessions.length)} shown` : '';
    const whose = user === '' ? '' : ` of ${user}`;
    setText(
      byId('session-total', HTMLElement),
      `${formatNumberOf(total, 'session')}${whose}${shown}`,
    );
    const oldestFirst = sessions.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt));
    const noRows = user === '' ? NOBODY : `${user} has no allocation at the moment.`;
    this.#table.show(
      oldestFirst.map((session) => this.#row(session)),
      noRows,
    );
  }

  #row(session: SessionEntry): Row {
    const age = (Date.now() - Date.parse(session.createdAt)) / 1000;
    const { id, listener, client, relayed, isDegraded } = session;
    const user = formatForeign(session.user);
    return {
      key: id,
      cells: [
        user === '' ? 'no name' : user,
        listener,
        client,
        relayed.join(', '),
        peerText(session),
        formatAge(age),
        formatBytes(session.receivedBytes),
        formatBytes(session.sentBytes),
        isDegraded ? { text: 'low rate', tone: 'warning' } : '',
        () => this.#kickButton(session),
      ],
    };
  }

  #kickButton(session: SessionEntry): HTMLButtonElement {
    const label = `Kick ${formatForeign(session.user)}, ${session.client}`;
    return button('Kick', label, () => void reachable(() => this.#kick(session)));
  }

  async #kick({ id, user, client }: SessionEntry): Promise<void> {
    const whose = formatForeign(user) || client;
    const question = `End the session of ${whose}? Its client may connect again.`;
    if (!(await confirmed(question, 'Kick'))) return;
    try {
      await this.#api.delete(`sessions/${encodeURIComponent(id)}`);
      setText(this.#note, `The session of ${whose} was ended.`);
    } catch (error) {
      const isGone = error instanceof ApiError && error.status === 404;
      setText(this.#note, isGone ? 'That session had ended already.' : `${messageOf(error)}.`);
    }
    await this.refresh();
  }
}

/** Peers with a channel, and addresses that are permitted beside them. */
function peerText({ permissions, channels }: SessionEntry): string {
  const peers = channels.map(({ peer }) => peer);
  const others = permissions.filter((ip) => !peers.some((peer) => hostOf(peer) === ip));
  const all = [...peers, ...others];
  return all.length === 0 ? 'none yet' : all.join(', ');
}

function hostOf(peer: string): string {
  return peer.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}
