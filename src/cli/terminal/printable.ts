/** Control characters but tab and line feed, and characters that change the direction of text. */
const UNPRINTABLE = /(?![\t\n])[\p{Cc}\p{Bidi_Control}]/gu;

/** Text for a terminal: what a client made up must not move the cursor or change colours. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '\uFFFD');
}

/** The same for a value on one line. */
export function printableLine(text: string): string {
  return printable(text).replace(/[\t\n]/g, ' ');
}
