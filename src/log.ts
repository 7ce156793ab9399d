import pino, { type DestinationStream, type Logger } from 'pino';
import { LOG_LEVEL_DEFAULT } from './config/default-values.ts';
import type { LogLevel } from './config/gateway-config.ts';
import { type LogOutput, openStandardOutput } from './log-output.ts';

/** How and how much is logged. */
export interface LogOptions {
  readonly format: 'json' | 'text';
  /** Level by scope; `all` holds for scopes without their own. */
  readonly levels: Readonly<Record<string, LogLevel>>;
}

/** A line for the log, made where the event happened and written by the main thread; plain data. */
export interface LogRecord {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly scope: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Type of the event for those who follow events, such as `allocation.created`; undefined: for the log alone. */
  readonly event?: string | undefined;
}

const PINO_LEVEL: Readonly<Record<LogLevel, string>> = {
  DISABLE: 'silent',
  ERROR: 'error',
  WARN: 'warn',
  INFO: 'info',
  DEBUG: 'debug',
  TRACE: 'trace',
};

/** Keys whose values never reach the log, wherever they turn up. */
const SECRET_KEYS = [
  'password',
  'credential',
  'credentials',
  'secret',
  'secrets',
  'key',
  'apiKeys',
  'authorization',
];

/** Takes lines; one that may lose some says so. */
type LogDestination = DestinationStream & Partial<Pick<LogOutput, 'lostLines' | 'onTakenAgain'>>;

/** Structured logs with one logger per scope (`gateway`, `relay`, `turn`, `ice`, `dns`, …). */
export class Log {
  readonly #root: Logger;
  readonly #destination: LogDestination;
  #levels: LogOptions['levels'];
  #format: LogOptions['format'];
  readonly #loggerByScope = new Map<string, Logger>();

  /** @param destination - standard output unless a test says otherwise. */
  constructor(options: LogOptions, destination: LogDestination = openStandardOutput()) {
    this.#destination = destination;
    destination.onTakenAgain = (lines) => {
      this.scope('gateway').warn({ lines }, 'lines of the log were lost: nobody took them');
    };
    this.#levels = options.levels;
    this.#format = options.format;
    const stream = {
      write: (line: string) => destination.write(this.#format === 'text' ? textLine(line) : line),
    };
    const redact = { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`]), censor: '***' };
    const timestamp = pino.stdTimeFunctions.isoTime;
    const formatters = { level: (label: string) => ({ level: label }) };
    this.#root = pino({ level: 'trace', base: null, redact, timestamp, formatters }, stream);
  }

  /** The logger of a scope. */
  scope(name: string): Logger {
    const known = this.#loggerByScope.get(name);
    if (known !== undefined) return known;
    const logger = this.#root.child({ scope: name }, { level: this.#levelOf(name) });
    this.#loggerByScope.set(name, logger);
    return logger;
  }

  /** Lines that were lost since the start, for want of a reader or of space. */
  get lostLines(): number {
    return this.#destination.lostLines ?? 0;
  }

  /** Level by scope. */
  get levels(): LogOptions['levels'] {
    return this.#levels;
  }

  /** Lets records have another form from now on. */
  setFormat(format: LogOptions['format']): void {
    this.#format = format;
  }

  /** Lets other levels hold from now on. */
  setLevels(levels: LogOptions['levels']): void {
    this.#levels = levels;
    for (const [name, logger] of this.#loggerByScope) logger.level = this.#levelOf(name);
  }

  /** Writes a record that was made elsewhere. */
  write({ level, scope, message, fields }: LogRecord): void {
    this.scope(scope)[level](fields, message);
  }

  #levelOf(name: string): string {
    return PINO_LEVEL[this.#levels[name] ?? this.#levels['all'] ?? LOG_LEVEL_DEFAULT];
  }
}

/** Turns a line of JSON into one for people: time, level, scope, message, then the fields. */
function textLine(line: string): string {
  const { time, level, scope, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
  return `${String(time)} ${String(level).toUpperCase()} ${String(scope)}: ${String(msg)}${rest.join('')}\n`;
}
