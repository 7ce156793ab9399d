import { readFileSync } from 'node:fs';
import t from 'tap';
import { parse as parseYaml } from 'yaml';
import { withKeyLists } from '../../scripts/configuration-page.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { jsonSchema } from '../../src/config/schema.ts';
import { documentPages } from '../support/document-pages.ts';

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

t.test('its lists of keys are what npm run docs:config writes', (t) => {
  t.equal(withKeyLists(page, jsonSchema()), page);
  const schema = { properties: { a: { description: 'A.' }, b: { properties: {} } } };
  t.equal(
    withKeyLists('- `a`: old\n  text\n\n- `b`: c\n', schema),
    '- `a`: A.\n\n- `b`: undefined\n',
  );
  t.throws(() => withKeyLists('- `a`: old\n', schema), /no list of b/);
  t.throws(() => withKeyLists('- `a`: 1\n\n- `z`: 2\n\n- `a`: 3\n', schema), /second list/);
  t.end();
});

t.test('every configuration in a page is one', (t) => {
  let count = 0;
  for (const name of documentPages()) {
    const blocks = [...readFileSync(name, 'utf8').matchAll(/^( *)```yaml\n([^]*?)^\1```$/gm)];
    for (const [, indentation = '', indented = ''] of blocks) {
      const block = indented.replaceAll(new RegExp(`^${indentation}`, 'gm'), '');
      if (!isConfiguration(block)) continue;
      count += 1;
      t.same(problemsOf(block), [], `${name}\n${block}`);
    }
  }
  t.ok(count > 10, `${count} configurations`);
  t.end();
});

/** Tells those of this product from files of Kubernetes, Envoy and others. */
function isConfiguration(block: string): boolean {
  const known = Object.keys(jsonSchema()['properties'] as object);
  return Object.keys((parseYaml(block) as object | null) ?? {}).every((key) => known.includes(key));
}

/** Parts of a configuration are given what they refer to. */
function problemsOf(block: string): unknown[] {
  const written = parseYaml(block) as Readonly<Record<string, unknown>>;
  const listeners = (written['listeners'] ?? []) as readonly { routes?: readonly string[] }[];
  const clusters = [...new Set(listeners.flatMap(({ routes = [] }) => routes))];
  const additions: Record<string, string> = {
    version: 'version: v1\n',
    auth: 'auth: { type: none }\n',
    clusters: `clusters: [${clusters.map((name) => `{ name: ${name} }`).join(', ')}]\n`,
  };
  const missing = Object.keys(additions).filter((key) => !(key in written));
  const text = missing.map((key) => additions[key]).join('') + block;
  const environment = { TURN_SECRET: 'a secret of 16 bytes', TURNPIKE_ADMIN_TOKEN: 'token' };
  const result = parseConfig(text, { fileName: 'page', environment, readFile: () => 'unused' });
  return 'problems' in result ? [...result.problems] : [...result.warnings];
}
