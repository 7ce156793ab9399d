import { readdirSync, readFileSync } from 'node:fs';

/** Ids of the children of a process of which the command line has a word. */
export function childrenOf(parent: number, word: string): number[] {
  return readdirSync('/proc')
    .filter((id) => /^\d+$/.test(id) && isChild(id, parent, word))
    .map(Number);
}

function isChild(id: string, parent: number, word: string): boolean {
  try {
    const [, ppid] = /\) \w (\d+) /.exec(readFileSync(`/proc/${id}/stat`, 'utf8')) ?? [];
    return Number(ppid) === parent && readFileSync(`/proc/${id}/cmdline`, 'utf8').includes(word);
  } catch {
    // It has ended meanwhile.
    return false;
  }
}
