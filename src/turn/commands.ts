import { CREDENTIAL_REFUSALS, QUOTA_REFUSALS, type PeerDenial } from './policy.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import type { Allocation, Client, Relay } from './allocation.ts';
import type { ChannelBinding } from './channel-binding.ts';

/** Why an allocation ended. */
export const ALLOCATION_ENDS = [
  'expired',
  'refreshedToZero',
  'clientClosed',
  'relayFailed',
  'shutdown',
  'credentialExpired',
  'kicked',
  'revoked',
  'listenerClosed',
] as const;

/** One of `ALLOCATION_ENDS`. */
export type AllocationEnd = (typeof ALLOCATION_ENDS)[number];

/** Why somebody's proof of identity failed. */
export const AUTHENTICATION_FAILURES = [...CREDENTIAL_REFUSALS, 'badIntegrity'] as const;

/** One of `AUTHENTICATION_FAILURES`. */
export type AuthenticationFailure = (typeof AUTHENTICATION_FAILURES)[number];

/** What asked for a peer that was denied; `routeChange` is the server itself. */
export type PeerRequest = 'CreatePermission' | 'ChannelBind' | 'Send' | 'routeChange';

/** Something worth a log line or a counter; never per relayed packet. */
export type TurnEvent =
  | { readonly kind: 'allocationCreated'; readonly allocation: Allocation }
  | {
      readonly kind: 'allocationDeleted';
      readonly allocation: Allocation;
      readonly reason: AllocationEnd;
    }
  | {
      readonly kind: 'peerDenied';
      readonly allocation: Allocation;
      readonly peer: TransportAddress;
      /** Undefined when the request named no port. */
      readonly port: number | undefined;
      readonly verdict: PeerDenial;
      readonly request: PeerRequest;
    }
  | {
      readonly kind: 'authenticationFailed';
      readonly client: Client;
      readonly reason: AuthenticationFailure;
      /** As the client sent it; text of unknown origin. */
      readonly username: string;
    }
  | {
      readonly kind: 'allocationRefused';
      readonly client: Client;
      readonly userId: string;
      readonly reason: AllocationRefusal;
    };

/** Why an Allocate request of a proven user is refused for want of room. */
export const ALLOCATION_REFUSALS = [...QUOTA_REFUSALS, 'noRelayPort', 'draining'] as const;

/** One of `ALLOCATION_REFUSALS`. */
export type AllocationRefusal = (typeof ALLOCATION_REFUSALS)[number];

/**
 * What the driver must do after it has handed the core an input. Objects are borrowed until the queue is drained,
 * except `allocation`, `relay` and `binding`, which live until their own end is announced.
 */
export type TurnCommand =
  /** Send one whole message to a client; `bytes` belong to the driver. */
  | { readonly kind: 'sendToClient'; readonly client: Client; readonly bytes: Uint8Array }
  /** Bind a socket to `relay.bindAddress`, and one to the next port when `reservesNext`; then report the outcome. */
  | { readonly kind: 'bindRelay'; readonly relay: Relay; readonly reservesNext: boolean }
  /** Use the already bound socket `handle` for this relay; then report the outcome. */
  | { readonly kind: 'adoptRelay'; readonly relay: Relay; readonly handle: number }
  /** Close a bound relay socket. */
  | { readonly kind: 'closeRelay'; readonly relay: Relay }
  /** Close a socket that was reserved and never asked for. */
  | { readonly kind: 'closeReserved'; readonly handle: number }
  /** Both 5-tuples of a new channel, for a fast path below user space. */
  | { readonly kind: 'channelUp'; readonly binding: ChannelBinding }
  /** The channel is gone. */
  | { readonly kind: 'channelDown'; readonly binding: ChannelBinding }
  | { readonly kind: 'event'; readonly event: TurnEvent };

/** Why an input was dropped in silence, as the RFC wants it; counted, never logged. */
export const DROP_REASONS = [
  'notStunNorChannelData',
  'malformedStun',
  'unexpectedResponse',
  'unsupportedMethod',
  'malformedIndication',
  'malformedChannelData',
  'unknownChannel',
  'noAllocation',
  'noPermission',
  'peerNotAdmitted',
  'noRelayOfFamily',
  'allocationBinding',
  'allocationRateExceeded',
  'userRateExceeded',
  'answerRateExceeded',
  'overloaded',
] as const;

/** One of `DROP_REASONS`. */
export type DropReason = (typeof DROP_REASONS)[number];
