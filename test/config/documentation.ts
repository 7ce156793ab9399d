import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseConfig } from '../../src/config/parse.ts';
import { jsonSchema } from '../../src/config/schema.ts';

interface SchemaNode {
  readonly description?: string;
  readonly default?: unknown;
  readonly pattern?: string;
  readonly examples?: readonly string[];
  readonly properties?: Record<string, SchemaNode>;
  readonly items?: SchemaNode;
}

/** Their keys are those of a listener's `tls`. */
const SHARED = new Set(['ice.tls', 'admin.api_tls']);

/** What docs/configuration.md has to say of each key below a node. */
function entriesOf(node: SchemaNode, path = ''): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const childPath = path === '' ? key : `${path}.${key}`;
    if (SHARED.has(childPath)) return [entryOf(child, childPath)];
    const below =
      child.items?.properties === undefined
        ? entriesOf(child, childPath)
        : entriesOf(child.items, `${childPath}[]`);
    return [entryOf(child, childPath), ...below];
  });
}

function entryOf(node: SchemaNode, path: string): string {
  const words = node.pattern === undefined ? [] : (node.examples ?? []);
  const oneOf = words.length === 0 ? '' : ` One of ${words.join(', ')}.`;
  const isContainer = (node.properties ?? node.items?.properties) !== undefined;
  const hasDefault = node.default !== undefined && !isContainer;
  const initial = hasDefault ? ` Default: \`${JSON.stringify(node.default)}\`.` : '';
  return `- \`${path}\`: ${node.description}${oneOf}${initial}`;
}

const page = readFileSync('docs/configuration.md', 'utf8');

t.test('docs/configuration.md describes every key as the schema does', (t) => {
  const written = page.replaceAll('\\', '').replaceAll(/\s+/g, ' ');
  const entries = entriesOf(jsonSchema());
  t.ok(entries.length > 120, `${entries.length} keys`);
  for (const entry of entries) t.ok(written.includes(entry), entry);
  const [keys = ''] = page.split('## What a reload changes');
  const documented = [...keys.matchAll(/^- `([\w.[\]]+)`: /gm)].map(([, path = '']) => path);
  const known = new Set(entries.map((entry) => entry.split('`')[1]));
  t.same(documented.filter((path) => !known.has(path)), [], 'and no key that is gone'); // prettier-ignore
  t.end();
});

t.test('its examples parse', (t) => {
  const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)];
  t.equal(blocks.length, 1);
  for (const [, block = ''] of blocks) {
    const text = `version: v1\nauth: { type: none }\n${block}`;
    const result = parseConfig(text, { fileName: 'page', environment: {}, readFile: () => '' });
    t.same('warnings' in result ? result.warnings : result.problems, [], block);
  }
  t.end();
});
