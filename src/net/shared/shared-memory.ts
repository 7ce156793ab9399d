import type { SharedMemory } from '../data-plane.ts';
import { createDescriptorMemory } from './descriptor-ledger.ts';
import { createAnswerMemory } from './answer-limiter.ts';
import { createHeartbeatMemory } from './heartbeats.ts';
import { createQuotaMemory } from './quota-table.ts';
import { createReservationMemory } from './reservation-table.ts';
import { createUserRateMemory } from './user-rates.ts';

/** First port that has an owner in `SharedMemory.portOwnersIpv4` and `portOwnersIpv6`. */
export const RELAY_PORT_MIN = 1024;

/** Makes the memory that `workers` threads share. */
export function createSharedMemory(workers: number, statistics: SharedArrayBuffer): SharedMemory {
  const portCount = 65_536 - RELAY_PORT_MIN;
  return {
    statistics,
    quota: createQuotaMemory(workers),
    answers: createAnswerMemory(),
    userRates: createUserRateMemory(),
    heartbeats: createHeartbeatMemory(workers),
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
