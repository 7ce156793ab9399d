import type { SessionEntry, SessionList } from '../../http/admin/gateway-control.ts';
import type { Colours } from '../terminal/colours.ts';
import { formatColumns, type Column } from '../terminal/columns.ts';
import { formatAge, formatBytes, formatCount } from '../terminal/units.ts';

/** Tells people which sessions live. */
export function sessionText(
  { sessions, total }: SessionList,
  colours: Colours,
  now = Date.now(),
): string {
  if (sessions.length === 0) return 'no sessions\n';
  const rest = total - sessions.length;
  const more = rest > 0 ? `… and ${formatCount(rest)} more; see --limit, --user, --listener\n` : '';
  return `${formatColumns(sessions, columns(now), colours)}${more}`;
}

function columns(now: number): Column<SessionEntry>[] {
  return [
    { title: 'ID', value: ({ id }) => id },
    { title: 'USER', value: ({ user }) => user },
    { title: 'LISTENER', value: ({ listener }) => listener },
    { title: 'CLIENT', value: ({ client, transport }) => `${client} ${transport}` },
    { title: 'RELAYED', value: ({ relayed }) => relayed.join(' ') },
    {
      title: 'AGE',
      value: ({ createdAt }) => formatAge((now - Date.parse(createdAt)) / 1000),
      isRight: true,
    },
    {
      title: 'LEFT',
      value: ({ secondsLeft }) => formatAge(secondsLeft),
      isRight: true,
    },
    { title: 'RECEIVED', value: ({ receivedBytes }) => formatBytes(receivedBytes), isRight: true },
    { title: 'SENT', value: ({ sentBytes }) => formatBytes(sentBytes), isRight: true },
    {
      title: 'PEERS',
      value: (session) => `${peerCount(session)}${session.isDegraded ? ' (degraded)' : ''}`,
      colour: ({ isDegraded }, colours) => (isDegraded ? colours.warning : (text) => text),
    },
  ];
}

/** Peers with a channel, and addresses that are permitted beside them. */
function peerCount({ permissions, channels }: SessionEntry): number {
  const peers = new Set(channels.map(({ peer }) => peer));
  const withChannel = new Set(channels.map(({ peer }) => hostOf(peer)));
  const others = new Set(permissions.filter((address) => !withChannel.has(address)));
  return peers.size + others.size;
}

/** The address of `10.0.0.7:5004` or `[fd00::7]:5004`. */
function hostOf(peer: string): string {
  return peer.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}
