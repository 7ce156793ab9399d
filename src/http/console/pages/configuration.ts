import type { ReloadResult } from '../../admin/gateway-control.ts';
import { ApiError, messageOf, type Api } from './api.ts';
import { byId, element, setText, setToned, type Tone } from './dom.ts';
import { formatNumberOf, formatTime } from './format.ts';
import { KeyedTable } from './keyed-table.ts';

const EFFECTS: Readonly<Record<string, string>> = {
  update: 'in place, no call ends',
  reopen: 'opens another socket',
  restart: 'needs a restart',
};

/** The configuration in force, and what a reload does or would do. */
export class Configuration {
  readonly #api: Api;
  readonly #changes = new KeyedTable(
    byId('changes', HTMLTableElement),
    'No difference to what is in force.',
  );
  #lastShown = '';

  constructor(api: Api) {
    this.#api = api;
    byId('reload-check', HTMLButtonElement).addEventListener('click', () => void this.#run(true));
    byId('reload', HTMLButtonElement).addEventListener('click', () => void this.#run(false));
  }

  /** Asks for the configuration and shows it, one section that can be opened for each of its keys. */
  async refresh(): Promise<void> {
    const config = await this.#api.get<Readonly<Record<string, unknown>>>('config');
    const text = JSON.stringify(config);
    if (text === this.#lastShown) return;
    this.#lastShown = text;
    const sections = byId('config-sections', HTMLElement);
    const open = new Set([...sections.querySelectorAll('details[open]')].map(({ id }) => id));
    sections.replaceChildren(
      ...Object.entries(config).map(([key, value]) => sectionOf(key, value, open)),
    );
  }

  /** Shows what the last reload has done, whoever asked for it. */
  showLast(last: ReloadResult | undefined): void {
    const text =
      last === undefined
        ? 'Nothing was reloaded since the gateway has started.'
        : `Last reload at ${formatTime(last.at)}: ${outcomeWords(last).text}`;
    setText(byId('last-reload', HTMLElement), text);
  }

  async #run(dryRun: boolean): Promise<void> {
    try {
      this.#showResult(await this.#api.post<ReloadResult>('reload', { dryRun }));
    } catch (error) {
      if (error instanceof ApiError && error.status === 422) {
        this.#showResult(error.answer as ReloadResult);
      } else {
        setToned(byId('reload-outcome', HTMLElement), `${messageOf(error)}.`, 'bad');
      }
    }
    await this.refresh();
  }

  #showResult(result: ReloadResult): void {
    const { text, tone } = outcomeWords(result);
    setToned(byId('reload-outcome', HTMLElement), text, tone);
    const problems = byId('reload-problems', HTMLElement);
    problems.replaceChildren(...result.problems.map((problem) => element('li', {}, problem)));
    problems.hidden = result.problems.length === 0;
    byId('changes-region', HTMLElement).hidden = result.problems.length > 0;
    this.#changes.show(
      result.changes.map(({ path, before, after, effect }) => ({
        key: path,
        cells: [path, valueText(before), valueText(after), EFFECTS[effect] ?? effect],
      })),
    );
  }
}

function outcomeWords(result: ReloadResult): { readonly text: string; readonly tone: Tone } {
  const { outcome, changes, problems, kept } = result;
  const count = formatNumberOf(changes.length, 'change');
  const rest = kept.length === 0 ? '' : ` A restart is needed for ${kept.join(', ')}.`;
  switch (outcome) {
    case 'applied':
      return { text: `${count} came into force.${rest}`, tone: 'good' };
    case 'unchanged':
      return { text: `The file says what is in force already.${rest}`, tone: 'good' };
    case 'dryRun':
      return {
        text: `The file can be used. A reload would make ${count}.${rest}`,
        tone: 'good',
      };
    case 'failed':
      return {
        text: `The file has ${formatNumberOf(problems.length, 'problem')}; everything is as before.`,
        tone: 'bad',
      };
  }
}

function sectionOf(key: string, value: unknown, open: ReadonlySet<string>): HTMLDetailsElement {
  const id = `config-${key}`;
  const text = JSON.stringify(value, undefined, 2);
  const label = `Section ${key}`;
  const content = element('pre', { tabindex: '0', role: 'region', 'aria-label': label }, text);
  const title = element('summary', {}, element('code', {}, key), ` ${summaryOf(value)}`);
  const details = element('details', { id }, title, content);
  details.open = open.has(id);
  return details;
}

function summaryOf(value: unknown): string {
  if (Array.isArray(value)) return formatNumberOf(value.length, 'entry', 'entries');
  if (typeof value !== 'object' || value === null) return valueText(value);
  return Object.keys(value).join(', ');
}

function valueText(value: unknown): string {
  if (value === undefined) return 'not set';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
