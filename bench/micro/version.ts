import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { spawnPinned } from '../measure/pinned-process.ts';
import { PROCESSORS } from '../settings.ts';
import {
  ALLOCATION_OPTIONS,
  type AllocationFigure,
  type GroupOrder,
  type GroupSummary,
  type TimeFigure,
} from './protocol.ts';

const SCRIPT = 'bench/micro/measure.js';
const COMPILED = fileURLToPath(new URL('../../', import.meta.url));
const ALLOCATION_CALLS = 20_000;

/** Compiled micro benches with the sources they measure; every measurement runs in a process of its own. */
export class MicroVersion {
  readonly #script: string;

  /**
   * @param folder - a checkout, or the folder that it was compiled to; where this one was compiled to by default.
   * @throws Error when there are no compiled micro benches.
   */
  constructor(folder: string = COMPILED) {
    const candidates = [join(folder, SCRIPT), join(folder, 'dist-bench', SCRIPT)];
    const script = candidates.find((path) => existsSync(path));
    if (script === undefined) {
      throw new Error(`no micro benches in ${folder}: run npx tsc -p bench/tsconfig.json there`);
    }
    this.#script = script;
  }

  /** The groups that it can measure here. */
  groups(): Promise<GroupSummary[]> {
    return this.#execute({ kind: 'groups' });
  }

  /** Times the cases of a group. */
  time(group: string, filter: string, milliseconds: number): Promise<TimeFigure[]> {
    return this.#execute({ kind: 'time', group, filter, milliseconds });
  }

  /** Measures what the cases of a group allocate. */
  allocation(group: string, filter: string): Promise<AllocationFigure[]> {
    const order: GroupOrder = { kind: 'allocation', group, filter, calls: ALLOCATION_CALLS };
    return this.#execute(order, ALLOCATION_OPTIONS);
  }

  async #execute<Answer>(order: GroupOrder, options: readonly string[] = []): Promise<Answer> {
    const args = [...options, this.#script, JSON.stringify(order)];
    const command = { file: process.execPath, args };
    const child = spawnPinned(
      command,
      PROCESSORS.server.toString(),
      [],
      ['ignore', 'pipe', 'inherit'],
    );
    const [output, [code]] = await Promise.all([text(child.stdout!), once(child, 'exit')]);
    if (code !== 0) throw new Error(`${this.#script} failed: ${JSON.stringify(order)}`);
    return JSON.parse(output) as Answer;
  }
}
