import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseDuration } from '../config/durations.ts';
import { AdminClient } from './admin/client.ts';
import { adminTarget, candidateTarget, type AdminOptions } from './admin/target.ts';
import { coloursFor } from './terminal/colours.ts';
import type { CommandResult, OutputFormat, Presentation } from './terminal/output.ts';

/** Prints what a command has to say and keeps its exit code. */
export type Print = (result: CommandResult) => void;

/** Shortest pause between two looks, seconds. */
const WATCH_SECONDS_MIN = 0.1;
const WATCH_SECONDS_MAX = 86_400;
const WATCH_SECONDS_DEFAULT = 2;
/** Numbers from here on are times, not durations: year 2001. */
const UNIX_SECONDS_MIN = 1_000_000_000;

/** `-c FILE`. */
export function fileOption(): Option {
  return new Option('-c, --config <file>', 'configuration file (YAML or JSON)');
}

/** `-o FORMAT`. */
export function outputOption(initial: OutputFormat): Option {
  return new Option('-o, --output <format>', 'output format')
    .choices(['table', 'json', 'yaml'])
    .default(initial);
}

/** `--watch [SECONDS]`. */
export function watchOption(): Option {
  return new Option('-w, --watch [seconds]', 'show it again and again until Ctrl-C')
    .preset(String(WATCH_SECONDS_DEFAULT))
    .argParser(parseWatchSeconds);
}

/** `--show-secret`. */
export function secretOption(): Option {
  return new Option('--show-secret', 'print secrets in place of ***');
}

/** Adds what every command of the admin API takes; `configDescription` says what `-c` is for. */
export function addAdminOptions(
  command: Command,
  configDescription = 'configuration file that names the admin API',
): Command {
  return command
    .option('--api <url>', 'admin API of the gateway; or the variable TURNPIKE_API')
    .addOption(new Option('-c, --config <file>', configDescription))
    .option(
      '--token-file <file>',
      'file that holds the token; or the variable TURNPIKE_ADMIN_TOKEN',
    )
    .option('--ca <file>', 'PEM file of the authority to trust, for https')
    .option('--cert <file>', 'PEM file of a client certificate, for mutual TLS')
    .option('--key <file>', 'PEM file of its key')
    .addOption(outputOption('table'));
}

/** Options of a command of the admin API. */
export interface AdminCommandOptions extends AdminOptions {
  readonly output: OutputFormat;
}

/** The client of the admin API that the options name; throws as `adminTarget` does. */
export function adminClientOf(options: AdminOptions): AdminClient {
  return new AdminClient(adminTarget(options, process.env));
}

/** The client of the gateway that the file of `-c` is meant for; throws as `candidateTarget` does. */
export function candidateClientOf(options: AdminOptions): AdminClient {
  return new AdminClient(candidateTarget(options, process.env));
}

/** How the options have an answer printed on standard output. */
export function presentationOf({ output }: { readonly output: OutputFormat }): Presentation {
  return { output, colours: coloursFor(process.stdout, process.env) };
}

/** Text below the help of a command. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}\n`).join('')}`;
}

/** A whole number of seconds. */
export function parseSeconds(text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new InvalidArgumentError('It must be a whole number of seconds.');
  return Number(text);
}

/** A whole number from 1 to `max`. */
export function countUpTo(max: number): (text: string) => number {
  return (text) => {
    const count = /^\d{1,15}$/.test(text) ? Number(text) : 0;
    if (count >= 1 && count <= max) return count;
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${max}.`);
  };
}

/** A time in unix seconds: a duration from now, RFC 3339, or unix seconds. */
export function parseUntil(text: string, now = Date.now()): number {
  const seconds = parseDuration(text);
  const nowSeconds = Math.floor(now / 1000);
  const until =
    seconds === undefined
      ? parseTime(text)
      : seconds < UNIX_SECONDS_MIN
        ? nowSeconds + seconds
        : seconds;
  if (until === undefined) {
    throw new InvalidArgumentError(
      'It must be a duration such as 2h, a time such as 2030-01-31T12:00:00Z, or unix seconds.',
    );
  }
  if (until <= nowSeconds) throw new InvalidArgumentError('It must lie in the future.');
  return until;
}

function parseWatchSeconds(text: string): number {
  const seconds = /^\d{1,5}(?:\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (seconds >= WATCH_SECONDS_MIN && seconds <= WATCH_SECONDS_MAX) return seconds;
  throw new InvalidArgumentError(
    `It must be a number of seconds from ${WATCH_SECONDS_MIN} to ${WATCH_SECONDS_MAX}.`,
  );
}

function parseTime(text: string): number | undefined {
  const isTime = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/.test(text);
  const milliseconds = isTime ? Date.parse(text) : Number.NaN;
  return Number.isNaN(milliseconds) ? undefined : Math.ceil(milliseconds / 1000);
}
