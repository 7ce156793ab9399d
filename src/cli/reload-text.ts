import type { ConfigChange } from '../config/plan.ts';
import type { ReloadResult } from '../http/admin/gateway-control.ts';
import { NO_COLOURS, type Colours } from './colours.ts';
import { printableLine } from './printable.ts';

const OUTCOMES: Readonly<Record<ReloadResult['outcome'], string>> = {
  applied: 'the configuration is in force',
  unchanged: 'nothing has changed',
  failed: 'nothing was changed: the gateway goes on with its old configuration',
  dryRun: 'a reload would change this',
};

const EFFECTS: Readonly<Record<ConfigChange['effect'], string>> = {
  update: 'in place',
  reopen: 'the socket is opened anew',
  restart: 'needs a restart',
};

/** Tells people what a reload has done, or would do. */
export function reloadText(result: ReloadResult, colours: Colours = NO_COLOURS): string {
  const { outcome, changes, kept, problems } = result;
  const isNothing = outcome === 'dryRun' && changes.length === 0;
  const head = isNothing ? 'a reload would change nothing' : OUTCOMES[outcome];
  const lines = [
    outcome === 'failed' ? colours.bad(head) : head,
    ...problems.map(printableLine),
    ...changes.map((change) => changeLine(change, colours)),
    ...kept.map((what) => colours.warning(`kept until a restart: ${printableLine(what)}`)),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function changeLine({ path, before, after, effect }: ConfigChange, colours: Colours): string {
  const effectText = effect === 'update' ? EFFECTS.update : colours.warning(EFFECTS[effect]);
  return `${colours.bold(printableLine(path))}: ${valueText(before)} -> ${valueText(after)} (${effectText})`;
}

function valueText(value: unknown): string {
  if (value === undefined || value === null) return '(none)';
  return printableLine(typeof value === 'string' ? value : JSON.stringify(value));
}
