/** A fenced block of shell commands in a page. */
export interface CommandBlock {
  /** The commands, without the indentation of the block. */
  readonly text: string;
  /** Line of the page that the block begins in. */
  readonly line: number;
  /** Why a test cannot run it; undefined when it can. */
  readonly notRun: string | undefined;
}

/** Finds every block that is marked as `sh`; a reason not to run it follows as `not run: REASON`. */
export function commandBlocks(page: string): CommandBlock[] {
  return [...page.matchAll(/^( *)```sh\b(.*)\n([^]*?)^\1```$/gm)].map((match) => {
    const [, indentation = '', mark = '', commands = ''] = match;
    return {
      text: commands.replaceAll(new RegExp(`^${indentation}`, 'gm'), ''),
      line: page.slice(0, match.index).split('\n').length,
      notRun: reasonOf(mark.trim()),
    };
  });
}

function reasonOf(mark: string): string | undefined {
  if (mark === '') return undefined;
  const [, reason] = /^not run: (.+)$/.exec(mark) ?? [];
  if (reason === undefined) throw new Error(`"sh ${mark}" is neither sh nor sh not run: REASON`);
  return reason;
}
