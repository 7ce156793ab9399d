import type { HttpEndpoint } from './gateway-config.ts';

/** Where a WebRTC echo receives. */
export interface EchoAddress {
  /** IP address of this machine. */
  readonly ip: string;
  /** UDP ports, at least two; each carries one connection. */
  readonly minPort: number;
  readonly maxPort: number;
}

/** Where a WebRTC echo serves. */
export interface EchoOptions {
  /** Where it takes offers. */
  readonly endpoint: HttpEndpoint;
  readonly address: EchoAddress;
}
