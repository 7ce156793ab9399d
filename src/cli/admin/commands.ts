import type {
  GatewayStatus,
  ReloadResult,
  RevocationResult,
  SessionList,
} from '../../http/admin/gateway-control.ts';
import { GatewayError } from '../../errors.ts';
import { CommandFailure } from '../command-failure.ts';
import {
  formatData,
  formatTable,
  success,
  type CommandResult,
  type Presentation,
} from '../terminal/output.ts';
import { printableLine } from '../terminal/printable.ts';
import type { AdminClient } from './client.ts';
import { eventText } from './event-text.ts';
import { reloadText } from './reload-text.ts';
import { sessionText } from './session-text.ts';
import { statusText } from './status-text.ts';

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

/** `kick`: ends sessions, or all of a user; what is not there is a failure only when it was named by id. */
export async function kickCommand(
  client: AdminClient,
  target: { readonly ids: readonly string[] } | { readonly user: string },
  { output }: Presentation,
): Promise<CommandResult> {
  const { ended, failures } =
    'ids' in target
      ? await kickEach(client, target.ids)
      : { ...(await client.delete<Ended>('sessions', { user: target.user })), failures: [] };
  const text = formatData({ ended }, output, () => `${endedText(ended)} at ${client.where}\n`);
  const stderr = failures.map((failure) => `${failure}\n`).join('');
  return { exitCode: failures.length === 0 ? 0 : 1, stdout: text, stderr };
}

/** One that is not there does not save the others. */
async function kickEach(
  client: AdminClient,
  ids: readonly string[],
): Promise<Ended & { readonly failures: readonly string[] }> {
  let ended = 0;
  const failures: string[] = [];
  for (const id of ids) {
    try {
      ended += (await client.delete<Ended>(`sessions/${pathPart(id)}`)).ended;
    } catch (error) {
      const isMissing = error instanceof CommandFailure && error.code === 'API_ERR_SESSION';
      if (!isMissing || ids.length === 1) throw error;
      failures.push(printableLine(`${id}: ${error.message}`));
    }
  }
  return { ended, failures };
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
        ['gateway', client.where],
      ]),
    ),
  );
}

/** `unrevoke`: lets a user in again; a failure when it was not revoked. */
export async function unrevokeCommand(
  client: AdminClient,
  user: string,
  { output }: Presentation,
): Promise<CommandResult> {
  const answer = await client.delete<{ userId: string }>(`revocations/${pathPart(user)}`);
  return success(
    formatData(answer, output, () =>
      formatTable([
        ['user', answer.userId],
        ['until', 'not revoked any more'],
        ['gateway', client.where],
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
  const text = (): string => `${answer.state}: ${meaning} (${client.where})\n`;
  return success(formatData(answer, output, text));
}

/**
 * `reload`, and `config diff` with the running gateway: exit code 2 when the configuration cannot be used.
 *
 * @param config - text of a configuration to judge in place of the gateway's own file; goes with `isDryRun`.
 */
export async function reloadCommand(
  client: AdminClient,
  { isDryRun, config }: { readonly isDryRun: boolean; readonly config?: string | undefined },
  { output, colours }: Presentation,
): Promise<CommandResult> {
  const result = await client.post<ReloadResult>('reload', { dryRun: isDryRun, config }, [422]);
  const scene = { where: client.where, isDryRun };
  const stdout = formatData(result, output, () => reloadText(result, colours, scene));
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

interface Ended {
  readonly ended: number;
}

/** One segment of a path; a URL cannot say `.` or `..`. */
function pathPart(text: string): string {
  if (text !== '' && !/^\.\.?$/.test(text)) return encodeURIComponent(text);
  throw new GatewayError('GW_ERR_USAGE', `"${text}" cannot be named in a request`);
}

function endedText(count: number): string {
  return count === 1 ? '1 session ended' : `${count} sessions ended`;
}
