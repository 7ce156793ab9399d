import type {
  GatewayStatus,
  ReloadResult,
  RevocationResult,
  SessionList,
} from '../http/admin/gateway-control.ts';
import type { AdminClient } from './admin-client.ts';
import { NO_COLOURS, type Colours } from './colours.ts';
import { eventText } from './event-text.ts';
import {
  formatData,
  formatTable,
  success,
  type CommandResult,
  type OutputFormat,
} from './output.ts';
import { reloadText } from './reload-text.ts';
import { sessionText } from './session-text.ts';
import { statusText } from './status-text.ts';

/** How an answer is printed. */
export interface Presentation {
  readonly output: OutputFormat;
  readonly colours?: Colours;
}

/** Which sessions are asked for. */
export interface SessionQueryOptions {
  readonly user?: string | undefined;
  readonly listener?: string | undefined;
  readonly limit?: number | undefined;
}

/** `status`: how the gateway does. */
export async function statusCommand(client: AdminClient, how: Presentation): Promise<string> {
  const status = await client.get<GatewayStatus>('status');
  return formatData(status, how.output, () => statusText(status, how.colours));
}

/** `sessions`: which allocations live. */
export async function sessionsCommand(
  client: AdminClient,
  { user, listener, limit }: SessionQueryOptions,
  how: Presentation,
): Promise<string> {
  const list = await client.get<SessionList>('sessions', { user, listener, limit });
  return formatData(list, how.output, () => sessionText(list, how.colours));
}

/** `kick`: ends one session, or all of a user; what is not there is a failure only when it was named by id. */
export async function kickCommand(
  client: AdminClient,
  target: { readonly id: string } | { readonly user: string },
  { output }: Presentation,
): Promise<CommandResult> {
  const answer = await ('id' in target
    ? client.delete<{ ended: number }>(`sessions/${encodeURIComponent(target.id)}`)
    : client.delete<{ ended: number }>('sessions', { user: target.user }));
  return success(formatData(answer, output, () => `${endedText(answer.ended)}\n`));
}

/** `revoke`: refuses every credential of a user, and ends its sessions. */
export async function revokeCommand(
  client: AdminClient,
  { user, until }: { readonly user: string; readonly until: number | undefined },
  { output }: Presentation,
): Promise<CommandResult> {
  const answer = await client.post<RevocationResult>('revoke', { user, until });
  return success(
    formatData(answer, output, () =>
      formatTable([
        ['user', answer.userId],
        ['until', answer.until],
        ['sessions', endedText(answer.ended)],
      ]),
    ),
  );
}

/** `drain` and `undrain`: whether new allocations are accepted. */
export async function drainCommand(
  client: AdminClient,
  action: 'drain' | 'undrain',
  { output }: Presentation,
): Promise<CommandResult> {
  const answer = await client.post<Pick<GatewayStatus, 'state'>>(action);
  const meaning =
    action === 'drain'
      ? 'no new allocations; live ones go on, see turnpike status --watch'
      : 'new allocations are accepted';
  return success(formatData(answer, output, () => `${answer.state}: ${meaning}\n`));
}

/** `reload`, and `config diff` without another file: exit code 2 when the configuration cannot be used. */
export async function reloadCommand(
  client: AdminClient,
  isDryRun: boolean,
  { output, colours = NO_COLOURS }: Presentation,
): Promise<CommandResult> {
  const result = await client.post<ReloadResult>('reload', { dryRun: isDryRun }, [422]);
  const stdout = formatData(result, output, () => reloadText(result, colours));
  return { exitCode: result.outcome === 'failed' ? 2 : 0, stdout, stderr: '' };
}

/** `loglevel`: sets levels given as `scope=LEVEL` or `scope:LEVEL`. */
export async function logLevelCommand(
  client: AdminClient,
  levels: readonly string[],
  { output }: Presentation,
): Promise<CommandResult> {
  const text = levels.map((level) => level.replace('=', ':')).join(',');
  const answer = await client.post<{ levels: Record<string, string> }>('loglevel', {
    levels: text,
  });
  return success(formatData(answer, output, () => formatTable(Object.entries(answer.levels))));
}

/** `events`: writes each event until the signal aborts or so many have come. */
export async function eventsCommand(
  client: AdminClient,
  { types, count }: { readonly types: string; readonly count: number | undefined },
  { output, colours }: Presentation,
  { write, signal }: { readonly write: (text: string) => void; readonly signal: AbortSignal },
): Promise<void> {
  let seen = 0;
  for await (const event of client.events(types, signal)) {
    write(eventText(event, output, colours));
    if (++seen === count) return;
  }
}

function endedText(count: number): string {
  return count === 1 ? '1 session ended' : `${count} sessions ended`;
}
