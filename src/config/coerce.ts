import type { Path } from './problems.ts';

/** The parts of a JSON Schema that decide how scalars are read. */
interface SchemaNode {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
}

/**
 * Reads scalars as the schema wants them: `password: 0123` is text as written, `port: "3478"` a number, and a key
 * without value counts as absent unless null is accepted.
 *
 * @param value - plain data, changed in place.
 * @param scalarText - text of a scalar as written.
 * @returns the value, or the scalar that replaces it.
 */
export function coerce(
  value: unknown,
  schema: SchemaNode,
  scalarText: (path: Path) => string | undefined,
  path: Path = [],
): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return value;
    for (const [index, item] of value.entries()) {
      value[index] = coerce(item, items, scalarText, [...path, index]);
    }
    return value;
  }
  if (typeof value === 'object' && value !== null) {
    coerceEntries(value as Record<string, unknown>, schema, scalarText, path);
    return value;
  }
  return coerceScalar(value, typesOf(schema), () => scalarText(path));
}

function coerceEntries(
  entries: Record<string, unknown>,
  schema: SchemaNode,
  scalarText: (path: Path) => string | undefined,
  path: Path,
): void {
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    if (!Object.hasOwn(entries, key)) continue;
    if (entries[key] === null && !typesOf(child).includes('null')) delete entries[key];
    else entries[key] = coerce(entries[key], child, scalarText, [...path, key]);
  }
}

function coerceScalar(
  value: unknown,
  types: readonly string[],
  written: () => string | undefined,
): unknown {
  if (typeof value === 'string') {
    if (types.includes('integer') && /^\d{1,15}$/.test(value)) return Number(value);
    if (types.includes('number') && /^\d{0,3}\.?\d{1,15}$/.test(value)) return Number(value);
    if (types.includes('boolean') && (value === 'true' || value === 'false'))
      return value === 'true';
    return value;
  }
  const isScalar = typeof value === 'number' || typeof value === 'boolean';
  return isScalar && types.length === 1 && types[0] === 'string'
    ? (written() ?? String(value))
    : value;
}

function typesOf(schema: SchemaNode): string[] {
  return schema.anyOf?.flatMap(typesOf) ?? (schema.type === undefined ? [] : [schema.type]);
}
