/** The parts of the JSON Schema that docs/configuration.md tells of. */
export interface SchemaNode {
  readonly description?: string;
  readonly default?: unknown;
  readonly pattern?: string;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
}

/** Their keys are those of a listener's `tls`, and are told there. */
const TOLD_ELSEWHERE = new Set(['ice.tls', 'admin.api_tls']);

const COLUMNS_MAX = 120;
const LIST_OF_KEYS = /^- `([\w.[\]]+)`: .*\n(?:(?:- `|  \S).*\n)*/gm;

/**
 * Writes the lists of keys of a page anew, each where it stands: that of a section, or of the keys that are in none.
 *
 * @throws Error when a section has no list, or two.
 */
export function withKeyLists(page: string, schema: SchemaNode): string {
  const missing = new Set(['', ...sectionsOf(schema)]);
  const written = page.replaceAll(LIST_OF_KEYS, (list, first: string) => {
    const name = first.split(/[.[]/, 1)[0]!;
    const node = schema.properties?.[name];
    if (node === undefined) return list;
    const section = isSection(node) ? name : '';
    if (!missing.delete(section)) throw new Error(`a second list of ${section || 'other keys'}`);
    return keysOf(schema, section).map(wrapped).join('');
  });
  if (missing.size > 0) throw new Error(`no list of ${[...missing].join(', ')}`);
  return written;
}

function sectionsOf(schema: SchemaNode): string[] {
  const entries = Object.entries(schema.properties ?? {});
  return entries.filter(([, node]) => isSection(node)).map(([name]) => name);
}

function isSection(node: SchemaNode | undefined): boolean {
  return (node?.properties ?? node?.items?.properties) !== undefined;
}

/** Every key of a section, the section itself first; of no section, the keys beside the sections. */
function keysOf(schema: SchemaNode, section: string): string[] {
  const entries = Object.entries(schema.properties ?? {});
  return entries
    .filter(([name, node]) => (section === '' ? !isSection(node) : name === section))
    .flatMap(([name, node]) => linesOf(node, name));
}

function linesOf(node: SchemaNode, path: string): string[] {
  const line = `- \`${path}\`: ${textOf(node)}`;
  if (TOLD_ELSEWHERE.has(path)) return [line];
  const isList = node.items?.properties !== undefined;
  const below = Object.entries((isList ? node.items : node)?.properties ?? {});
  const prefix = isList ? `${path}[]` : path;
  return [line, ...below.flatMap(([key, child]) => linesOf(child, `${prefix}.${key}`))];
}

function textOf(node: SchemaNode): string {
  const words = node.pattern === undefined ? [] : (node.examples ?? []);
  const oneOf = words.length === 0 ? '' : ` One of ${words.join(', ')}.`;
  const hasDefault = node.default !== undefined && !isSection(node);
  return `${node.description}${oneOf}${hasDefault ? ` Default: \`${JSON.stringify(node.default)}\`.` : ''}`;
}

function wrapped(text: string): string {
  // A line that begins with one of these would be another list.
  const [first = '', ...words] = text.split(/ (?![*+-] )/);
  const lines = [first];
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`;
    if (longer.length <= COLUMNS_MAX) lines[lines.length - 1] = longer;
    else lines.push(`  ${word}`);
  }
  return `${lines.join('\n')}\n`;
}
