import type { TArray, TObject, TProperties, TSchema } from 'typebox';
import { DURATION_FORM } from './durations.ts';
import { Type } from './schema-types.ts';

/** Description of keys that do nothing here. */
export const IGNORED = 'Accepted from STUNner files and ignored.';

/** Text of any kind. */
export function text(description: string, options: { default?: string; examples?: string[] } = {}) {
  return Type.Optional(Type.String({ description, ...options, errorMessage: 'must be text' }));
}

/** A name that other parts of the file, logs and metrics use; never empty. */
export function name(description: string) {
  return Type.String({
    description,
    minLength: 1,
    maxLength: 253,
    pattern: '^[^\\u0000-\\u001f\\u007f]*$',
    errorMessage: 'must be text of 1 to 253 characters without control characters',
  });
}

/** One of some words, in any letter case; empty text counts as absent. */
export function choice(words: readonly string[], description: string, defaultWord?: string) {
  return Type.Optional(Type.String(choiceOptions(words, description, defaultWord)));
}

/** A list of words of a fixed set, in any letter case; empty only where that is the default. */
export function choices(words: readonly string[], description: string, defaults: string[]) {
  const item = Type.String(choiceOptions(words, `One of ${words.join(', ')}.`));
  const bounds = defaults.length > 0 ? { minItems: 1 } : {};
  return list(item, description, { ...bounds, default: defaults });
}

/** A whole number within bounds. */
export function integer(
  description: string,
  bounds: { minimum: number; maximum: number; default?: number },
) {
  return Type.Optional(
    Type.Integer({
      description,
      ...bounds,
      errorMessage: `must be a whole number from ${bounds.minimum} to ${bounds.maximum}`,
    }),
  );
}

/** Something per second; 0 is no limit. */
export function rate(description: string, defaultValue = 0) {
  return integer(description, { minimum: 0, maximum: 2_000_000_000, default: defaultValue });
}

/** A TCP or UDP port. */
export function port(description: string, options: { default?: number } = {}) {
  return integer(description, { minimum: 1, maximum: 65_535, ...options });
}

/** A switch. */
export function flag(description: string, defaultValue: boolean) {
  return Type.Optional(
    Type.Boolean({ description, default: defaultValue, errorMessage: 'must be true or false' }),
  );
}

/** A share of a whole. */
export function share(
  description: string,
  bounds: { minimum: number; maximum: number; default: number },
) {
  return Type.Optional(
    Type.Number({
      description,
      ...bounds,
      errorMessage: `must be a number from ${bounds.minimum} to ${bounds.maximum}`,
    }),
  );
}

/** The URL of an HTTP endpoint that can be switched off. */
export function optionalUrl(description: string, defaultText: string) {
  return Type.Optional(
    Type.Union([Type.String(), Type.Null()], {
      description,
      default: defaultText,
      errorMessage: 'must be a URL, empty text or null',
    }),
  );
}

/** A duration as text or seconds. */
export function duration(description: string, defaultText: string, { minimum = 1 } = {}) {
  return Type.Optional(
    Type.Union(
      [Type.Integer({ minimum }), Type.String({ pattern: '^(\\d+|(\\d+h)?(\\d+m)?(\\d+s)?)$' })],
      { description, default: defaultText, errorMessage: `must be ${DURATION_FORM}` },
    ),
  );
}

/** A list of texts. */
export function texts(
  description: string,
  options: { default?: string[]; examples?: string[][] } = {},
) {
  return list(Type.String({ errorMessage: 'must be text' }), description, options);
}

/** One text or a list of texts. */
export function textOrTexts(description: string) {
  return Type.Optional(
    Type.Union([Type.String(), Type.Array(Type.String())], {
      description,
      errorMessage: 'must be text or a list of texts',
    }),
  );
}

/** A list. */
export function list<Item extends TSchema>(
  item: Item,
  description: string,
  options: { minItems?: number; default?: unknown; examples?: string[][] } = {},
) {
  const message =
    options.minItems === 1 ? 'must be a list with at least one entry' : 'must be a list';
  return Type.Optional<TArray<Item>>(
    Type.Array(item, { description, ...options, errorMessage: message }),
  );
}

/** A map that accepts the given keys only. */
export function section<Properties extends TProperties>(
  description: string,
  properties: Properties,
): TObject<Properties> {
  return Type.Object(properties, {
    description,
    additionalProperties: false,
    errorMessage: `must be a map with the keys ${Object.keys(properties).join(', ')}`,
  });
}

/** The pattern of some words in any letter case, or empty text. */
export function anyCasePattern(words: readonly string[]): string {
  return `^(${words.map(anyCase).join('|')})?$`;
}

function choiceOptions(words: readonly string[], description: string, defaultWord?: string) {
  return {
    description,
    ...(defaultWord === undefined ? {} : { default: defaultWord }),
    examples: [...words],
    pattern: anyCasePattern(words),
    errorMessage: `must be one of ${words.join(', ')}`,
  };
}

/** JSON Schema patterns have no flag for letter case. */
function anyCase(word: string): string {
  const literal = word.replaceAll('.', '\\.');
  return literal.replace(/[a-z]/gi, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`);
}
