import { Argument, Option, type Command } from 'commander';
import type { CatOptions } from './cat/command.ts';
import { completionScript, SHELLS, type Shell } from './completion.ts';
import { loadForCommand } from './configuration.ts';
import type { DoctorOptions } from './doctor/command.ts';
import type { Inspection } from './inspect-commands.ts';
import {
  countUpTo,
  examples,
  fileOption,
  outputOption,
  presentationOf,
  type Print,
} from './program-options.ts';
import { stopSignal } from './stop-signal.ts';
import { success } from './terminal/output.ts';

const TIMEOUT_SECONDS_MAX = 300;

/** Adds the tools that act as a client of a gateway, and the completion of shells. */
export function registerToolCommands(program: Command, inspect: Inspection, print: Print): void {
  registerDoctor(program, inspect, print);
  registerCat(program, print);
  registerCompletion(program, print);
}

function registerDoctor(program: Command, inspect: Inspection, print: Print): void {
  program
    .command('doctor')
    .description('test every listener as a client would; says what is wrong and what to do')
    .argument('[url]', 'TURN URI, or URL of an ICE API; default: the ICE API on this machine')
    .addOption(fileOption())
    .option('--peer <ip:port>', 'UDP echo backend to relay to')
    .option('--user <id>', 'user id of a credential that is made here')
    .option('--ca <file>', 'PEM file of the authorities to trust')
    .option('--sni <name>', 'server name for TLS in place of the host of the URI')
    .option('--insecure', 'do not judge certificates')
    .addOption(
      new Option('--timeout <seconds>', 'longest wait for each answer').argParser(
        countUpTo(TIMEOUT_SECONDS_MAX),
      ),
    )
    .addOption(outputOption('table'))
    .addHelpText(
      'after',
      examples(
        'turnpike doctor -c turnpike.yaml --peer 10.0.0.7:5004',
        'turnpike doctor turn://user:pass@192.0.2.1:3478',
        "turnpike doctor 'http://127.0.0.1:8088/ice?service=turn' -o json",
      ),
    )
    .action(async (url: string | undefined, { config: file, timeout, ...flags }: DoctorFlags) => {
      const options = {
        ...flags,
        url,
        config: file === undefined ? undefined : loadForCommand({ file }).config,
        timeoutSeconds: timeout,
        ...presentationOf(flags),
      };
      const { doctorCommand } = await import('./doctor/command.ts');
      print(await doctorCommand(options, inspect));
    });
}

interface DoctorFlags extends Omit<DoctorOptions, 'url' | 'config' | 'timeoutSeconds' | 'colours'> {
  readonly config?: string;
  readonly timeout?: number;
}

function registerCat(program: Command, print: Print): void {
  program
    .command('cat')
    .description('carry standard input, UDP or connections through a gateway to a peer')
    .argument('<local>', '-, udp://ip:port, tcp://ip:port or unix:///path')
    .argument('<turn-uri>', 'gateway with a login: turn://user:password@host:port?transport=udp')
    .argument('<peer>', 'udp://host:port')
    .option('--user <id>', 'user id of a credential that is made from a shared secret')
    .option('--ca <file>', 'PEM file of the authorities to trust')
    .option('--sni <name>', 'server name for TLS in place of the host of the URI')
    .option('--insecure', 'take every certificate')
    .addHelpText(
      'after',
      examples(
        'echo hello | turnpike cat - turn://user:pass@192.0.2.1:3478 udp://10.0.0.7:5004',
        'turnpike cat udp://127.0.0.1:5000 turn://user:pass@192.0.2.1 udp://10.0.0.7:5004',
      ),
    )
    .action(
      async (
        local: string,
        uri: string,
        peer: string,
        options: Omit<CatOptions, 'local' | 'uri' | 'peer'>,
      ) => {
        const { stdin, stdout, stderr } = process;
        const streams = { stdin, stdout, stderr, stop: stopSignal() };
        const { catCommand } = await import('./cat/command.ts');
        print(await catCommand({ ...options, local, uri, peer }, streams));
      },
    );
}

function registerCompletion(program: Command, print: Print): void {
  program
    .command('completion')
    .description('print a completion script for a shell')
    .addArgument(new Argument('<shell>', 'shell').choices(SHELLS))
    .addHelpText(
      'after',
      examples(
        'source <(turnpike completion bash)',
        'turnpike completion fish > ~/.config/fish/completions/turnpike.fish',
      ),
    )
    .action((shell: Shell) => print(success(completionScript(program, shell))));
}
