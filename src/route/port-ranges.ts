/** Ports from the first to the second, both included. */
export type PortRange = readonly [min: number, max: number];

const PORT_MIN = 1;
const PORT_MAX = 65_535;

/** A set of ports held as sorted, disjoint ranges. Port 0 is in no set. */
export class PortRanges {
  /** min, max, min, max, … */
  readonly #bounds: Uint16Array;

  /** @throws RangeError when a bound is no port or a range ends before it begins. */
  constructor(ranges: readonly PortRange[]) {
    const bounds: number[] = [];
    for (const [min, max] of ranges.map(checkedRange).toSorted((a, b) => a[0] - b[0])) {
      const last = bounds.at(-1);
      if (last !== undefined && min <= last + 1) bounds[bounds.length - 1] = Math.max(last, max);
      else bounds.push(min, max);
    }
    this.#bounds = Uint16Array.from(bounds);
  }

  /** True when the port is in one of the ranges; finds it by bisection. */
  has(port: number): boolean {
    const bounds = this.#bounds;
    let low = 0;
    let high = bounds.length >>> 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const max = bounds[middle * 2 + 1] ?? 0;
      if (max < port) low = middle + 1;
      else high = middle;
    }
    const min = bounds[low * 2];
    return min !== undefined && port >= min && port <= PORT_MAX;
  }
}

function checkedRange([min, max]: PortRange): PortRange {
  const isValid =
    Number.isInteger(min) && Number.isInteger(max) && min >= 0 && min <= max && max <= PORT_MAX;
  if (!isValid) throw new RangeError(`not a port range: ${min}-${max}`);
  return [Math.max(min, PORT_MIN), max];
}
