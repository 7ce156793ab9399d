import type { Path } from './problems.ts';
import { MASK } from './redact-values.ts';
import { FileSchema } from './schema.ts';
import { nearestMatch } from './suggest.ts';

const KEY_CHARACTERS_MAX = 64;
/** Of secrets that people make up: one may resemble the key. */
const CHOSEN_SECRETS = ['password', 'secret', 'secrets'];
/** Of secrets that resemble no key. */
const RANDOM_SECRETS = ['api_keys', 'api_token', 'key_passphrase'];

/** The parts of a JSON Schema that tell which keys there are. */
interface SchemaNode {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
}

/**
 * The path with a mask for keys that may be secrets: unknown ones that look like no key, that stand in what is no
 * section at all, or in one with secrets where they resemble none that is accepted.
 */
export function shownPath(path: Path): Path {
  let node: SchemaNode | undefined = FileSchema as SchemaNode;
  return path.map((segment) => {
    const parent: SchemaNode | undefined = node;
    node = childOf(parent, segment);
    const isShown =
      typeof segment === 'number' || node !== undefined || isHarmless(segment, parent);
    return isShown ? segment : MASK;
  });
}

function childOf(node: SchemaNode | undefined, segment: string | number): SchemaNode | undefined {
  if (typeof segment === 'number') return node?.items;
  const properties = node?.properties ?? {};
  return Object.hasOwn(properties, segment) ? properties[segment] : undefined;
}

function isHarmless(key: string, parent: SchemaNode | undefined): boolean {
  const siblings = parent?.properties;
  if (siblings === undefined || key.length > KEY_CHARACTERS_MAX) return false;
  if (!/^[\w.-]+$/.test(key)) return false;
  const has = (names: readonly string[]): boolean =>
    names.some((name) => Object.hasOwn(siblings, name));
  if (has(CHOSEN_SECRETS)) return false;
  return !has(RANDOM_SECRETS) || nearestMatch(key, Object.keys(siblings)) !== undefined;
}
