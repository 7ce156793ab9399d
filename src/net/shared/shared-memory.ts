import type { SharedMemory } from '../data-plane.ts';
import { createDescriptorMemory } from './descriptor-ledger.ts';
import { createQuotaMemory, type QuotaLimits } from './quota-table.ts';
import { createReservationMemory } from './reservation-table.ts';

/** Makes the memory that `workers` threads share. */
export function createSharedMemory(
  workers: number,
  relayPorts: { readonly minPort: number; readonly maxPort: number },
  quota: QuotaLimits,
): SharedMemory {
  const portCount = relayPorts.maxPort - relayPorts.minPort + 1;
  return {
    quota: createQuotaMemory(workers, quota),
    reservations: createReservationMemory(),
    descriptors: createDescriptorMemory(),
    portOwnersIpv4: new SharedArrayBuffer(portCount),
    portOwnersIpv6: new SharedArrayBuffer(portCount),
  };
}

/** Frees the relay ports that a dead worker (counting from 0) held. */
export function clearPortOwners(memory: SharedMemory, worker: number): void {
  for (const buffer of [memory.portOwnersIpv4, memory.portOwnersIpv6]) {
    const owners = new Uint8Array(buffer);
    for (let index = 0; index < owners.length; index++) {
      Atomics.compareExchange(owners, index, worker + 1, 0);
    }
  }
}
