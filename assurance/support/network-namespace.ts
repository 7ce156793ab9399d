import { ip } from '../../bench/measure/veth-pair.ts';
import { missingTool } from '../../test/support/child-process.ts';
import type { Cleanup } from './cleanup.ts';

/** One wire between this namespace and another one. */
export interface Wire {
  /** Name of the interface at the other end. */
  readonly name: string;
  /** Address at this end. */
  readonly here: string;
  /** Address at the other end. */
  readonly there: string;
}

/** A network namespace with wires to this one, all gone at the end. */
export class NetworkNamespace {
  readonly name: string;
  readonly wires: readonly Wire[];

  /** @param count - wires, each a network of its own. */
  constructor(cleanup: Cleanup, count: number) {
    this.name = `turnpike-fault-${process.pid}`;
    ip('netns', 'add', this.name);
    cleanup.teardown(() => ip('netns', 'delete', this.name));
    this.run('ip', 'link', 'set', 'lo', 'up');
    this.wires = Array.from({ length: count }, (_, index) => this.#connect(cleanup, index));
  }

  /** What becomes a command in this namespace when another one is appended. */
  get launcher(): string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  /** Runs a command there; throws Error when it fails. */
  run(...command: readonly string[]): void {
    ip('netns', 'exec', this.name, ...command);
  }

  #connect(cleanup: Cleanup, index: number): Wire {
    const [own, name] = [`tpf${process.pid}h${index}`, `wire${index}`];
    const [here, there] = [`198.18.${index}.1`, `198.18.${index}.2`];
    ip('link', 'add', own, 'type', 'veth', 'peer', 'name', name, 'netns', this.name);
    cleanup.teardown(() => ip('link', 'delete', own));
    ip('address', 'add', `${here}/24`, 'dev', own);
    ip('link', 'set', own, 'up');
    this.run('ip', 'address', 'add', `${there}/24`, 'dev', name);
    this.run('ip', 'link', 'set', name, 'up');
    return { name, here, there };
  }
}

/** Says why there can be no network namespaces; false when there can. */
export function missingForNamespaces(): string | false {
  if (process.getuid?.() !== 0) return 'only root has network namespaces';
  return missingTool('ip', 'tc');
}
