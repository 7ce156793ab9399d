/** Text of a shell command in quotes. */
export function shellText(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A word of a shell command; quoted where it needs to be. */
export function shellWord(word: string): string {
  return /^[\w:=,./@%+-]+$/.test(word) ? word : shellText(word);
}

/** Text of a Lua or a libconfig file, in double quotes. */
export function quotedText(text: string): string {
  return `"${text.replaceAll(/[\\"]/g, String.raw`\$&`).replaceAll('\n', String.raw`\n`)}"`;
}
