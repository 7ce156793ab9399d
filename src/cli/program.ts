import { Command, CommanderError } from 'commander';
import { GatewayError } from '../errors.ts';
import { CommandFailure } from './command-failure.ts';
import type { Inspection } from './inspect-commands.ts';
import type { Print } from './program-options.ts';
import { registerAdminCommands } from './register-admin.ts';
import { registerConfigCommands } from './register-config.ts';
import { registerInspectCommands } from './register-inspect.ts';
import { registerRunCommands, type ServiceRunners } from './register-run.ts';
import { registerToolCommands } from './register-tools.ts';
import { outliveClosedPipes } from './terminal/closed-pipe.ts';

/** What the commands call that run something; handed in, so that the command line knows no sockets of the gateway. */
export interface Runners extends ServiceRunners {
  /** What the commands that only look need of a configuration. */
  readonly inspect: Inspection;
}

const EXIT_CODES = `
Exit codes: 0 ok, 1 failure or "no", 2 usage or a configuration that cannot be used.
`;

/** Runs a command line; returns the exit code, or undefined when something is running that decides itself. */
export async function runCommandLine(
  argv: readonly string[],
  version: string,
  runners: Runners,
): Promise<number | undefined> {
  outliveClosedPipes();
  const outcome: { exitCode?: number } = {};
  const print: Print = (result) => {
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

/** Makes the program with all of its commands. */
export function createProgram(version: string, runners: Runners, print: Print): Command {
  const program = new Command('turnpike')
    .description(
      'A TURN/STUN media gateway: WebRTC clients reach media servers that have no public address.',
    )
    .version(version)
    .exitOverride()
    .showHelpAfterError('(turnpike --help shows every command)')
    .addHelpText('after', EXIT_CODES);
  registerRunCommands(program, runners);
  registerConfigCommands(program, print);
  registerInspectCommands(program, runners.inspect, print);
  registerAdminCommands(program, print);
  registerToolCommands(program, runners.inspect, print);
  return program;
}

/** Prints what commander has not printed itself. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof CommandFailure) {
    const code = error.code === undefined ? '' : `(${error.code})\n`;
    process.stderr.write(`${error.message}\n${code}`);
    return 1;
  }
  if (!(error instanceof GatewayError)) throw error;
  process.stderr.write(`${error.message}\n(${error.code})\n`);
  return error.exitCode;
}
