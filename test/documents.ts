import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { documentPages } from './support/document-pages.ts';

const PAGES = [...documentPages(), 'CONTRIBUTING.md', 'SECURITY.md'];

t.test('every link of a page leads somewhere', (t) => {
  let count = 0;
  for (const page of PAGES) {
    const text = readFileSync(page, 'utf8').replaceAll(/^ *```[^]*?^ *```$/gm, '');
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      count += 1;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : join(dirname(page), path);
      t.ok(existsSync(target), `${page}: ${link}`);
      if (anchor !== undefined) t.ok(anchorsOf(target).includes(anchor), `${page}: ${link}`);
    }
  }
  t.ok(count > 100, `${count} links`);
  t.end();
});

/** As web sites that show Markdown make them from headings. */
function anchorsOf(page: string): string[] {
  const headings = readFileSync(page, 'utf8').matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
}

t.test('the index leads to every page', (t) => {
  const index = readFileSync('docs/README.md', 'utf8');
  for (const name of readdirSync('docs')) {
    if (name.endsWith('.md') && name !== 'README.md') t.match(index, `](${name})`, name);
  }
  t.end();
});

/** Where the codes of an API are, and the page that lists them with their status. */
const APIS: readonly [source: string, page: string, prefix: string, count: number][] = [
  ['src/http/ice/errors.ts', 'docs/ice-api.md', 'ICE_ERR_', 13],
  ['src/http/admin/errors.ts', 'docs/admin-api.md', 'API_ERR_', 15],
  ['src/http/health/app.ts', 'docs/health.md', 'HEALTH_ERR_', 5],
];

t.test('every code of an HTTP API is described, and no other', (t) => {
  for (const [source, page, prefix, count] of APIS) {
    const codesIn = (file: string): string[] => {
      const found = readFileSync(file, 'utf8').matchAll(new RegExp(`${prefix}[A-Z_]*[A-Z]`, 'g'));
      return [...new Set([...found].map(([code]) => code))].toSorted();
    };
    t.same(codesIn(page), codesIn(source), page);
    t.ok(codesIn(source).length >= count, `${codesIn(source).length} codes`);
  }
  t.end();
});

t.test('with the status that it is answered with', (t) => {
  for (const [source, page] of APIS.slice(0, 2)) {
    const table = [...readFileSync(source, 'utf8').matchAll(/^ {2}(\w+_ERR_\w+): (\d{3}),$/gm)];
    t.ok(table.length >= 13, `${table.length} codes in ${source}`);
    const rows = readFileSync(page, 'utf8').split('\n');
    for (const [, code, status] of table) {
      const row = rows.find((line) => line.startsWith('|') && line.includes(`\`${code}\``));
      t.match(row?.split('|')[2], new RegExp(`^ ${status} +$`), `${code} in ${page}`);
    }
  }
  t.end();
});
