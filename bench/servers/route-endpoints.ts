import type { ServerSetup } from './server.ts';

/** Addresses that a server's route table is filled with, in the form of STUNner's `endpoints`; the peer is the last. */
export function routeEndpoints({ routes, addresses }: ServerSetup): string[] {
  const others = Array.from(
    { length: routes - 1 },
    (_, index) => `10.64.${index >> 8}.${index & 255}`,
  );
  return [...others, addresses.peer];
}
