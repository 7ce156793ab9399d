import type { ConfigChange } from '../../config/plan.ts';
import type { ReloadResult } from '../../http/admin/gateway-control.ts';
import type { Colours } from '../terminal/colours.ts';
import { printableLine } from '../terminal/printable.ts';

const OUTCOMES: Readonly<Record<ReloadResult['outcome'], string>> = {
  applied: 'the configuration is in force',
  unchanged: 'nothing has changed',
  failed: 'nothing was changed: the gateway goes on with its old configuration',
  dryRun: 'a reload would change this',
};
const NOTHING = 'a reload would change nothing';
const REFUSED = 'a reload would be refused: the configuration cannot be used';

const EFFECTS: Readonly<Record<ConfigChange['effect'], string>> = {
  update: 'in place',
  reopen: 'the socket is opened anew',
  restart: 'needs a restart',
};

/** What is told of a reload. */
type Reload = Pick<ReloadResult, 'outcome' | 'changes' | 'kept' | 'problems'>;

/** Of what a reload is told. */
export interface ReloadScene {
  /** The gateway that was asked; undefined: none was. */
  readonly where?: string | undefined;
  /** It was only to be said what would change. */
  readonly isDryRun?: boolean | undefined;
}

/** Tells people what a reload has done, or would do. */
export function reloadText(
  reload: Reload,
  colours: Colours,
  { where, isDryRun = false }: ReloadScene = {},
): string {
  const { outcome, changes, kept, problems } = reload;
  const told = outcomeText(reload, isDryRun);
  const head = where === undefined ? told : `${where}: ${told}`;
  const lines = [
    outcome === 'failed' ? colours.bad(head) : head,
    ...problems.map(printableLine),
    ...changes.map((change) => changeLine(change, colours)),
    ...kept.map((what) => colours.warning(`kept until a restart: ${printableLine(what)}`)),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** Tells people what a reload would change. */
export function changesText(changes: readonly ConfigChange[], colours: Colours): string {
  return reloadText({ outcome: 'dryRun', changes, kept: [], problems: [] }, colours);
}

function outcomeText({ outcome, changes }: Reload, isDryRun: boolean): string {
  if (outcome === 'failed' && isDryRun) return REFUSED;
  return outcome === 'dryRun' && changes.length === 0 ? NOTHING : OUTCOMES[outcome];
}

function changeLine({ path, before, after, effect }: ConfigChange, colours: Colours): string {
  const effectText = effect === 'update' ? EFFECTS.update : colours.warning(EFFECTS[effect]);
  return `${colours.bold(printableLine(path))}: ${valueText(before)} -> ${valueText(after)} (${effectText})`;
}

function valueText(value: unknown): string {
  if (value === undefined || value === null) return '(none)';
  return printableLine(typeof value === 'string' && value !== '' ? value : JSON.stringify(value));
}
