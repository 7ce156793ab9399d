import { StunWriter } from '../stun/message-writer.ts';
import type { AddressFamily, TransportAddress } from '../stun/transport-address.ts';
import { IPV4, IPV6 } from '../stun/transport-address.ts';
import { REPLY_BYTES_MAX } from '../limits.ts';
import { Admission } from './admission.ts';
import type { Allocation } from './allocation.ts';
import type { ChannelBinding } from './channel-binding.ts';
import type { DropReason, PeerRequest, TurnCommand, TurnEvent } from './commands.ts';
import { DROP_REASONS } from './commands.ts';
import { ExpiryWheel } from './expiry.ts';
import { NonceIssuer } from './nonce.ts';
import type { Permission } from './permission.ts';
import type {
  CredentialPolicy,
  PeerPolicy,
  QuotaPolicy,
  RandomSource,
  ReservationStore,
} from './policy.ts';
import { RelayPorts } from './relay-ports.ts';
import type { HeldReservation } from './reservation.ts';

/** Everything the core is given; it owns none of it. */
export interface TurnServerOptions {
  readonly credentials: CredentialPolicy;
  readonly peers: PeerPolicy;
  readonly quota: QuotaPolicy;
  readonly reservations: ReservationStore;
  readonly random: RandomSource;
  /** Signs nonces; the same in every worker. */
  readonly nonceKey: Uint8Array;
  /** Ports of relayed transport addresses: one byte per port and family, see `RelayPorts`. */
  readonly relayPorts: {
    readonly minPort: number;
    readonly ownersIpv4: Uint8Array;
    readonly ownersIpv6: Uint8Array;
    readonly owner: number;
  };
  /** True to refuse channel numbers above 0x4FFF (RFC 8656 §12), which older clients use. */
  readonly strictChannelNumbers: boolean;
  /** Whether the driver can set the don't-fragment bit (RFC 8656 §14). */
  readonly isDontFragmentSupported: boolean;
  /** Servers to name in 300 responses; while there is one, no Allocate is accepted (RFC 8656 §7.2 step 11). */
  readonly alternateServers: readonly TransportAddress[];
}

/** What ends by itself. */
export type Deadline = Allocation | Permission | ChannelBinding | HeldReservation;

/** State and services that the handlers of one server share. */
export class TurnContext {
  /** Without the policies, which change; see `credentials` and `admission`. */
  readonly options: Omit<TurnServerOptions, 'credentials' | 'peers'>;
  readonly admission: Admission;
  readonly allocations = new Set<Allocation>();
  readonly expiry = new ExpiryWheel<Deadline>();
  readonly writer = new StunWriter(new Uint8Array(REPLY_BYTES_MAX));
  /** Inputs dropped in silence, by reason. */
  readonly drops: Record<DropReason, number>;
  credentials: CredentialPolicy;
  nonces: NonceIssuer;

  readonly #ports: Record<AddressFamily, RelayPorts>;
  readonly #commands: TurnCommand[] = [];
  #head = 0;

  constructor(options: TurnServerOptions) {
    const { minPort, ownersIpv4, ownersIpv6, owner } = options.relayPorts;
    this.options = options;
    this.admission = new Admission(options.peers);
    this.credentials = options.credentials;
    this.nonces = this.#createNonceIssuer();
    this.drops = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<
      DropReason,
      number
    >;
    this.#ports = {
      [IPV4]: new RelayPorts(minPort, ownersIpv4, owner),
      [IPV6]: new RelayPorts(minPort, ownersIpv6, owner),
    };
  }

  /** The port range of a family. */
  portsOf(family: AddressFamily): RelayPorts {
    return this.#ports[family];
  }

  /** Asks the one door for a peer; a denial is reported. `peer` must not change afterwards. */
  admits(
    allocation: Allocation,
    peer: TransportAddress,
    port: number | undefined,
    request: PeerRequest,
  ): boolean {
    const verdict = this.admission.judge(allocation, peer, port);
    if (verdict === 'admitted') return true;
    this.emit({ kind: 'peerDenied', allocation, peer, port, verdict, request });
    return false;
  }

  /** Swaps credentials; nonces issued before stay valid unless the offered features changed. */
  replaceCredentials(credentials: CredentialPolicy): void {
    this.credentials = credentials;
    this.nonces = this.#createNonceIssuer();
  }

  /** Queues a command for the driver. */
  queue(command: TurnCommand): void {
    this.#commands.push(command);
  }

  /** Queues an event for logs and metrics. */
  emit(event: TurnEvent): void {
    this.queue({ kind: 'event', event });
  }

  /** Takes the oldest queued command, or undefined when the queue is empty. */
  nextCommand(): TurnCommand | undefined {
    const command = this.#commands[this.#head];
    if (command === undefined) return undefined;
    this.#head++;
    if (this.#head === this.#commands.length) {
      this.#commands.length = 0;
      this.#head = 0;
    }
    return command;
  }

  /** Counts an input that is dropped in silence. */
  drop(reason: DropReason): undefined {
    this.drops[reason]++;
    return undefined;
  }

  #createNonceIssuer(): NonceIssuer {
    return new NonceIssuer(this.options.nonceKey, {
      usesPasswordAlgorithms: this.credentials.passwordAlgorithms.length > 0,
      usesUserhash: this.credentials.isUserhashSupported,
    });
  }
}
