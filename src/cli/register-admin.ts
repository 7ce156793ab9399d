import { Option, type Command } from 'commander';
import { GatewayError } from '../errors.ts';
import { SESSIONS_PER_PAGE_DEFAULT, SESSIONS_PER_PAGE_MAX } from '../limits.ts';
import type { AdminClient } from './admin/client.ts';
import {
  drainCommand,
  eventsCommand,
  kickCommand,
  logLevelCommand,
  reloadCommand,
  revokeCommand,
  sessionsCommand,
  statusCommand,
  unrevokeCommand,
  type SessionQueryOptions,
} from './admin/commands.ts';
import { LOG_SCOPES, parseLevel } from './admin/log-scopes.ts';
import { watch } from './admin/watch.ts';
import {
  addAdminOptions,
  adminClientOf,
  countUpTo,
  examples,
  parseUntil,
  presentationOf,
  watchOption,
  type AdminCommandOptions,
  type Print,
} from './program-options.ts';
import { stopSignal } from './stop-signal.ts';
import { success, type Presentation } from './terminal/output.ts';

const EVENTS_COUNT_MAX = 1_000_000_000;

/** Adds the commands that talk to a running gateway. */
export function registerAdminCommands(program: Command, print: Print): void {
  registerLooks(program, print);
  registerEnds(program, print);
  registerUnrevoke(program, print);
  registerDrain(program, print);
  registerReload(program, print);
  registerEvents(program, print);
}

function registerLooks(program: Command, print: Print): void {
  addAdminOptions(program.command('status'))
    .description('say how the running gateway does')
    .addOption(watchOption())
    .addHelpText(
      'after',
      examples('turnpike status', 'turnpike status --watch 5', 'turnpike status -o json'),
    )
    .action((options: WatchFlags) =>
      show(options, print, (client, how) => statusCommand(client, how)),
    );
  addAdminOptions(program.command('sessions'))
    .description('list live allocations')
    .option('--user <id>', 'only those of a user')
    .option('--listener <name>', 'only those of a listener')
    .option(
      '--limit <count>',
      'how many at most',
      countUpTo(SESSIONS_PER_PAGE_MAX),
      SESSIONS_PER_PAGE_DEFAULT,
    )
    .addOption(watchOption())
    .addHelpText(
      'after',
      examples(
        'turnpike sessions --user alice',
        'turnpike sessions --watch',
        'turnpike sessions -o json',
      ),
    )
    .action((options: WatchFlags & SessionQueryOptions) =>
      show(options, print, (client, how) => sessionsCommand(client, options, how)),
    );
}

function registerEnds(program: Command, print: Print): void {
  addAdminOptions(program.command('kick'))
    .description('end sessions, or all of a user; the user may come back, see revoke')
    .argument('[id...]', 'ids of sessions, see turnpike sessions')
    .option('--user <id>', 'every session of this user')
    .addHelpText('after', examples('turnpike kick 5f1d09c2a37be846', 'turnpike kick --user alice'))
    .action(async (ids: string[], options: AdminCommandOptions & { user?: string }) =>
      print(
        await kickCommand(
          adminClientOf(options),
          kickTarget(ids, options.user),
          presentationOf(options),
        ),
      ),
    );
  addAdminOptions(program.command('revoke'))
    .description('refuse every credential of a user and end its sessions')
    .argument('<user>', 'user id')
    .addOption(
      new Option('--until <time>', 'a duration such as 2h, a time, or unix seconds')
        .argParser((text) => parseUntil(text))
        .default(undefined, 'as long as any credential of now may be valid'),
    )
    .addHelpText('after', examples('turnpike revoke alice', 'turnpike revoke alice --until 2h'))
    .action(async (user: string, options: AdminCommandOptions & { until?: number }) =>
      print(
        await revokeCommand(
          adminClientOf(options),
          { user, until: options.until },
          presentationOf(options),
        ),
      ),
    );
}

function registerUnrevoke(program: Command, print: Print): void {
  addAdminOptions(program.command('unrevoke'))
    .description('let a revoked user in again before its time')
    .argument('<user>', 'user id')
    .addHelpText('after', examples('turnpike unrevoke alice'))
    .action(async (user: string, options: AdminCommandOptions) =>
      print(await unrevokeCommand(adminClientOf(options), user, presentationOf(options))),
    );
}

function registerDrain(program: Command, print: Print): void {
  addAdminOptions(program.command('drain'))
    .description('accept no new allocations; live ones go on')
    .addHelpText('after', examples('turnpike drain && turnpike status --watch'))
    .action(async (options: AdminCommandOptions) =>
      print(await drainCommand(adminClientOf(options), 'drain', presentationOf(options))),
    );
  addAdminOptions(program.command('undrain'))
    .description('accept new allocations again')
    .addHelpText('after', examples('turnpike undrain'))
    .action(async (options: AdminCommandOptions) =>
      print(await drainCommand(adminClientOf(options), 'undrain', presentationOf(options))),
    );
}

function registerReload(program: Command, print: Print): void {
  addAdminOptions(program.command('reload'))
    .description('have the gateway read its configuration again; says what has changed')
    .option('--dry-run', 'only say what would change')
    .addHelpText('after', examples('turnpike reload --dry-run', 'turnpike reload -o json'))
    .action(async (options: AdminCommandOptions & { dryRun?: boolean }) =>
      print(
        await reloadCommand(
          adminClientOf(options),
          { isDryRun: options.dryRun ?? false },
          presentationOf(options),
        ),
      ),
    );
  addAdminOptions(program.command('loglevel'))
    .description('set log levels until the next reload of them')
    .argument(
      '<scope=level...>',
      `DISABLE, ERROR, WARN, INFO, DEBUG or TRACE for one of ${LOG_SCOPES.join(', ')}; all is the rest`,
      parseLevel,
    )
    .addHelpText(
      'after',
      examples('turnpike loglevel turn=DEBUG', 'turnpike loglevel all=INFO tls=TRACE'),
    )
    .action(async (levels: string[], options: AdminCommandOptions) =>
      print(await logLevelCommand(adminClientOf(options), levels, presentationOf(options))),
    );
}

function registerEvents(program: Command, print: Print): void {
  addAdminOptions(program.command('events'))
    .description('follow what happens: a line for each event, or a line of JSON')
    .option('--types <types>', 'types, or what they begin with: allocation,peer.denied', '')
    .option('--count <count>', 'end after so many', countUpTo(EVENTS_COUNT_MAX))
    .addHelpText(
      'after',
      examples('turnpike events', 'turnpike events --types peer.denied,auth -o json'),
    )
    .action(async (options: AdminCommandOptions & { types: string; count?: number }) => {
      const { types, count } = options;
      const ways = { write: writeOut, signal: stopSignal() };
      await eventsCommand(adminClientOf(options), { types, count }, presentationOf(options), ways);
      print(success(''));
    });
}

interface WatchFlags extends AdminCommandOptions {
  readonly watch?: number;
}

async function show(
  options: WatchFlags,
  print: Print,
  read: (client: AdminClient, how: Presentation) => Promise<string>,
): Promise<void> {
  const client = adminClientOf(options);
  const how = presentationOf(options);
  if (options.watch === undefined) return print(success(await read(client, how)));
  await watch(() => read(client, how), {
    seconds: options.watch,
    isTerminal: process.stdout.isTTY && options.output === 'table',
    write: writeOut,
    writeFailure: (text) => process.stderr.write(text),
    signal: stopSignal(),
  });
  return print(success(''));
}

function kickTarget(
  ids: readonly string[],
  user: string | undefined,
): { ids: readonly string[] } | { user: string } {
  if (ids.length > 0 && user === undefined) return { ids };
  if (user !== undefined && ids.length === 0) return { user };
  throw new GatewayError('GW_ERR_USAGE', 'give either ids of sessions or --user');
}

function writeOut(text: string): void {
  process.stdout.write(text);
}
