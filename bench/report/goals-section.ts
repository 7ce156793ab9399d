import type { Report } from '../report-data.ts';
import { formatKilobytes, formatRatio } from './formats.ts';
import { GOAL_ROUNDS, type GoalBound, type Opponent } from './goal-table.ts';
import { evaluateGoals, type GoalCell, type GoalOutcome, type GoalResult } from './goals.ts';
import { markup, type Content, type Markup } from './markup.ts';

interface Column {
  readonly title: string;
  /** Said below the title, when the opponent was there. */
  readonly remark: string;
  readonly opponents: readonly Opponent[];
  /** The version that the goals were set for. */
  readonly version?: string;
}

const SAME_RUN = 'same machine, same minutes';
const COLUMNS: readonly Column[] = [
  { title: 'C reference', remark: 'what the kernel costs', opponents: ['c', 'c-segment'] },
  { title: 'coturn 4.6.1', remark: SAME_RUN, opponents: ['coturn'], version: '4.6.1' },
  { title: 'coturn 4.17.1', remark: SAME_RUN, opponents: ['coturn-4.17'], version: '4.17.1' },
];

const OUTCOMES: Readonly<Record<GoalOutcome, { readonly text: string; readonly sign: string }>> = {
  reached: { text: 'reached', sign: '✓' },
  missed: { text: 'missed', sign: '✗' },
  notMeasured: { text: 'not measured', sign: '–' },
};

/** The part of the page that one sees first: every goal with the ratio that was measured. */
export function goalsSection(report: Report): Markup {
  const results = evaluateGoals(report);
  return markup`<section id="goals" aria-labelledby="goals-title">
<h2 id="goals-title">Turnpike as a multiple of its peers</h2>
${summary(report, results)}
${ratioTable(report, results)}
${ownTable(results)}
<p class="fine">CPU, latency and memory: less is better. Rates: more is better. Of all directions and loads of a row
the worst counts.</p>
</section>
`;
}

function ratioTable(report: Report, results: readonly GoalResult[]): Markup {
  const heads = COLUMNS.map((column) => columnHead(report, results, column));
  const rows = results
    .filter(({ cells }) => cells.some(({ bound }) => bound.against !== 'itself'))
    .map((result) => {
      const cells = COLUMNS.map(({ opponents }) => goalCell(cellAgainst(result, opponents)));
      return markup`<tr>${rowHead(result)}${cells}</tr>
`;
    });
  return markup`<div class="scroll"><table class="goals">
<caption>Ratios measured, and the goals set for them</caption>
<thead><tr><th scope="col">Goal</th>${heads}</tr></thead>
<tbody>
${rows}</tbody>
</table></div>`;
}

function ownTable(results: readonly GoalResult[]): Markup {
  const rows = results.flatMap((result) => {
    const cell = cellAgainst(result, ['itself']);
    return cell === undefined
      ? []
      : [
          markup`<tr>${rowHead(result)}${goalCell(cell)}</tr>
`,
        ];
  });
  return markup`<div class="scroll"><table class="goals own">
<caption>Figures of Turnpike alone, and the goals set for them</caption>
<thead><tr><th scope="col">Goal</th><th scope="col">Turnpike</th></tr></thead>
<tbody>
${rows}</tbody>
</table></div>`;
}

function cellAgainst({ cells }: GoalResult, opponents: readonly Opponent[]): GoalCell | undefined {
  return cells.find(({ bound }) => opponents.includes(bound.against));
}

function summary({ rounds }: Report, results: readonly GoalResult[]): Markup {
  const cells = results.flatMap((result) => result.cells);
  const number = (outcome: GoalOutcome): number =>
    cells.filter((cell) => cell.outcome === outcome).length;
  const counts = (Object.keys(OUTCOMES) as GoalOutcome[])
    .filter((outcome) => number(outcome) > 0)
    .map(
      (outcome) =>
        markup`<li class="${outcome}"><span class="sign" aria-hidden="true">${OUTCOMES[outcome].sign}</span>
<strong>${number(outcome)}</strong> ${OUTCOMES[outcome].text}</li>`,
    );
  const few =
    rounds < GOAL_ROUNDS
      ? markup`<p class="warning">Medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}: take at least
${GOAL_ROUNDS} before you quote a ratio.</p>`
      : '';
  return markup`<ul class="summary">${counts}</ul>${few}`;
}

function columnHead(
  { versions }: Report,
  results: readonly GoalResult[],
  { title, remark, opponents, version }: Column,
): Markup {
  const cells = results.flatMap((result) => cellAgainst(result, opponents) ?? []);
  const server = cells.find((cell) => cell.server !== undefined)?.server;
  const measured = server === undefined ? undefined : versions[server];
  const isOther = version !== undefined && measured !== version;
  const other = isOther ? `measured: version ${measured ?? 'unknown'}` : remark;
  return markup`<th scope="col">${title}<small>${server === undefined ? 'not there' : other}</small></th>`;
}

function rowHead({ goal }: GoalResult): Markup {
  return markup`<th scope="row">${goal.title}<small>${goal.load}</small></th>`;
}

/** A cell without content stands where no goal is set. */
function goalCell(cell: GoalCell | undefined): Markup {
  if (cell === undefined) return markup`<td></td>`;
  const { bound, outcome, worst, isPartial } = cell;
  const goal = markup`<span class="goal">goal ${boundText(bound)}</span>`;
  if (worst === undefined) {
    return markup`<td class="${outcome}"><span class="value">n/a</span>${goal}</td>`;
  }
  const { text, sign } = OUTCOMES[outcome];
  return markup`<td class="${outcome}"><span class="value">${figureText(bound, worst.value)}</span>
<span class="outcome"><span class="sign" aria-hidden="true">${sign}</span> ${text}</span>${goal}
${remarks([
  bound.against === 'c-segment' ? 'C with UDP_SEGMENT' : '',
  worst.label === '' ? '' : `worst: ${worst.label}`,
  worst.isGeneratorLimit ? 'the generator was the limit' : '',
  isPartial ? 'not every load was measured' : '',
])}</td>`;
}

function remarks(texts: readonly string[]): Content {
  return texts.filter((text) => text !== '').map((text) => markup`<small>${text}</small>`);
}

function boundText(bound: GoalBound): string {
  return `${bound.sense === 'atMost' ? '≤' : '≥'} ${figureText(bound, bound.value)}`;
}

function figureText({ figure, value: bound }: GoalBound, value: number): string {
  if (figure === 'memoryBytes') return formatKilobytes(value);
  if (figure === 'garbage') return `${value} B`;
  return `${formatRatio(value, bound)}×`;
}
