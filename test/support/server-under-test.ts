import type { TurnCredential } from './credentials.ts';
import { startCoturn } from './coturn-process.ts';
import { PEER_PORTS } from './free-ports.ts';
import { startGateway } from './gateway-process.ts';

/** What a test asks of a TURN server, whichever it is. */
export interface ServerOptions {
  /** How the gateway moves packets; other servers ignore it. */
  readonly mode: 'reactor' | 'portable';
  /** Shared secret of ephemeral credentials. */
  readonly secret: string;
  /** The only user, in place of ephemeral credentials. */
  readonly staticUser?: TurnCredential;
  /** Addresses to listen on, all on the same port, over UDP and TCP. */
  readonly listenAddresses: readonly string[];
  /** Addresses of relay sockets, one per family. */
  readonly relayAddresses: readonly string[];
  /** Peers that may be reached, as cluster endpoints. */
  readonly endpoints: readonly string[];
  /** Allocations per user; 0 means no quota. */
  readonly userQuota: number;
}

/** An entry of `iceServers` in a WebRTC configuration. */
export interface IceServer {
  readonly urls: string[];
  readonly username: string;
  readonly credential: string;
}

/** A running TURN server, closed with `stop`. */
export interface ServerUnderTest {
  /** Port of every listener. */
  readonly port: number;
  readonly realm: string;
  readonly secret: string;
  /** What the server has logged so far, line by line. */
  readonly lines: readonly string[];
  /** False once the process has ended. */
  readonly isAlive: boolean;
  /** Gets a credential for a user and the URIs of all listeners, as an app server would. */
  iceServer(user: string): Promise<IceServer>;
  /** Ends the server and removes its files. */
  stop(): Promise<unknown>;
}

/** Options of a server on IPv4 loopback that may reach every test peer there. */
export const LOOPBACK_SERVER: ServerOptions = {
  mode: 'reactor',
  secret: 'a-secret-for-tests-only',
  listenAddresses: ['127.0.0.1'],
  relayAddresses: ['127.0.0.1'],
  endpoints: [`127.0.0.1:${PEER_PORTS}`],
  userQuota: 0,
};

/** Options of a server on the loopback addresses of both families. */
export const DUAL_STACK_SERVER: ServerOptions = {
  ...LOOPBACK_SERVER,
  listenAddresses: ['127.0.0.1', '::1'],
  relayAddresses: ['127.0.0.1', '::1'],
  endpoints: [`127.0.0.1:${PEER_PORTS}`, `[::1]:${PEER_PORTS}`],
};

/** True when `TURNPIKE_TEST_SERVER=coturn` points the tests at coturn, to tell a fault of ours from one of the test. */
export const IS_COTURN_UNDER_TEST = process.env['TURNPIKE_TEST_SERVER'] === 'coturn';

/** Starts the server under test: the gateway, or coturn for comparison. */
export function startServer(options: Partial<ServerOptions> = {}): Promise<ServerUnderTest> {
  const complete = { ...LOOPBACK_SERVER, ...options };
  return IS_COTURN_UNDER_TEST ? startCoturn(complete) : startGateway(complete);
}
