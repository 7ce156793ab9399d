import { Option, type Command } from 'commander';
import { AdminClient } from './admin-client.ts';
import { reloadCommand } from './admin-commands.ts';
import { adminTarget } from './admin-target.ts';
import { coloursFor } from './colours.ts';
import { checkConfig, diffConfigs, schema, showConfig } from './config-commands.ts';
import type { PeerChoice } from './import/coturn-peers.ts';
import { importCommand } from './import/import-command.ts';
import type { OutputFormat } from './output.ts';
import {
  addAdminOptions,
  examples,
  fileOption,
  outputOption,
  secretOption,
  type AdminCommandOptions,
  type Print,
} from './program-options.ts';

/** Adds `config` and what it can do. */
export function registerConfigCommands(program: Command, print: Print): void {
  const config = program.command('config').description('look at a configuration');
  config
    .command('check')
    .description('list every problem as file:line:column')
    .addOption(fileOption())
    .addHelpText('after', examples('turnpike config check -c turnpike.yaml'))
    .action((options: { config?: string }) => print(checkConfig(options.config)));
  config
    .command('show')
    .description('print the effective configuration, secrets masked')
    .addOption(fileOption())
    .addOption(outputOption('yaml'))
    .addHelpText('after', examples('turnpike config show -c turnpike.yaml -o json'))
    .action(({ config: file, output }: { config?: string; output: OutputFormat }) =>
      print(showConfig(file, output)),
    );
  registerDiff(config, print);
  config
    .command('schema')
    .description('print the JSON Schema of the file, for editors')
    .addHelpText('after', examples('turnpike config schema > turnpike.schema.json'))
    .action(() => print(schema()));
  registerImport(config, print);
}

function registerDiff(config: Command, print: Print): void {
  const diff = config
    .command('diff')
    .description(
      'say what a reload would change: of the running gateway, or between two files, secrets masked',
    )
    .option('--against <file>', 'compare with this file in place of the running gateway')
    .addHelpText(
      'after',
      examples(
        'turnpike config diff',
        'turnpike config diff -c new.yaml --against /etc/turnpike/turnpike.yaml',
      ),
    );
  addAdminOptions(diff).action(async (options: AdminCommandOptions & { against?: string }) => {
    const { against, output } = options;
    if (against !== undefined) return print(diffConfigs(against, options.config, output));
    const client = new AdminClient(adminTarget(options, process.env));
    const colours = coloursFor(process.stdout, process.env);
    return print(await reloadCommand(client, true, { output, colours }));
  });
}

function registerImport(config: Command, print: Print): void {
  config
    .command('import')
    .description("turn coturn's turnserver.conf into a configuration; says what does not map")
    .argument('<file>', "coturn's configuration file")
    .option('-o, --output <file>', 'write the result, readable by its owner only')
    .option('--force', 'overwrite a file that exists')
    .addOption(
      new Option('--peers <which>', 'peers beside those of allowed-peer-ip')
        .choices(['public', 'none'])
        .default('public'),
    )
    .addOption(secretOption())
    .addHelpText(
      'after',
      examples(
        'turnpike config import /etc/turnserver.conf -o turnpike.yaml',
        'turnpike config import /etc/turnserver.conf --peers none',
      ),
    )
    .action((file: string, options: ImportFlags) =>
      print(
        importCommand(file, {
          outputFile: options.output,
          isForced: options.force ?? false,
          showsSecrets: options.showSecret ?? false,
          peers: options.peers,
        }),
      ),
    );
}

interface ImportFlags {
  readonly output?: string;
  readonly force?: boolean;
  readonly showSecret?: boolean;
  readonly peers: PeerChoice;
}
