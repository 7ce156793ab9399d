const FILE_RESULT = /^(not )?ok \d+ - (\S+)(?: # time=([\d.]+)ms)?/;
const SUMMARY = /^# \{ total: .*\}/;
const PASSED = /^\s*ok \d+/;
const EXIT_REASON = /^ {2}(?:exitCode|signal|timeout|expired): (?!null)/;
const SKIPPED = /^\s*ok \d+ - (.*?) # SKIP\s*(.*)$/;

/** Reads a raw TAP stream line by line: prints a line per test file and the whole story of a failed one. */
export class TapDigest {
  /** Assertions by result, as tap itself counts them; `todo` counts as skipped. */
  counts = { passed: 0, failed: 0, skipped: 0 };
  /** `name: reason` of every skipped test. */
  skips = [];
  #block = [];
  #afterFailure = false;
  #write;

  /** @param write - called with each line to print, without its newline. */
  constructor(write) {
    this.#write = write;
  }

  /** Takes the next line of the stream. */
  line(text) {
    if (/^\s|^$|^# Subtest/.test(text)) this.#subtestLine(text);
    else if (SUMMARY.test(text)) this.#count(text);
    else if (text.startsWith('Bail out!')) this.#write(text);
    else this.#fileResult(text);
  }

  #subtestLine(text) {
    if (text.startsWith('# Subtest')) this.#afterFailure = false;
    if (this.#afterFailure && EXIT_REASON.test(text)) this.#write(text);
    if (this.#afterFailure || text.trim() === '') return;
    const skip = SKIPPED.exec(text);
    if (skip) this.skips.push(skip[2] ? `${skip[1]}: ${skip[2]}` : skip[1]);
    if (!PASSED.test(text)) this.#block.push(text);
  }

  #fileResult(text) {
    const result = FILE_RESULT.exec(text);
    if (!result) return;
    const [, failed, file, milliseconds = '0'] = result;
    this.#write(
      `${failed ? 'FAIL' : ' ok '}  ${file}  ${(Number(milliseconds) / 1000).toFixed(1)} s`,
    );
    if (failed) for (const line of this.#block) this.#write(line);
    this.#block = [];
    this.#afterFailure = failed !== undefined;
  }

  #count(text) {
    const number = (name) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(text)?.[1] ?? 0);
    this.counts = {
      passed: number('pass'),
      failed: number('fail'),
      skipped: number('skip') + number('todo'),
    };
  }
}
