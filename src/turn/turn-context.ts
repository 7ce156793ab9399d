import { StunWriter } from '../stun/message-writer.ts';
import type { StunMessage } from '../stun/message.ts';
import type { AddressFamily, TransportAddress } from '../stun/transport-address.ts';
import { IPV4, IPV6 } from '../stun/transport-address.ts';
import { REPLY_BYTES_MAX } from '../limits.ts';
import { Admission } from './admission.ts';
import type { Allocation, Client } from './allocation.ts';
import type { ChannelBinding } from './channel-binding.ts';
import type { DropReason, PeerRequest, TurnCommand, TurnEvent } from './commands.ts';
import type { TurnCounters } from './counters.ts';
import { ExpiryWheel } from './expiry.ts';
import { HeardRequests } from './heard-requests.ts';
import { NonceIssuer } from './nonce.ts';
import type { Permission } from './permission.ts';
import type {
  CredentialPolicy,
  Now,
  PeerPolicy,
  QuotaPolicy,
  RandomSource,
  RatePolicy,
  ReservationStore,
} from './policy.ts';
import type { AllocationRates } from './rate-meter.ts';
import { RelayPorts, type PortRange } from './relay-ports.ts';
import type { HeldReservation } from './reservation.ts';
import type { TrafficCounter } from './traffic.ts';

/** Everything the core is given; it owns none of it. */
export interface TurnServerOptions {
  readonly policies: TurnPolicies;
  readonly quota: QuotaPolicy;
  readonly rates: RatePolicy;
  readonly reservations: ReservationStore;
  readonly counters: TurnCounters;
  readonly random: RandomSource;
  /** Signs nonces; the same in every worker. */
  readonly nonceKey: Uint8Array;
  /** Who holds which port of relayed transport addresses: one byte per port and family, see `RelayPorts`. */
  readonly portOwners: {
    readonly firstPort: number;
    readonly ipv4: Uint8Array;
    readonly ipv6: Uint8Array;
    readonly owner: number;
  };
  /** Whether the driver can set the don't-fragment bit (RFC 8656 §14). */
  readonly isDontFragmentSupported: boolean;
}

/** What an operator may change while the server runs. */
export interface TurnPolicies {
  readonly credentials: CredentialPolicy;
  readonly peers: PeerPolicy;
  readonly rules: TurnRules;
}

/** What becomes of a live allocation whose credential expires. */
export type CredentialExpiry =
  /** It may be refreshed as before. */
  | 'keep'
  /** It ends when it would have to be refreshed. */
  | 'refuse'
  /** It ends with the credential. */
  | 'close';

/** How a server treats everybody. */
export interface TurnRules extends AllocationRates {
  readonly relayPorts: PortRange;
  /** True to refuse channel numbers above 0x4FFF (RFC 8656 §12), which older clients use. */
  readonly strictChannelNumbers: boolean;
  readonly onCredentialExpiry: CredentialExpiry;
  readonly permissionsPerAllocationMax: number;
  readonly channelsPerAllocationMax: number;
  /** While true no Allocate is accepted, what lives goes on. */
  readonly isDraining: boolean;
  /** Servers to name in 300 responses while draining (RFC 8656 §7.2 step 11); empty: answered 508. */
  readonly alternateServers: readonly TransportAddress[];
}

/** What ends by itself. */
export type Deadline = Allocation | Permission | ChannelBinding | HeldReservation;

/** State and services that the handlers of one server share. */
export class TurnContext {
  /** Without the policies, which change; see `credentials`, `admission` and `rules`. */
  readonly options: Omit<TurnServerOptions, 'policies'>;
  readonly admission: Admission;
  readonly allocations = new Set<Allocation>();
  readonly expiry = new ExpiryWheel<Deadline>();
  readonly writer = new StunWriter(new Uint8Array(REPLY_BYTES_MAX));
  credentials: CredentialPolicy;
  rules: TurnRules;
  nonces: NonceIssuer;
  /** Whether more requests come than can be answered. */
  isOverloaded = false;

  /** Needed under a flood only. */
  #heard: HeardRequests | undefined;
  readonly #ports: Record<AddressFamily, RelayPorts>;
  readonly #commands: TurnCommand[] = [];
  #head = 0;

  constructor(options: TurnServerOptions) {
    const { policies, portOwners, counters } = options;
    const { firstPort, ipv4, ipv6, owner } = portOwners;
    this.options = options;
    this.admission = new Admission(policies.peers, counters);
    this.credentials = policies.credentials;
    this.rules = policies.rules;
    this.nonces = this.#createNonceIssuer();
    this.#ports = {
      [IPV4]: new RelayPorts(firstPort, ipv4, owner),
      [IPV6]: new RelayPorts(firstPort, ipv6, owner),
    };
    this.replaceRules(policies.rules);
  }

  /** Unpredictable bytes as hex. */
  randomHex(byteLength: number): string {
    const bytes = new Uint8Array(byteLength);
    this.options.random.fill(bytes);
    return Buffer.from(bytes).toString('hex');
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

  /** Swaps rules; what lives keeps the relay ports and the number of permissions and channels that it has. */
  replaceRules(rules: TurnRules): void {
    this.rules = rules;
    this.#ports[IPV4].replaceRange(rules.relayPorts);
    this.#ports[IPV6].replaceRange(rules.relayPorts);
  }

  /** Queues one whole message to a client; `bytes` belong to the driver from now on. */
  send(client: Client, bytes: Uint8Array): void {
    this.trafficOf(client).countSent(bytes.length);
    this.queue({ kind: 'sendToClient', client, bytes });
  }

  /**
   * True when somebody who has proven nothing may have an answer; else it is dropped. Whoever has shown an authentic
   * nonce must not be asked about: others who forge its address use up the same answers.
   *
   * On a stream the client has shown that it is where it says, so that nobody else is flooded.
   */
  mayAnswerStranger(client: Client, now: Now): boolean {
    if (client.isConnected || this.options.rates.admitsAnswer(client.address, now.monotonicMs)) {
      return true;
    }
    this.drop('answerRateExceeded');
    return false;
  }

  /**
   * True when a request is to be answered now; else it is dropped, and answered when it is sent again.
   *
   * Under a flood of forged requests the first ones of strangers cannot all be answered. Clients send theirs again (RFC
   * 8489 §6.2.1), and those who forge a million addresses would have to send everything twice.
   */
  mayServe({ address, allocation, isConnected }: Client, message: StunMessage, now: Now): boolean {
    if (!this.isOverloaded || isConnected || allocation !== undefined) return true;
    this.#heard ??= new HeardRequests();
    if (this.#heard.isRepeated(address, message, now.monotonicMs)) return true;
    this.drop('overloaded');
    return false;
  }

  /** Traffic of the listener that a client has come to. */
  trafficOf({ endpoint }: Client): TrafficCounter {
    return (endpoint.traffic ??= this.options.counters.ofListener(endpoint.listener));
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
    this.options.counters.countDrop(reason);
    return undefined;
  }

  #createNonceIssuer(): NonceIssuer {
    return new NonceIssuer(this.options.nonceKey, {
      usesPasswordAlgorithms: this.credentials.passwordAlgorithms.length > 0,
      usesUserhash: this.credentials.isUserhashSupported,
    });
  }
}
