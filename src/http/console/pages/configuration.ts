import type { ReloadResult } from '../../admin/gateway-control.ts';
import { ApiError, messageOf, type Api } from './api.ts';
import { byId, element, setText, setToned } from './dom.ts';
import { formatMoment, formatNumberOf } from './format.ts';
import { KeyedTable } from './keyed-table.ts';
import { reachable } from './reachable.ts';
import { reloadWords } from './reload-words.ts';

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
    const onClick = (id: string, dryRun: boolean): void =>
      byId(id, HTMLButtonElement).addEventListener(
        'click',
        () => void reachable(() => this.#run(dryRun)),
      );
    onClick('reload-check', true);
    onClick('reload', false);
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
        : `Last reload at ${formatMoment(last.at)}: ${reloadWords(last)}`;
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
    const tone = result.outcome === 'failed' ? 'bad' : 'good';
    setToned(byId('reload-outcome', HTMLElement), reloadWords(result), tone);
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
