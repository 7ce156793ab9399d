import type { Allocation, Client } from '../turn/allocation.ts';
import type { Now } from '../turn/policy.ts';
import type { TurnServer } from '../turn/turn-server.ts';

/** An allocation as operators see it; plain data. */
export interface Session {
  readonly id: string;
  readonly worker: number;
  readonly userId: string;
  readonly listener: string;
  readonly transport: string;
  /** Transport address of the client. */
  readonly client: string;
  /** Relayed transport addresses, at most one per family. */
  readonly relayed: readonly string[];
  readonly createdAtUnixSeconds: number;
  /** Seconds until it ends, unless it is refreshed. */
  readonly secondsLeft: number;
  /** Last second of its credential; undefined when that does not expire. */
  readonly credentialExpiresAtUnixSeconds: number | undefined;
  /** Granted beyond the quota of its user. */
  readonly isDegraded: boolean;
  /** Peer addresses that it may exchange data with. */
  readonly permissions: readonly string[];
  readonly channels: readonly { readonly number: number; readonly peer: string }[];
  /** From the client to peers. */
  readonly receivedPackets: number;
  readonly receivedBytes: number;
  /** From peers to the client. */
  readonly sentPackets: number;
  readonly sentBytes: number;
}

/** Which sessions are asked for. */
export interface SessionQuery {
  /** The owner, or who has shown the credential where a certificate names another owner. */
  readonly userId?: string | undefined;
  readonly listener?: string | undefined;
  /** Sessions in the answer at most. */
  readonly limit: number;
}

/** Some sessions, and how many there are that fit the query. */
export interface SessionPage {
  readonly sessions: readonly Session[];
  readonly total: number;
}

/** Which sessions are ended, and why; `userId` as in `SessionQuery`. */
export type SessionTarget = {
  readonly reason: 'kicked' | 'revoked';
} & ({ readonly id: string } | { readonly userId: string });

/** Picks the sessions of one worker that fit a query, the oldest first. */
export function findSessions(
  allocations: Iterable<Allocation>,
  { userId, listener, limit }: SessionQuery,
  worker: number,
  now: Now,
): SessionPage {
  const sessions: Session[] = [];
  let total = 0;
  for (const allocation of allocations) {
    if (allocation.state !== 'active') continue;
    if (userId !== undefined && !allocation.isOf(userId)) continue;
    if (listener !== undefined && allocation.client.endpoint.listener !== listener) continue;
    total++;
    if (sessions.length < limit) sessions.push(describeSession(allocation, worker, now));
  }
  return { sessions, total };
}

/** Puts the pages of several workers together, the oldest sessions first. */
export function mergePages(pages: readonly SessionPage[], limit: number): SessionPage {
  const sessions = pages.flatMap((page) => page.sessions);
  sessions.sort((a, b) => a.createdAtUnixSeconds - b.createdAtUnixSeconds);
  const total = pages.reduce((sum, page) => sum + page.total, 0);
  return { sessions: sessions.slice(0, limit), total };
}

/** True when an allocation is one of those that are to be ended. */
export function isTarget(allocation: Allocation, target: SessionTarget): boolean {
  return 'id' in target ? allocation.id === target.id : allocation.isOf(target.userId);
}

/** Ends those that are meant; returns their clients, whose connections are for the driver to close. */
export function endTarget(server: TurnServer, target: SessionTarget): Client[] {
  const isMeant = (allocation: Allocation): boolean => isTarget(allocation, target);
  const clients = [...server.allocations()].filter(isMeant).map(({ client }) => client);
  server.endAllocations(isMeant, target.reason);
  return clients;
}

function describeSession(allocation: Allocation, worker: number, now: Now): Session {
  const { client, traffic, credentialExpiresAtUnixSeconds: expiresAt } = allocation;
  return {
    id: allocation.id,
    worker,
    userId: allocation.userId,
    listener: client.endpoint.listener,
    transport: client.endpoint.transport,
    client: client.address.toString(),
    relayed: allocation.relays.map(({ relayedAddress }) => relayedAddress.toString()),
    createdAtUnixSeconds: allocation.createdAtUnixSeconds,
    secondsLeft: Math.max(0, Math.ceil((allocation.expiresAtMs - now.monotonicMs) / 1000)),
    credentialExpiresAtUnixSeconds: Number.isFinite(expiresAt) ? expiresAt : undefined,
    isDegraded: allocation.isDegraded,
    permissions: [...allocation.permissionByPeer.values()].map(({ peer }) => peer.ip()),
    channels: [...allocation.channelByNumber.values()].map(({ channelNumber, peer }) => {
      return { number: channelNumber, peer: peer.toString() };
    }),
    receivedPackets: traffic.receivedPackets,
    receivedBytes: traffic.receivedBytes,
    sentPackets: traffic.sentPackets,
    sentBytes: traffic.sentBytes,
  };
}
