import type { PortRange } from '../turn/relay-ports.ts';

/**
 * Counts the ports of a range that have an owner.
 *
 * @param owners - one byte for each port from `firstPort` on, see `RelayPorts`.
 */
export function countOwnedPorts(
  owners: SharedArrayBuffer,
  firstPort: number,
  { minPort, maxPort }: PortRange,
): number {
  const bytes = new Uint8Array(owners);
  let owned = 0;
  for (let port = Math.max(minPort, firstPort); port <= maxPort; port++) {
    if (bytes[port - firstPort] !== 0) owned++;
  }
  return owned;
}
