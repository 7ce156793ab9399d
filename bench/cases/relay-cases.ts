import type { Direction, Transport } from '../load/protocol.ts';
import { RELAY_CLIENTS } from '../settings.ts';

/** A load that every server is put under. */
export interface RelayCase {
  readonly name: string;
  readonly transport: Transport;
  readonly clients: number;
  readonly direction: Direction;
  /** Undefined sends as fast as it goes. */
  readonly packetsPerSecond: number | undefined;
}

const DIRECTIONS = ['up', 'down'] as const;

/** Clients over UDP, paced and saturated, in both directions. */
export const DATAGRAM_CASES: readonly RelayCase[] = DIRECTIONS.flatMap((direction) =>
  [60_000, 100_000, undefined].map((packetsPerSecond) => ({
    name: `${direction} ${rateName(packetsPerSecond)}`,
    transport: 'udp',
    clients: RELAY_CLIENTS,
    direction,
    packetsPerSecond,
  })),
);

/** One and many clients over TCP and TLS, paced at what every server keeps up with and saturated, both directions. */
export const STREAM_CASES: readonly RelayCase[] = (['tcp', 'tls'] as const).flatMap((transport) =>
  [
    { clients: 1, rates: [20_000, 40_000] },
    { clients: RELAY_CLIENTS, rates: [40_000, 60_000] },
  ].flatMap(({ clients, rates }) =>
    DIRECTIONS.flatMap((direction) =>
      [...rates, undefined].map((packetsPerSecond) => ({
        name: `${transport} ${clients} ${direction} ${rateName(packetsPerSecond)}`,
        transport,
        clients,
        direction,
        packetsPerSecond,
      })),
    ),
  ),
);

function rateName(packetsPerSecond: number | undefined): string {
  return packetsPerSecond === undefined ? 'saturated' : `${packetsPerSecond / 1000} k/s`;
}
