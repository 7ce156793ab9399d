import { Option, type Command } from 'commander';
import { readConfigFile } from '../config/read-file.ts';
import { reloadCommand } from './admin/commands.ts';
import { checkConfig, diffConfigs, schema, showConfig } from './config-commands.ts';
import type { PeerChoice } from './import/coturn-peers.ts';
import {
  addAdminOptions,
  candidateClientOf,
  examples,
  fileOption,
  outputOption,
  presentationOf,
  secretOption,
  type AdminCommandOptions,
  type Print,
} from './program-options.ts';
import type { OutputFormat } from './terminal/output.ts';

/** Adds `config` and what it can do. */
export function registerConfigCommands(program: Command, print: Print): void {
  const config = program.command('config').description('look at a configuration');
  config
    .command('check')
    .description('list every problem as file:line:column')
    .addOption(fileOption())
    .addOption(outputOption('table'))
    .addHelpText(
      'after',
      examples(
        'turnpike config check -c turnpike.yaml',
        'turnpike config check -c turnpike.yaml -o json',
      ),
    )
    .action(({ config: file, output }: { config?: string; output: OutputFormat }) =>
      print(checkConfig(file, process.env, output)),
    );
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
      'say what would change in the running gateway with another file, or between two files, secrets masked',
    )
    .option('--against <file>', 'compare with this file in place of the running gateway')
    .addHelpText(
      'after',
      examples(
        'turnpike config diff -c new.yaml',
        'turnpike config diff',
        'turnpike config diff -c new.yaml --against /etc/turnpike/turnpike.yaml',
      ),
    );
  const candidate = 'new configuration file; default: what the gateway would read again';
  addAdminOptions(diff, candidate).action(
    async (options: AdminCommandOptions & { against?: string }) => {
      const { against, config: file } = options;
      const how = presentationOf(options);
      if (against !== undefined) return print(diffConfigs(against, file, how));
      const question = {
        isDryRun: true,
        config: file === undefined ? undefined : readConfigFile(file),
      };
      return print(await reloadCommand(candidateClientOf(options), question, how));
    },
  );
}

function registerImport(config: Command, print: Print): void {
  config
    .command('import')
    .description("turn coturn's turnserver.conf into a configuration; says what does not map")
    .argument('<file>', "coturn's configuration file")
    .option('--to <file>', 'write the result, readable by its owner only')
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
        'turnpike config import /etc/turnserver.conf --to turnpike.yaml',
        'turnpike config import /etc/turnserver.conf --peers none',
      ),
    )
    .action(async (file: string, options: ImportFlags) => {
      const { importCommand } = await import('./import/import-command.ts');
      const result = importCommand(file, {
        outputFile: options.to,
        isForced: options.force ?? false,
        showsSecrets: options.showSecret ?? false,
        peers: options.peers,
      });
      print(result);
    });
}

interface ImportFlags {
  readonly to?: string;
  readonly force?: boolean;
  readonly showSecret?: boolean;
  readonly peers: PeerChoice;
}
