import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { GatewayError } from '../errors.ts';
import { ICE_TTL_DEFAULT_SECONDS } from '../limits.ts';
import { checkConfig, schema, showConfig } from './config-commands.ts';
import { loadForCommand, type LoadedConfig } from './configuration.ts';
import { credentialCommand, routeCheckCommand, type Inspection } from './inspect-commands.ts';
import type { CommandResult, OutputFormat } from './output.ts';

/** What the commands that run something call; handed in, so that the command line knows no sockets. */
export interface Runners {
  /** Runs the gateway until it is told to stop. */
  readonly start: (loaded: LoadedConfig, options: { isPortable: boolean }) => Promise<void>;
  /** Runs the ICE API alone. */
  readonly ice: (loaded: LoadedConfig) => Promise<void>;
  /** What the commands that only look need of a configuration. */
  readonly inspect: Inspection;
}

/** Runs a command line; returns the exit code, or undefined when something is running that decides itself. */
export async function runCommandLine(
  argv: readonly string[],
  version: string,
  runners: Runners,
): Promise<number | undefined> {
  const outcome: { exitCode?: number } = {};
  const print = (result: CommandResult): void => {
    process.stdout.write(result.stdout);
    process.stderr.write(result.stderr);
    outcome.exitCode = result.exitCode;
  };
  try {
    await createProgram(version, runners, print).parseAsync([...argv], { from: 'user' });
  } catch (error) {
    return exitCodeOf(error);
  }
  return outcome.exitCode;
}

function createProgram(
  version: string,
  runners: Runners,
  print: (result: CommandResult) => void,
): Command {
  const program = new Command('turnpike')
    .description(
      'A TURN/STUN media gateway: WebRTC clients reach media servers that have no public address.',
    )
    .version(version)
    .exitOverride()
    .showHelpAfterError('(turnpike --help shows every command)');
  addRunCommands(program, runners);
  addConfigCommands(program, print);
  addInspectCommands(program, runners, print);
  return program;
}

function addRunCommands(program: Command, runners: Runners): void {
  program
    .command('start')
    .description('run the gateway; without a file or URI, one on loopback to try it')
    .argument(
      '[uri]',
      'one-line open gateway for demos: turn://user:password@ip:port?transport=udp',
    )
    .addOption(fileOption())
    .option('--portable', 'use the portable data plane even where the faster one works')
    .addHelpText(
      'after',
      examples(
        'turnpike start -c /etc/turnpike/turnpike.yaml',
        'turnpike start turn://user:pass@192.0.2.1:3478',
      ),
    )
    .action((uri: string | undefined, options: { config?: string; portable?: boolean }) =>
      runners.start(loadForCommand({ file: options.config, uri }), {
        isPortable: options.portable ?? false,
      }),
    );
  program
    .command('ice')
    .description('run the ICE API alone, for app servers that keep it apart from the media path')
    .addOption(fileOption())
    .addHelpText('after', examples('turnpike ice -c turnpike.yaml'))
    .action((options: { config?: string }) =>
      runners.ice(loadForCommand({ file: options.config })),
    );
}

function addConfigCommands(program: Command, print: (result: CommandResult) => void): void {
  const config = program.command('config').description('look at a configuration');
  config
    .command('check')
    .description('list every problem as file:line:column')
    .addOption(fileOption())
    .action((options: { config?: string }) => print(checkConfig(options.config)));
  config
    .command('show')
    .description('print the effective configuration, secrets masked')
    .addOption(fileOption())
    .addOption(outputOption('yaml'))
    .action(({ config: file, output }: { config?: string; output: OutputFormat }) =>
      print(showConfig(file, output)),
    );
  config
    .command('schema')
    .description('print the JSON Schema of the file, for editors')
    .action(() => print(schema()));
}

function addInspectCommands(
  program: Command,
  runners: Runners,
  print: (result: CommandResult) => void,
): void {
  program
    .command('auth')
    .description('print a credential and the ICE configuration')
    .addOption(fileOption().makeOptionMandatory())
    .option('--user <id>', 'user id of an ephemeral credential', '')
    .option(
      '--ttl <seconds>',
      'lifetime of an ephemeral credential',
      parseSeconds,
      ICE_TTL_DEFAULT_SECONDS,
    )
    .addOption(outputOption('table'))
    .addHelpText(
      'after',
      examples('turnpike auth -c turnpike.yaml --user alice --ttl 3600 -o json'),
    )
    .action(
      ({
        config: file,
        ...options
      }: {
        config: string;
        user: string;
        ttl: number;
        output: OutputFormat;
      }) =>
        print(
          credentialCommand(runners.inspect.iceGateway(loadForCommand({ file }).config), options),
        ),
    );
  program
    .command('route')
    .description('look at routes')
    .command('check')
    .description('say whether a peer would be relayed, by which endpoint, or why not')
    .argument('<listener>', 'listener name')
    .argument('<peer>', 'IP address and port: 10.0.0.7:5004 or [fd00::7]:5004')
    .addOption(fileOption())
    .addOption(outputOption('table'))
    .addHelpText('after', examples('turnpike route check udp 10.0.0.7:5004 -c turnpike.yaml'))
    .action(
      async (
        listener: string,
        peer: string,
        options: { config?: string; output: OutputFormat },
      ) => {
        const { config } = loadForCommand({ file: options.config });
        print(
          await routeCheckCommand(
            config,
            { listener, peer, output: options.output },
            runners.inspect.routeTable,
          ),
        );
      },
    );
}

function fileOption(): Option {
  return new Option('-c, --config <file>', 'configuration file (YAML or JSON)');
}

function outputOption(initial: OutputFormat): Option {
  return new Option('-o, --output <format>', 'output format')
    .choices(['table', 'json', 'yaml'])
    .default(initial);
}

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}\n`).join('')}`;
}

function parseSeconds(text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new InvalidArgumentError('It must be a whole number of seconds.');
  return Number(text);
}

/** Prints what commander has not printed itself. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof GatewayError)) throw error;
  process.stderr.write(`${error.message}\n(${error.code})\n`);
  return error.exitCode;
}
