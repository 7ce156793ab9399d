import { Arena } from './arena.ts';

let memory: Arena | undefined;

/** One page of this thread for arguments and results of a single call; whoever calls next overwrites it. */
export function scratch(): Arena {
  memory ??= new Arena(4096);
  return memory;
}
