import type { Colours } from '../terminal/colours.ts';
import { formatData, type CommandResult, type Presentation } from '../terminal/output.ts';

/** What the doctor looks at, in this order. */
export type CheckStep =
  | 'ice'
  | 'resolve'
  | 'reach'
  | 'tls'
  | 'binding'
  | 'allocate'
  | 'relayed'
  | 'permission'
  | 'channel'
  | 'echo';

/** How one step ended; `skipped` says nothing about the gateway. */
export type CheckStatus = 'ok' | 'failed' | 'skipped';

/** One step with what was found, in plain words. */
export interface Check {
  readonly step: CheckStep;
  readonly status: CheckStatus;
  readonly detail: string;
  /** What to do about it. */
  readonly next?: string;
}

/** What was found out about one listener at one address, or about an ICE API. */
export interface TargetReport {
  /** Name of the listener where a configuration says it. */
  readonly listener?: string;
  /** URI without login. */
  readonly target: string;
  /** IP address that was tested; undefined when it did not get so far. */
  readonly address?: string;
  readonly checks: readonly Check[];
}

/** Collects the steps of one target. */
export class CheckList {
  readonly checks: Check[] = [];

  /** Notes a step that went well. */
  ok(step: CheckStep, detail: string, next?: string): void {
    this.#add({ step, status: 'ok', detail }, next);
  }

  /** Notes a step that shows a problem, and what to do about it. */
  failed(step: CheckStep, detail: string, next: string): void {
    this.#add({ step, status: 'failed', detail }, next);
  }

  /** Notes a step that could not be taken, and how to make it possible. */
  skipped(step: CheckStep, detail: string, next?: string): void {
    this.#add({ step, status: 'skipped', detail }, next);
  }

  #add(check: Check, next: string | undefined): void {
    this.checks.push(next === undefined ? check : { ...check, next });
  }
}

/** Prints what was found; exit code 0 when no step failed and at least one went well. */
export function doctorResult(
  targets: readonly TargetReport[],
  { output, colours }: Presentation,
): CommandResult {
  const checks = targets.flatMap((target) => target.checks);
  const failed = checks.filter(({ status }) => status === 'failed').length;
  const isOk = failed === 0 && checks.some(({ status }) => status === 'ok');
  const data = { verdict: isOk ? 'ok' : 'failed', targets };
  const stdout = formatData(
    data,
    output,
    () => formatTargets(targets, colours) + summary(checks, failed),
  );
  return { exitCode: isOk ? 0 : 1, stdout, stderr: '' };
}

function formatTargets(targets: readonly TargetReport[], colours: Colours): string {
  return targets.map((target) => formatTarget(target, colours)).join('\n');
}

function formatTarget(report: TargetReport, colours: Colours): string {
  const { listener, target, address, checks } = report;
  const title = [listener, target, address === undefined ? undefined : `at ${address}`]
    .filter((part) => part !== undefined)
    .join(' ');
  const lines = checks.flatMap(({ status, step, detail, next }) => [
    `  ${mark(status, colours)} ${step.padEnd(STEP_COLUMNS)} ${detail}`,
    ...(next === undefined ? [] : [`${' '.repeat(NEXT_COLUMNS)} -> ${next}`]),
  ]);
  return `${colours.bold(title)}\n${lines.join('\n')}\n`;
}

function mark(status: CheckStatus, colours: Colours): string {
  const text = (status === 'failed' ? 'FAILED' : status).padEnd(STATUS_COLUMNS);
  return colours[COLOURS[status]](text);
}

function summary(checks: readonly Check[], failed: number): string {
  const skipped = checks.filter(({ status }) => status === 'skipped').length;
  const ok = checks.length - failed - skipped;
  return `\n${ok} ok, ${failed} failed, ${skipped} skipped\n`;
}

const STATUS_COLUMNS = 7;
const STEP_COLUMNS = 10;
const NEXT_COLUMNS = STATUS_COLUMNS + STEP_COLUMNS + 3;
const COLOURS: Readonly<Record<CheckStatus, keyof Colours>> = {
  ok: 'good',
  failed: 'bad',
  skipped: 'warning',
};
