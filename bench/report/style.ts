import { darkPlotRules } from './palette.ts';

/** The style sheet of the page: light, dark where the reader prefers it, and light on paper. */
export const STYLE = `
:root {
  color-scheme: light;
  --page: #f6f8fa; --surface: #ffffff; --line: #d8dee4; --text: #1f2328; --muted: #59636e;
  --good: #116329; --good-page: #e6f6ea; --bad: #a40e26; --bad-page: #ffecec; --warn: #7d4e00; --warn-page: #fff5d6;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    color-scheme: dark;
    --page: #010409; --surface: #0d1117; --line: #2b323b; --text: #e6edf3; --muted: #9198a1;
    --good: #56d364; --good-page: #0f2418; --bad: #ff8f87; --bad-page: #2d1517; --warn: #e3b341; --warn-page: #2a2111;
  }
${darkPlotRules('.plot')}
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 0.9375rem/1.45 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
}
header, main, footer { max-width: 84rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 1.6rem; }
h1 { margin: 0; font-size: 1.6rem; letter-spacing: -0.01em; }
header p, footer { color: var(--muted); }
header p { margin: 0.15rem 0 0; }
section { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; margin: 1rem 0;
  padding: 1rem 1.25rem 1.25rem; }
h2 { margin: 0 0 0.5rem; font-size: 1.2rem; }
h3 { margin: 1.1rem 0 0.4rem; font-size: 1rem; }
p { margin: 0.3rem 0; }
small { display: block; font-size: 0.78rem; font-weight: 400; color: var(--muted); }
code { font: 0.85em ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace; overflow-wrap: anywhere; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--muted); font-size: 0.82rem; padding: 0 0 0.45rem; }
th, td { text-align: left; vertical-align: top; }
.scroll { overflow-x: auto; }
.summary { list-style: none; display: flex; flex-wrap: wrap; gap: 0.5rem; margin: 0.2rem 0 0.7rem; padding: 0; }
.summary li { border-radius: 99px; padding: 0.1rem 0.75rem; background: var(--page); color: var(--muted); }
.summary li.reached { background: var(--good-page); color: var(--good); }
.summary li.missed { background: var(--bad-page); color: var(--bad); }
.warning { background: var(--warn-page); color: var(--warn); border-radius: 6px; padding: 0.3rem 0.75rem; }
.fine { color: var(--muted); font-size: 0.82rem; }
.goals { width: 100%; min-width: 58rem; }
.goals th, .goals td { padding: 0.38rem 0.7rem; border-top: 1px solid var(--line); }
.goals thead th { border-top: 0; vertical-align: bottom; }
.goals th:first-child { padding-left: 0; width: 31%; }
.goals tbody th { font-weight: 600; }
.goals td { width: 23%; border-left: 3px solid transparent; }
.goals.own { margin-top: 1rem; }
.goals.own th:first-child { width: 54%; }
.goals.own td { width: auto; }
.goals.own small { display: inline; margin-left: 0.45rem; }
.goals td.reached { border-left-color: var(--good); }
.goals td.missed { border-left-color: var(--bad); background: var(--bad-page); }
.value { font-size: 1.15rem; font-weight: 650; margin-right: 0.3rem; }
.outcome, .goal { font-size: 0.82rem; white-space: nowrap; }
.outcome { font-weight: 600; }
.goal { color: var(--muted); margin-left: 0.3rem; }
.reached .value, .reached .outcome { color: var(--good); }
.missed .value, .missed .outcome { color: var(--bad); }
.notMeasured .value { color: var(--muted); font-weight: 400; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 31rem), 1fr)); gap: 0.9rem 1.5rem; }
.plot { margin: 0; overflow-x: auto; min-width: 0; }
.plot svg { display: block; width: 100%; min-width: 28rem; height: auto; }
figcaption { font-size: 0.88rem; font-weight: 600; margin-bottom: 0.3rem; }
figcaption span { font-weight: 400; color: var(--muted); margin-left: 0.35rem; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); gap: 0.4rem 2.5rem; }
.columns h3 { margin-top: 0.5rem; }
.columns ul { margin: 0; padding-left: 1.1rem; }
.columns li { margin: 0.15rem 0; overflow-wrap: anywhere; }
.facts { width: 100%; align-self: start; }
.facts th, .facts td { padding: 0.25rem 0.8rem 0.25rem 0; border-top: 1px solid var(--line); }
.facts th { font-weight: 400; color: var(--muted); white-space: nowrap; width: 8rem; }
.figures { font-size: 0.8rem; margin-top: 1rem; width: 100%; }
.figures caption { font-size: 0.95rem; font-weight: 600; color: var(--text); }
.figures th, .figures td { padding: 0.18rem 0.5rem; text-align: right; white-space: nowrap; font-weight: 400; }
.figures thead th { color: var(--muted); vertical-align: bottom; white-space: normal; }
.figures th:first-child, .figures th[scope='row'], .figures thead th:nth-child(2) { text-align: left; }
.figures tbody { border-top: 1px solid var(--line); }
.figures tbody tr:hover td { background: var(--page); }
footer { font-size: 0.85rem; padding-bottom: 2rem; }
@media print {
  @page { size: A4 landscape; margin: 12mm; }
  :root { font-size: 11.5px; }
  body { background: none; }
  header, main, footer { max-width: none; padding: 0; }
  section { border: 0; padding: 0; }
  .scroll, .plot { overflow: visible; }
  .goals { min-width: 0; }
  .plots { grid-template-columns: 1fr 1fr; }
  .plot svg { min-width: 0; }
  figure, tr, .columns > div { break-inside: avoid; }
  h2, h3, caption { break-after: avoid; }
  #figures { break-before: page; }
  .figures { font-size: 7.5px; }
  .figures th, .figures td { padding: 1px 3px; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
