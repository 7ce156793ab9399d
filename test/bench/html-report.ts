import t, { type Test } from 'tap';
import type { Report } from '../../bench/report-data.ts';
import { GOALS } from '../../bench/report/goal-table.ts';
import { formatHeadlinePlot } from '../../bench/report/headline-plot.ts';
import { formatHtmlReport } from '../../bench/report/html-report.ts';
import { escapeText } from '../../bench/report/markup.ts';
import { darkPlotRules } from '../../bench/report/palette.ts';
import { serverLabel, serverNames } from '../../bench/report/server-names.ts';
import { MADE_UP_SERVERS, madeUpReport } from '../support/report-fixture.ts';
import { childrenOf, parsePage, textOf, type PageElement } from '../support/report-markup.ts';

const HOSTILE = `<img src=x onerror="alert(1)">&'`;

t.test('a page with everything', async (t) => {
  const report = madeUpReport();
  const page = formatHtmlReport(report);
  const elements = expectTidyPage(t, page);
  const goals = elements.find((element) => element.attributes.get('id') === 'goals')!;
  for (const { title } of GOALS) t.match(textOf(goals), title, 'has the goal');
  t.match(textOf(goals), '0.50×');
  t.match(textOf(goals), '✓ reached');
  t.match(textOf(goals), '✗ missed');
  t.match(textOf(goals), 'the generator was the limit');
  for (const name of serverNames(report))
    t.match(page, serverLabel(report, name), 'has the server');
  for (const figures of [...report.relay, ...report.highestRates]) {
    if (!page.includes(figures.case.name)) t.fail(`${figures.case.name} is missing`);
  }
  const sections = elements.filter(({ name }) => name === 'section');
  t.strictSame(
    sections.map(({ attributes }) => attributes.get('id')),
    ['goals', 'plots', 'machine', 'notes', 'figures'],
  );
  for (const chapter of ['CPU per packet', 'Latency', 'Loss', 'Highest rate', 'Allocations']) {
    const found = elements.find((each) => each.name === 'h3' && textOf(each).startsWith(chapter));
    t.ok(found, `has plots of ${chapter}`);
  }
});

t.test('texts are shown as they are, whatever they contain', async (t) => {
  const servers = [...MADE_UP_SERVERS, { ...MADE_UP_SERVERS[3]!, name: HOSTILE, version: '</td>' }];
  const report = pacedOnly(madeUpReport(servers));
  const page = formatHtmlReport({
    ...report,
    command: HOSTILE,
    startedAt: HOSTILE,
    tlsCipher: HOSTILE,
    machine: { ...report.machine, processor: HOSTILE, kernel: HOSTILE },
    skipped: { [HOSTILE]: HOSTILE },
    failures: [{ server: HOSTILE, case: HOSTILE, round: 1, reason: HOSTILE }],
    relay: report.relay.map((figures) => ({
      ...figures,
      case: { ...figures.case, name: `${HOSTILE}${figures.case.name}`, group: HOSTILE },
    })),
  });
  expectTidyPage(t, page);
  t.notMatch(page, '<img');
  t.match(page, escapeText(HOSTILE));
});

t.test('a page about Turnpike alone, and about nothing', async (t) => {
  const alone = madeUpReport(MADE_UP_SERVERS.filter(({ name }) => name === 'turnpike'));
  const goals = sectionText(expectTidyPage(t, formatHtmlReport(alone)), 'goals');
  t.match(goals, 'n/a');
  t.match(goals, 'not there');
  t.match(goals, '✓ reached');
  const nothing = { relay: [], direct: [], highestRates: [], memory: [], garbage: [] };
  const empty = expectTidyPage(t, formatHtmlReport({ ...alone, ...nothing, rounds: 1 }));
  t.match(sectionText(empty, 'goals'), 'Medians of 1 round');
  t.notMatch(sectionText(empty, 'goals'), 'reached');
  t.notOk(empty.some(({ name }) => name === 'svg'));
});

t.test('notes name what was left out and where the generator was the limit', async (t) => {
  const report: Report = {
    ...pacedOnly(madeUpReport()),
    network: 'veth',
    skipped: { pion: 'no Go' },
    failures: [{ server: 'coturn', case: 'udp up', round: 2, reason: 'it ended' }],
  };
  const notes = sectionText(expectTidyPage(t, formatHtmlReport(report)), 'notes');
  t.match(notes, 'pion: no Go');
  t.match(notes, 'udp up, coturn, round 2: it ended');
  t.match(notes, 'udp down 8 x 1100 B highest rate: C + UDP_SEGMENT');
  t.match(notes, 'between them is a veth pair');
  t.match(notes, '0.10 and 1.20');
});

t.test('the plot of the README', async (t) => {
  const plot = formatHeadlinePlot(madeUpReport());
  const { elements, problems } = parsePage(plot);
  t.strictSame(problems, []);
  expectColoursForDarkPages(t, elements);
  t.match(plot, darkPlotRules('svg'));
  for (const label of ['Turnpike', 'C reference', 'coturn 4.6.1', 'coturn 4.17.1']) {
    t.match(plot, `>${label}</text>`);
  }
  t.notMatch(plot, 'node-turn');
  t.throws(() => formatHeadlinePlot({ ...madeUpReport(), relay: [] }), /no paced cases/);
});

/** A smaller page is sooner parsed. */
function pacedOnly(report: Report): Report {
  return { ...report, relay: report.relay.filter((figures) => figures.case.group === 'paced') };
}

/** Well-formed, self-contained, and readable without seeing it or in the dark. */
function expectTidyPage(t: Test, page: string): readonly PageElement[] {
  const { elements, problems } = parsePage(page);
  t.strictSame(problems, [], 'is well-formed');
  const names = new Set(elements.map(({ name }) => name));
  for (const name of ['script', 'link', 'img', 'iframe'])
    t.notOk(names.has(name), `has no ${name}`);
  t.notOk(elements.some(({ attributes }) => attributes.has('href') || attributes.has('src')));
  t.notMatch(page, /url\((?!#)|@import/, 'loads nothing');

  const ids = elements.flatMap(({ attributes }) => attributes.get('id') ?? []);
  t.equal(new Set(ids).size, ids.length, 'ids are unique');
  const references = elements.flatMap(
    ({ attributes }) => attributes.get('aria-labelledby')?.split(' ') ?? [],
  );
  t.strictSame(
    references.filter((id) => !ids.includes(id)),
    [],
    'labels exist',
  );

  for (const table of elements.filter(({ name }) => name === 'table')) {
    const [caption] = childrenOf(table);
    if (caption?.name !== 'caption' || textOf(caption) === '') t.fail('a table has no caption');
  }
  for (const head of elements.filter(({ name }) => name === 'th')) {
    if (!head.attributes.has('scope')) t.fail(`a head has no scope: ${textOf(head)}`);
  }
  for (const drawing of elements.filter(({ name }) => name === 'svg')) {
    const [title, description] = childrenOf(drawing);
    const isNamed = title?.name === 'title' && description?.name === 'desc';
    if (!isNamed || textOf(title) === '' || textOf(description) === '')
      t.fail('a plot has no name');
    if (drawing.attributes.get('role') !== 'img') t.fail('a plot has no role');
  }
  expectColoursForDarkPages(t, elements);
  return elements;
}

/** Style sheets give every visible colour of a plot its counterpart. */
function expectColoursForDarkPages(t: Test, elements: readonly PageElement[]): void {
  const rules = darkPlotRules('');
  const hidden = new Set(['none', '#000', 'rgb(0,0,0)']);
  const colours = elements.flatMap(({ attributes }) =>
    ['fill', 'stroke'].flatMap((property) => {
      const colour = attributes.get(property);
      return colour === undefined || hidden.has(colour) ? [] : [`[${property}="${colour}"]`];
    }),
  );
  t.strictSame(
    [...new Set(colours)].filter((selector) => !rules.includes(selector)),
    [],
    'colours have a dark counterpart',
  );
  const texts = elements.filter(({ name }) => name === 'text');
  t.ok(
    texts.every(({ attributes }) => !hidden.has(attributes.get('fill') ?? 'none')),
    'texts have a colour',
  );
}

function sectionText(elements: readonly PageElement[], id: string): string {
  return textOf(elements.find(({ attributes }) => attributes.get('id') === id)!);
}
