import type { TestListener } from '../../admin/gateway-control.ts';
import { element, setText, setToned, type Tone } from './dom.ts';
import { formatMilliseconds, formatShare } from './format.ts';
import type { EchoFigures } from './echo-figures.ts';
import { STEPS, type Step, type TestReport } from './listener-test.ts';
import type { Explanation } from './test-words.ts';

/** How the test of a listener came out; `running` as long as it goes on. */
export type Outcome = 'running' | 'passed' | 'failed' | 'skipped';

const TITLES: Readonly<Record<Step, string>> = {
  allocate: 'Allocate',
  route: 'Route',
  connect: 'Connect',
  echo: 'Echo',
};

const BADGES: Readonly<Record<Outcome, readonly [string, Tone]>> = {
  running: ['Testing', 'neutral'],
  passed: ['Works', 'good'],
  failed: ['Fails', 'bad'],
  skipped: ['Not tested to the end', 'warning'],
};

/** Shows the test of one listener step by step. */
export class ResultCard implements TestReport {
  readonly node: HTMLElement;
  outcome: Outcome = 'running';
  readonly #badge = element('span', { class: 'badge' });
  readonly #steps = new Map<Step, { readonly row: HTMLElement; readonly text: HTMLElement }>();
  readonly #figures = element('dl', { class: 'figures' });

  /** @param index - tells it from the others of the page. */
  constructor({ name, uri }: TestListener, index: number) {
    const id = `result-${index}`;
    const title = element('h2', { id }, name, ' ', this.#badge);
    const list = element('ol', { class: 'steps' });
    for (const step of STEPS) {
      const text = element('div', {}, 'not yet');
      const row = element('li', {}, element('strong', {}, TITLES[step]), text);
      this.#steps.set(step, { row, text });
      list.append(row);
    }
    this.node = element('article', { class: 'panel result', 'aria-labelledby': id }, title);
    this.node.append(element('p', {}, element('code', {}, uri)), list, this.#figures);
    this.#conclude('running');
    this.#showFigures('–', '–', '–');
  }

  get current(): Step {
    const steps = [...this.#steps.entries()];
    return steps.find(([, { row }]) => row.dataset['tone'] === undefined)?.[0] ?? 'echo';
  }

  done(step: Step, detail: string): void {
    this.#show(step, 'good', detail);
  }

  failed(step: Step, { problem, advice }: Explanation): void {
    this.#show(step, 'bad', problem, advice);
    this.#conclude('failed');
    this.#giveUp();
  }

  skipped(step: Step, { problem, advice }: Explanation): void {
    this.#show(step, 'warning', problem, advice);
    this.#conclude('skipped');
    this.#giveUp();
  }

  measured({ sent, received, medianMs, slowestMs }: EchoFigures): void {
    const lost = sent - received;
    this.#showFigures(roundTrip(medianMs), roundTrip(slowestMs), formatShare(lost / sent));
    if (received === 0) {
      return this.failed('echo', {
        problem: `None of ${sent} packets came back.`,
        advice: 'The connection stands, so look at the load of the machine that the echo runs on.',
      });
    }
    const words =
      lost === 0 ? `All ${sent} packets came back.` : `${lost} of ${sent} packets were lost.`;
    const advice =
      lost === 0 ? '' : 'Calls stutter above a few percent: look for a slow or crowded network.';
    this.#show('echo', lost === 0 ? 'good' : 'warning', words, advice);
    this.#conclude('passed');
  }

  #show(step: Step, tone: Tone, text: string, advice = ''): void {
    const shown = this.#steps.get(step);
    if (shown === undefined) return;
    shown.row.dataset['tone'] = tone;
    shown.text.replaceChildren(element('p', {}, text));
    if (advice !== '') shown.text.append(element('p', { class: 'quiet' }, advice));
  }

  #conclude(outcome: Outcome): void {
    this.outcome = outcome;
    const [text, tone] = BADGES[outcome];
    setToned(this.#badge, text, tone);
  }

  /** Says of the steps that were not come to that they were not. */
  #giveUp(): void {
    for (const { row, text } of this.#steps.values()) {
      if (row.dataset['tone'] === undefined) setText(text, 'not tried');
    }
  }

  #showFigures(median: string, slowest: string, loss: string): void {
    const entries = [
      ['Round trip, median', median],
      ['Round trip, slowest', slowest],
      ['Lost', loss],
    ] as const;
    this.#figures.replaceChildren(
      ...entries.map(([term, value]) =>
        element('div', {}, element('dt', {}, term), element('dd', {}, value)),
      ),
    );
  }
}

function roundTrip(milliseconds: number | undefined): string {
  return milliseconds === undefined ? '–' : formatMilliseconds(milliseconds);
}
