import { setTimeout as pause } from 'node:timers/promises';
import { openDescriptors } from '../../test/support/process-usage.ts';
import type { Finding } from '../scenario.ts';
import type { LiveGateway } from './live-gateway.ts';

/** A stranger that has vanished without a word is given up after half a minute. */
const ENDING_SECONDS_MAX = 60;

/** What a gateway holds for clients. */
interface Held {
  readonly allocations: number;
  readonly ports: number;
  readonly descriptors: number;
}

/** Remembers what a gateway holds, to see later whether anything was left behind. */
export class Leftovers {
  readonly #gateway: LiveGateway;
  readonly #before: Held;

  private constructor(gateway: LiveGateway, before: Held) {
    this.#gateway = gateway;
    this.#before = before;
  }

  /** Looks at a gateway before anything happens. */
  static async before(gateway: LiveGateway): Promise<Leftovers> {
    // What is asked opens connections to the HTTP ports that stay open: once before it counts.
    await heldBy(gateway);
    return new Leftovers(gateway, await heldBy(gateway));
  }

  /** Looks again, for as long as things may take to end. */
  async finding(): Promise<Finding> {
    const before = this.#before;
    const isBack = (held: Held): boolean =>
      held.allocations <= before.allocations &&
      held.ports <= before.ports &&
      held.descriptors <= before.descriptors;
    let held = await heldBy(this.#gateway);
    for (let waited = 0; !isBack(held) && waited < ENDING_SECONDS_MAX; waited++) {
      await pause(1000);
      held = await heldBy(this.#gateway);
    }
    return {
      what: 'left behind',
      figure: `${textOf(held)}; before ${textOf(before)}`,
      bound: 'no more than before',
      holds: isBack(held),
    };
  }
}

async function heldBy(gateway: LiveGateway): Promise<Held> {
  return {
    allocations: await gateway.metric('stunner_allocations_active'),
    ports: await gateway.metric('turnpike_relay_ports_used'),
    descriptors: openDescriptors(gateway.process.child.pid),
  };
}

function textOf({ allocations, ports, descriptors }: Held): string {
  return `${allocations} allocations, ${ports} relay ports, ${descriptors} descriptors`;
}
