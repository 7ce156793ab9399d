import { isDeepStrictEqual } from 'node:util';
import { OWN_ADDRESS_SETS_MAX } from '../limits.ts';
import type { OwnAddressData } from '../route/own-addresses.ts';
import type { PortRange } from '../route/port-ranges.ts';

/** What the gateway's own transport addresses are and were: allocations outlive the configuration they began with. */
export class OwnAddressHistory {
  /** The oldest first. */
  #sets: readonly (readonly OwnAddressData[])[] = [];

  /**
   * Notes the current ones and forgets the oldest beyond OWN_ADDRESS_SETS_MAX sets.
   *
   * @returns every address with the ports of all sets, the current addresses first.
   */
  note(current: readonly OwnAddressData[]): readonly OwnAddressData[] {
    const former = this.#sets.filter((set) => !isDeepStrictEqual(set, current));
    this.#sets = [...former, current].slice(-OWN_ADDRESS_SETS_MAX);
    const all = this.#sets.toReversed().flat();
    const ports = merged(all.flatMap((own) => own.ports));
    return [...new Set(all.map(({ address }) => address))].map((address) => ({ address, ports }));
  }
}

/** Sorted and disjoint ranges of the same ports. */
function merged(ranges: readonly PortRange[]): PortRange[] {
  const result: PortRange[] = [];
  for (const [min, max] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last !== undefined && min <= last[1] + 1) {
      result[result.length - 1] = [last[0], Math.max(last[1], max)];
    } else result.push([min, max]);
  }
  return result;
}
