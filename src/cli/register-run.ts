import type { Command } from 'commander';
import { loadForCommand, type LoadedConfig } from './configuration.ts';
import { examples, fileOption } from './program-options.ts';

/** How the gateway is run. */
export interface StartOptions {
  readonly isPortable: boolean;
  /** Configuration file, to be read again; undefined: there is none. */
  readonly file: string | undefined;
}

/** What runs until it is told to stop. */
export interface ServiceRunners {
  /** Runs the gateway. */
  readonly start: (loaded: LoadedConfig, options: StartOptions) => Promise<void>;
  /** Runs the ICE API alone. */
  readonly ice: (loaded: LoadedConfig) => Promise<void>;
}

/** Adds the commands that run something until they are told to stop. */
export function registerRunCommands(program: Command, runners: ServiceRunners): void {
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
        file: options.config,
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
