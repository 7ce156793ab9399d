import type { SessionEntry, SessionList } from '../http/admin/gateway-control.ts';
import { NO_COLOURS, type Colours } from './colours.ts';
import { formatColumns, type Column } from './columns.ts';
import { formatAge, formatBytes, formatCount } from './units.ts';

/** Tells people which sessions live. */
export function sessionText(
  { sessions, total }: SessionList,
  colours: Colours = NO_COLOURS,
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
      value: ({ permissions, channels, isDegraded }) =>
        `${permissions.length + channels.length}${isDegraded ? ' (degraded)' : ''}`,
      colour: ({ isDegraded }, colours) => (isDegraded ? colours.warning : (text) => text),
    },
  ];
}
