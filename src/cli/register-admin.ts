import { Option, type Command } from 'commander';
import { GatewayError } from '../errors.ts';
import { SESSIONS_PER_PAGE_MAX } from '../limits.ts';
import { AdminClient } from './admin-client.ts';
import {
  drainCommand,
  eventsCommand,
  kickCommand,
  logLevelCommand,
  reloadCommand,
  revokeCommand,
  sessionsCommand,
  statusCommand,
  type Presentation,
  type SessionQueryOptions,
} from './admin-commands.ts';
import { adminTarget } from './admin-target.ts';
import { coloursFor } from './colours.ts';
import { success } from './output.ts';
import {
  addAdminOptions,
  countUpTo,
  examples,
  parseLevel,
  parseUntil,
  watchOption,
  type AdminCommandOptions,
  type Print,
} from './program-options.ts';
import { stopSignal } from './stop-signal.ts';
import { watch } from './watch.ts';

const SESSIONS_LIMIT_DEFAULT = 100;
const EVENTS_COUNT_MAX = 1_000_000_000;

/** Adds the commands that talk to a running gateway. */
export function registerAdminCommands(program: Command, print: Print): void {
  registerLooks(program, print);
  registerEnds(program, print);
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
      SESSIONS_LIMIT_DEFAULT,
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
    .description('end a session, or all of a user; the user may come back, see revoke')
    .argument('[id]', 'id of a session, see turnpike sessions')
    .option('--user <id>', 'every session of this user')
    .addHelpText('after', examples('turnpike kick 3-17', 'turnpike kick --user alice'))
    .action(async (id: string | undefined, options: AdminCommandOptions & { user?: string }) =>
      print(await kickCommand(clientOf(options), kickTarget(id, options.user), howOf(options))),
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
      print(await revokeCommand(clientOf(options), { user, until: options.until }, howOf(options))),
    );
}

function registerDrain(program: Command, print: Print): void {
  addAdminOptions(program.command('drain'))
    .description('accept no new allocations; live ones go on')
    .addHelpText('after', examples('turnpike drain && turnpike status --watch'))
    .action(async (options: AdminCommandOptions) =>
      print(await drainCommand(clientOf(options), 'drain', howOf(options))),
    );
  addAdminOptions(program.command('undrain'))
    .description('accept new allocations again')
    .addHelpText('after', examples('turnpike undrain'))
    .action(async (options: AdminCommandOptions) =>
      print(await drainCommand(clientOf(options), 'undrain', howOf(options))),
    );
}

function registerReload(program: Command, print: Print): void {
  addAdminOptions(program.command('reload'))
    .description('have the gateway read its configuration again; says what has changed')
    .option('--dry-run', 'only say what would change')
    .addHelpText('after', examples('turnpike reload --dry-run', 'turnpike reload -o json'))
    .action(async (options: AdminCommandOptions & { dryRun?: boolean }) =>
      print(await reloadCommand(clientOf(options), options.dryRun ?? false, howOf(options))),
    );
  addAdminOptions(program.command('loglevel'))
    .description('set log levels until the next reload of them')
    .argument(
      '<scope=level...>',
      'DISABLE, ERROR, WARN, INFO, DEBUG or TRACE; scope all is the rest',
      parseLevel,
    )
    .addHelpText(
      'after',
      examples('turnpike loglevel turn=DEBUG', 'turnpike loglevel all=INFO net=TRACE'),
    )
    .action(async (levels: string[], options: AdminCommandOptions) =>
      print(await logLevelCommand(clientOf(options), levels, howOf(options))),
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
      await eventsCommand(clientOf(options), { types, count }, howOf(options), ways);
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
  const client = clientOf(options);
  const how = howOf(options);
  if (options.watch === undefined) return print(success(await read(client, how)));
  await watch(() => read(client, how), {
    seconds: options.watch,
    isTerminal: process.stdout.isTTY && options.output === 'table',
    write: writeOut,
    signal: stopSignal(),
  });
  return print(success(''));
}

function clientOf(options: AdminCommandOptions): AdminClient {
  return new AdminClient(adminTarget(options, process.env));
}

function howOf({ output }: AdminCommandOptions): Presentation {
  return { output, colours: coloursFor(process.stdout, process.env) };
}

function kickTarget(
  id: string | undefined,
  user: string | undefined,
): { id: string } | { user: string } {
  if (id !== undefined && user === undefined) return { id };
  if (user !== undefined && id === undefined) return { user };
  throw new GatewayError('GW_ERR_USAGE', 'give either the id of a session or --user');
}

function writeOut(text: string): void {
  process.stdout.write(text);
}
