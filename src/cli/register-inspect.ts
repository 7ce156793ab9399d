import { Argument, type Command } from 'commander';
import { ICE_TTL_DEFAULT_SECONDS } from '../limits.ts';
import { loadForCommand } from './configuration.ts';
import {
  askRouteCommand,
  credentialCommand,
  routeCheckCommand,
  type Inspection,
} from './inspect-commands.ts';
import {
  addAdminOptions,
  adminClientOf,
  examples,
  fileOption,
  outputOption,
  parseSeconds,
  secretOption,
  type AdminCommandOptions,
  type Print,
} from './program-options.ts';
import { SNIPPETS, snippetCommand } from './snippets/snippet-command.ts';
import type { OutputFormat } from './terminal/output.ts';

/** Adds the commands that look at what a configuration means. */
export function registerInspectCommands(program: Command, inspect: Inspection, print: Print): void {
  registerAuth(program, inspect, print);
  registerRoute(program, inspect, print);
  registerSnippet(program, inspect, print);
}

function registerAuth(program: Command, inspect: Inspection, print: Print): void {
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
    .action(({ config: file, ...options }: AuthFlags) =>
      print(credentialCommand(inspect.iceGateway(loadForCommand({ file }).config), options)),
    );
}

interface AuthFlags {
  readonly config: string;
  readonly user: string;
  readonly ttl: number;
  readonly output: OutputFormat;
}

function registerRoute(program: Command, inspect: Inspection, print: Print): void {
  const check = program
    .command('route')
    .description('look at routes')
    .command('check')
    .description('say whether a peer would be relayed, by which endpoint, or why not')
    .argument('<listener>', 'listener name')
    .argument('<peer>', 'IP address and port: 10.0.0.7:5004 or [fd00::7]:5004')
    .addHelpText(
      'after',
      examples(
        'turnpike route check udp 10.0.0.7:5004',
        'turnpike route check udp 10.0.0.7:5004 -c turnpike.yaml',
      ),
    );
  const file = 'configuration file to look into; default: ask the running gateway';
  addAdminOptions(check, file).action(
    async (listener: string, peer: string, options: AdminCommandOptions) => {
      const question = { listener, peer, output: options.output };
      if (options.config === undefined) {
        return print(await askRouteCommand(adminClientOf(options), question));
      }
      const { config } = loadForCommand({ file: options.config });
      return print(await routeCheckCommand(config, question, inspect.routeTable));
    },
  );
}

function registerSnippet(program: Command, inspect: Inspection, print: Print): void {
  const list = Object.entries(SNIPPETS).map(
    ([name, { title }]) => `  ${name.padEnd(14)} ${title}\n`,
  );
  program
    .command('snippet')
    .description('print ready configuration for an application that uses the gateway')
    .addArgument(new Argument('<application>', 'for what').choices(Object.keys(SNIPPETS)))
    .addOption(fileOption().makeOptionMandatory())
    .addOption(secretOption())
    .addHelpText('after', `\nApplications:\n${list.join('')}`)
    .addHelpText(
      'after',
      examples(
        'turnpike snippet synapse -c turnpike.yaml --show-secret',
        'turnpike snippet kubernetes -c turnpike.yaml --show-secret | kubectl apply -f -',
      ),
    )
    .action((application: string, options: { config: string; showSecret?: boolean }) =>
      print(
        snippetCommand(
          application,
          {
            file: options.config,
            showsSecrets: options.showSecret ?? false,
            environment: process.env,
          },
          inspect.iceGateway,
        ),
      ),
    );
}
