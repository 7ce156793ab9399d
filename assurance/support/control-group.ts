import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Owner } from '../../test/support/owner.ts';
import { poll } from '../../test/support/poll.ts';

const ROOT = '/sys/fs/cgroup';

/** What the kernel can bound for a group of processes. */
type Controller = 'cpu' | 'memory';

/** Says why a process cannot have bounds of its own; false when it can. */
export function missingControlGroup(controller: Controller): string | false {
  const isThere = existsSync(join(ROOT, controller, 'cgroup.procs'));
  return !isThere && `no ${controller} cgroups (v1) here`;
}

/** Bounds of the kernel for a process (cgroups v1); gone at the end, once the process is. */
export class ControlGroup {
  readonly #folder: string;

  constructor(owner: Owner, controller: Controller) {
    this.#folder = join(ROOT, controller, `turnpike-${process.pid}`);
    mkdirSync(this.#folder);
    owner.teardown(() => poll(() => this.#tryRemove(), Boolean));
  }

  /** What becomes a command within these bounds when another one is appended. */
  get launcher(): string[] {
    return ['sh', '-c', 'echo $$ > "$0"/cgroup.procs && exec "$@"', this.#folder];
  }

  /** Sets a file of the controller, such as `memory.limit_in_bytes`. */
  set(name: string, value: number): void {
    writeFileSync(join(this.#folder, name), String(value));
  }

  /** Reads a file of the controller that holds a number. */
  get(name: string): number {
    return Number(readFileSync(join(this.#folder, name), 'utf8'));
  }

  /** A group can go once the last process in it is gone. */
  #tryRemove(): boolean {
    try {
      rmdirSync(this.#folder);
      return true;
    } catch {
      return false;
    }
  }
}
