/**
 * Writes a value as Go's `json.Encoder` does: `<`, `>`, `&`, U+2028 and U+2029 escaped, with a final newline.
 *
 * Keys keep the order in which the object has them.
 */
export function goJson(value: object): string {
  return `${JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, unicodeEscape)}\n`;
}

/** Quotes text as Go's `strconv.Quote` and `%q` do. */
export function goQuote(text: string): string {
  return `"${text.replace(/["\\]|(?! )[\p{C}\p{Z}]/gu, goEscape)}"`;
}

/**
 * Parses a decimal integer as Go's `strconv.ParseInt(text, 10, 64)` does.
 *
 * @returns the integer, or Go's error text.
 */
export function goParseInteger(text: string): bigint | string {
  if (!/^[+-]?[0-9]+$/.test(text)) return goNumberError(text, 'invalid syntax');
  const value = BigInt(text.replace('+', ''));
  return BigInt.asIntN(64, value) === value ? value : goNumberError(text, 'value out of range');
}

const SHORT_ESCAPES = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
]);

function goEscape(character: string): string {
  const short = SHORT_ESCAPES.get(character);
  if (short !== undefined) return short;
  const codePoint = character.codePointAt(0) ?? 0;
  if (codePoint < 0x20 || codePoint === 0x7f) return `\\x${hexadecimal(codePoint, 2)}`;
  return codePoint > 0xffff ? `\\U${hexadecimal(codePoint, 8)}` : unicodeEscape(character);
}

function unicodeEscape(character: string): string {
  return `\\u${hexadecimal(character.charCodeAt(0), 4)}`;
}

function hexadecimal(codePoint: number, digits: number): string {
  return codePoint.toString(16).padStart(digits, '0');
}

function goNumberError(text: string, reason: string): string {
  return `strconv.ParseInt: parsing ${goQuote(text)}: ${reason}`;
}
