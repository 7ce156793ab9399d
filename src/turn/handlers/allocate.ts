import { ATTRIBUTE } from '../../stun/registry.ts';
import { IPV6, type TransportAddress } from '../../stun/transport-address.ts';
import { readAllocateWish, type AllocateWish } from '../allocate-wish.ts';
import { Allocation, Client } from '../allocation.ts';
import type { AllocationRefusal } from '../commands.ts';
import { setCredentialEnd } from '../credential-expiry.ts';
import type { QuotaRefusal, Reservation } from '../policy.ts';
import { rateOf } from '../rate-meter.ts';
import { discardReservation, startBinding, writeAllocateSuccess } from '../relay-binding.ts';
import type { Rejection, TurnRequest } from '../request.ts';
import type { TurnContext } from '../turn-context.ts';

const ID_BYTES = 8;

/**
 * Handles an Allocate request (RFC 8656 §7.2).
 *
 * @returns the rejection, or undefined when the answer is queued or will be once the relay sockets are bound.
 */
export function handleAllocate(context: TurnContext, request: TurnRequest): Rejection | undefined {
  const { client, message } = request;
  if (client.allocation !== undefined) return answerRepeated(context, request, client.allocation);
  if (isTunnelled(client.address)) return { code: 403 };
  const { isDontFragmentSupported, quota } = context.options;
  const wish = readAllocateWish(message, client.endpoint, isDontFragmentSupported);
  if ('code' in wish) return wish;

  const place = acquirePlace(context, request);
  if (typeof place !== 'string') return place;
  // Redeemed last, since a token that was taken cannot be given back to the worker that reserved the port.
  const reservation = wish.token === undefined ? undefined : redeem(context, client, wish.token);
  if (wish.token !== undefined && reservation === undefined) {
    quota.release(request.authenticated.credential.userId, client.address);
    return { code: 508 };
  }
  createAllocation(context, request, wish, reservation, place === 'degraded');
  return undefined;
}

/** Step 5: takes a reservation, which is of no use where its family is not relayed. */
function redeem(context: TurnContext, client: Client, token: string): Reservation | undefined {
  const reservation = context.options.reservations.take(token);
  if (reservation === undefined) return undefined;
  if (client.endpoint.relayAddressOf(reservation.family) !== undefined) return reservation;
  discardReservation(context, reservation);
  return undefined;
}

/** Step 2: the same transaction gets the same answer again, as of now, another one is a mismatch. */
function answerRepeated(
  context: TurnContext,
  request: TurnRequest,
  live: Allocation,
): Rejection | undefined {
  const { message, authenticated, now } = request;
  const isRetransmission = Buffer.compare(live.transactionId, message.copyTransactionId()) === 0;
  if (!isRetransmission || live.userId !== authenticated.credential.userId) return { code: 437 };
  if (live.state === 'binding') return context.drop('allocationBinding');
  const bytes = writeAllocateSuccess(context.writer, live, authenticated, now.monotonicMs);
  context.send(live.client, bytes);
  return undefined;
}

/** Steps 10 and 11: a place, one beyond the quota of the user, or a rejection. */
function acquirePlace(context: TurnContext, request: TurnRequest): 'own' | 'degraded' | Rejection {
  const { client } = request;
  const { userId } = request.authenticated.credential;
  const refuse = (reason: AllocationRefusal, rejection: Rejection): Rejection => {
    context.emit({ kind: 'allocationRefused', client, userId, reason });
    return rejection;
  };
  const { isDraining, alternateServers, degradedRate } = context.rules;
  if (isDraining) return refuse('draining', redirect(alternateServers, request));
  if (!client.endpoint.isOpen) return refuse('draining', { code: 508 });
  const { quota } = context.options;
  const refusal = quota.acquire(userId, client.address);
  if (refusal === undefined) return 'own';
  if (refusal === 'userQuotaReached' && degradedRate !== undefined) {
    const second = quota.acquire(userId, client.address, true);
    if (second === undefined) return 'degraded';
    return refuse(second, { code: CODE_OF_REFUSAL[second] });
  }
  return refuse(refusal, { code: CODE_OF_REFUSAL[refusal] });
}

const CODE_OF_REFUSAL: Readonly<Record<QuotaRefusal, 486 | 508>> = {
  userQuotaReached: 486,
  addressQuotaReached: 486,
  insufficientCapacity: 508,
};

/** Names a server of the client's own family, as the client needs one; one of the other may follow (RFC 8489 §10). */
function redirect(servers: readonly TransportAddress[], { client }: TurnRequest): Rejection {
  const [own, other] = [true, false].map((isOwn) =>
    servers.find((server) => (server.family === client.address.family) === isOwn),
  );
  if (own === undefined) return { code: 508 };
  return {
    code: 300,
    write: (writer) => {
      for (const server of [own, other]) {
        if (server !== undefined) writer.address(ATTRIBUTE.ALTERNATE_SERVER, server);
      }
    },
  };
}

function createAllocation(
  context: TurnContext,
  request: TurnRequest,
  wish: AllocateWish,
  reservation: Reservation | undefined,
  isDegraded: boolean,
): void {
  const { credential, credentialUserId } = request.authenticated;
  const { endpoint } = request.client;
  const { isConnected } = request.client;
  const client = isConnected
    ? request.client
    : new Client(endpoint, request.client.address.clone());
  const allocation = new Allocation({
    client,
    userId: credential.userId,
    credentialUserId,
    userRoutes: credential.routes,
    transactionId: request.message.copyTransactionId(),
    lifetimeSeconds: wish.lifetimeSeconds,
    isDegraded,
    rate: rateOf(context.rules, isDegraded),
    userMeter: context.options.rates.meterOf(credential.userId),
    credentialExpiresAtUnixSeconds: credential.expiresAtUnixSeconds,
    id: context.randomHex(ID_BYTES),
    now: request.now,
  });
  setCredentialEnd(context, allocation, request.now);
  allocation.addressError = wish.addressError;
  client.allocation = allocation;
  if (!isConnected) endpoint.allocationByClient.set(client.address, allocation);
  context.allocations.add(allocation);
  startBinding(
    context,
    allocation,
    request.authenticated,
    wish,
    reservation,
    request.now.monotonicMs,
  );
}

/** True for Teredo and 6to4 addresses, which a server must not accept as clients (RFC 8656 §21.4). */
function isTunnelled(address: TransportAddress): boolean {
  if (address.family !== IPV6) return false;
  const is6to4 = address.word0 >>> 16 === 0x2002;
  const isTeredo = address.word0 === 0x20010000;
  return is6to4 || isTeredo;
}
