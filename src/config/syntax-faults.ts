import type { ErrorCode } from 'yaml';

const STRAY =
  'cannot stand here; mind indentation, brackets and quotes, and quote text with special signs';
const INDENT =
  'is not indented as what it belongs to; entries of one map or list start in one column';
const ONE_LINE_KEY =
  'a key must end on the line where it starts, with a colon and a space behind it';
const PROPERTIES = 'quote text that starts with & or !';

/** The YAML library quotes the text in its messages, which may be a secret: none of them is passed on. */
const EXPLANATIONS: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: `an alias has neither anchor nor tag; ${PROPERTIES}`,
  BAD_ALIAS: 'an alias or anchor needs a name without a colon; quote text that starts with * or &',
  BAD_COLLECTION_TYPE: 'YAML tags are not accepted; quote text that starts with !',
  BAD_DIRECTIVE: 'is a YAML directive that is not understood; quote text that starts with %',
  BAD_DQ_ESCAPE: 'has an unknown escape; write \\\\ for a backslash, or use single quotes',
  BAD_INDENT: INDENT,
  BAD_PROP_ORDER: `an anchor or tag stands in the wrong place; ${PROPERTIES}`,
  BAD_SCALAR_START: 'text cannot start with this sign; quote it',
  BLOCK_AS_IMPLICIT_KEY:
    'a second key or a list cannot stand on this line; quote text with ": " in it',
  BLOCK_IN_FLOW:
    'inside { } and [ ] entries are separated by commas; quote text that starts with - or |',
  DUPLICATE_KEY: 'is given twice',
  IMPOSSIBLE: STRAY,
  KEY_OVER_1024_CHARS: ONE_LINE_KEY,
  MISSING_CHAR: 'a quote, bracket, comma, colon or space is missing here, or just before',
  MULTILINE_IMPLICIT_KEY: ONE_LINE_KEY,
  MULTIPLE_ANCHORS: `has two anchors; ${PROPERTIES}`,
  MULTIPLE_DOCS: 'only one YAML document is accepted',
  MULTIPLE_TAGS: `has two tags; ${PROPERTIES}`,
  NON_STRING_KEY: 'a key must be text',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'tabs cannot indent; use spaces',
  TAG_RESOLVE_FAILED: 'YAML tags are not accepted; quote text that starts with !',
  UNEXPECTED_TOKEN: STRAY,
};

/** Says what is wrong with the text where the YAML library stumbled, without any of the text itself. */
export function explainSyntax(code: ErrorCode): string {
  return EXPLANATIONS[code];
}

/** Says why the text makes no data although each line is right; the library's own words are not passed on. */
export function explainExpansion(error: unknown): string {
  return error instanceof ReferenceError
    ? 'an alias is repeated too often, or stands inside what it names'
    : 'what << names must be a map';
}
