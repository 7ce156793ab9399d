import assert from 'node:assert';
import type { StunWriter } from '../stun/message-writer.ts';
import { ATTRIBUTE, METHOD } from '../stun/registry.ts';
import type { AddressFamily } from '../stun/transport-address.ts';
import { RELAY_BIND_ATTEMPTS_MAX, RESERVATION_LIFETIME_SECONDS } from '../limits.ts';
import { RESERVATION_TOKEN_BYTES, type AllocateWish } from './allocate-wish.ts';
import { Relay, type Allocation } from './allocation.ts';
import type { Authenticated } from './authentication.ts';
import { toldLifetime } from './credential-expiry.ts';
import { closeRelay, endAllocation } from './lifecycle.ts';
import { after } from './lifetime.ts';
import type { MonotonicMs, Reservation } from './policy.ts';
import type { PortWish } from './relay-ports.ts';
import { answerRejection, writeSuccess } from './request.ts';
import { HeldReservation } from './reservation.ts';
import type { TurnContext } from './turn-context.ts';

/** An Allocate request that waits for its relay sockets. */
export interface PendingAllocate {
  readonly authenticated: Authenticated;
  readonly port: PortWish;
  /** Relays whose socket has neither been bound nor given up. */
  outstanding: number;
  attemptsLeft: number;
}

/** Asks the driver for the sockets of a new allocation; the Allocate is answered when all are bound or given up. */
export function startBinding(
  context: TurnContext,
  allocation: Allocation,
  authenticated: Authenticated,
  wish: AllocateWish,
  reservation: Reservation | undefined,
  now: MonotonicMs,
): void {
  const families = reservation === undefined ? wish.families : [reservation.family];
  const pending: PendingAllocate = {
    authenticated,
    port: wish.port,
    outstanding: families.length,
    // No other port can stand in for the reserved one.
    attemptsLeft: reservation === undefined ? RELAY_BIND_ATTEMPTS_MAX : 0,
  };
  allocation.pending = pending;
  for (const family of families) {
    const relay = addRelay(allocation, family);
    if (reservation === undefined) bindSomePort(context, relay, pending, now);
    else adopt(context, relay, reservation);
  }
}

/** The driver has bound the socket of a relay, and the one of the next port when it was asked to. */
export function relayBound(
  context: TurnContext,
  relay: Relay,
  handle: number,
  nextHandle: number | undefined,
  now: MonotonicMs,
): void {
  const { allocation } = relay;
  relay.handle = handle;
  if (nextHandle !== undefined) holdNextPort(context, relay, nextHandle, now);
  if (allocation.isGone) closeRelay(context, relay);
  else settle(context, allocation, now);
}

/** The driver could not bind the socket of a relay; another port is tried as long as ports are the trouble. */
export function relayFailed(
  context: TurnContext,
  relay: Relay,
  isPortTaken: boolean,
  now: MonotonicMs,
): void {
  const { allocation } = relay;
  const { pending } = allocation;
  if (pending === undefined) return;
  const ports = context.portsOf(relay.family);
  ports.release(relay.port);
  if (pending.port === 'evenWithNext') ports.release(relay.port + 1);
  if (allocation.isGone) return;
  if (isPortTaken) bindSomePort(context, relay, pending, now);
  else giveUp(context, relay, now);
}

/** Closes the socket of a reservation that nobody can ask for any more and returns its port. */
export function discardReservation(
  context: TurnContext,
  { family, port, handle }: Reservation,
): void {
  const ports = context.portsOf(family);
  ports.adopt(port);
  ports.release(port);
  context.queue({ kind: 'closeReserved', handle });
}

/** Writes the success response of an Allocate request (RFC 8656 §7.2). */
export function writeAllocateSuccess(
  writer: StunWriter,
  allocation: Allocation,
  authenticated: Authenticated,
  now: MonotonicMs,
): Uint8Array {
  const lifetimeSeconds = toldLifetime(allocation, allocation.lifetimeSeconds, now);
  return writeSuccess(writer, METHOD.ALLOCATE, allocation.transactionId, authenticated, () => {
    for (const relay of allocation.relays) {
      writer.xorAddress(ATTRIBUTE.XOR_RELAYED_ADDRESS, relay.relayedAddress);
    }
    if (allocation.addressError !== undefined) {
      writer.attribute(ATTRIBUTE.ADDRESS_ERROR_CODE, addressErrorValue(allocation.addressError));
    }
    writer.uint32(ATTRIBUTE.LIFETIME, lifetimeSeconds);
    if (allocation.reservationToken !== undefined) {
      writer.attribute(
        ATTRIBUTE.RESERVATION_TOKEN,
        Buffer.from(allocation.reservationToken, 'hex'),
      );
    }
    writer.xorAddress(ATTRIBUTE.XOR_MAPPED_ADDRESS, allocation.client.address);
  });
}

function addRelay(allocation: Allocation, family: AddressFamily): Relay {
  const address = allocation.client.endpoint.relayAddressOf(family);
  assert(address !== undefined, 'families without a relay address have been refused');
  const relay = new Relay(allocation, address, 0);
  allocation.relays.push(relay);
  return relay;
}

function adopt(context: TurnContext, relay: Relay, reservation: Reservation): void {
  relay.port = reservation.port;
  context.portsOf(relay.family).adopt(reservation.port);
  context.queue({ kind: 'adoptRelay', relay, handle: reservation.handle });
}

function bindSomePort(
  context: TurnContext,
  relay: Relay,
  pending: PendingAllocate,
  now: MonotonicMs,
): void {
  const wish = pending.port;
  const hasAttempt = pending.attemptsLeft-- > 0;
  const port = hasAttempt
    ? context.portsOf(relay.family).take(wish, context.options.random)
    : undefined;
  if (port === undefined) {
    giveUp(context, relay, now);
    return;
  }
  relay.port = port;
  context.queue({ kind: 'bindRelay', relay, reservesNext: wish === 'evenWithNext' });
}

function giveUp(context: TurnContext, relay: Relay, now: MonotonicMs): void {
  const { allocation } = relay;
  allocation.relays.splice(allocation.relays.indexOf(relay), 1);
  allocation.addressError = { family: relay.family, code: 508 };
  settle(context, allocation, now);
}

/** Counts down the sockets waited for and answers the Allocate after the last one. */
function settle(context: TurnContext, allocation: Allocation, now: MonotonicMs): void {
  const { pending } = allocation;
  if (pending === undefined || --pending.outstanding > 0) return;
  allocation.pending = undefined;
  const { client } = allocation;
  if (allocation.relays.length === 0) {
    const { transactionId, userId } = allocation;
    const { authenticated } = pending;
    answerRejection(context, client, METHOD.ALLOCATE, transactionId, authenticated, { code: 508 });
    context.emit({ kind: 'allocationRefused', client, userId, reason: 'noRelayPort' });
    endAllocation(context, allocation, 'relayFailed');
    return;
  }
  allocation.state = 'active';
  // Counted from the answer that names the lifetime, however long the sockets took.
  allocation.lifetimeEndsAtMs = after(now, allocation.lifetimeSeconds);
  context.expiry.add(allocation, now);
  const bytes = writeAllocateSuccess(context.writer, allocation, pending.authenticated, now);
  context.send(client, bytes);
  context.emit({ kind: 'allocationCreated', allocation });
}

/** Keeps the socket of the next higher port for whoever brings the token (RFC 8656 §7.2, EVEN-PORT with R=1). */
function holdNextPort(context: TurnContext, relay: Relay, handle: number, now: MonotonicMs): void {
  const token = context.randomHex(RESERVATION_TOKEN_BYTES);
  const { family } = relay;
  const port = relay.port + 1;
  const reservation: Reservation = { token, family, port, handle };
  if (relay.allocation.isGone || !context.options.reservations.put(reservation)) {
    discardReservation(context, reservation);
    return;
  }
  relay.allocation.reservationToken = token;
  context.expiry.add(new HeldReservation(token, after(now, RESERVATION_LIFETIME_SECONDS)), now);
}

/** Value of ADDRESS-ERROR-CODE: family, reserved bits, class and number (RFC 8656 §18.12). */
function addressErrorValue({ family, code }: { family: AddressFamily; code: number }): Uint8Array {
  return Uint8Array.of(family, 0, Math.floor(code / 100), code % 100);
}
