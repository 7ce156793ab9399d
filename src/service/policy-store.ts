import { isDeepStrictEqual } from 'node:util';
import type { Revocation } from '../auth/auth-options.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { GatewayError } from '../errors.ts';
import { REVOCATIONS_MAX } from '../limits.ts';
import { NameSlots } from '../metrics/name-slots.ts';
import type { StatisticsSlots } from '../metrics/worker-statistics.ts';
import { RouteTable } from '../route/route-table.ts';
import { OwnAddressHistory } from './own-address-history.ts';
import { policyData } from './policy-data.ts';
import { hostAddresses, ownAddresses } from './relay-plan.ts';
import type { PolicyData } from './turn-service.ts';

/** What workers decide by at the moment, put together from the configuration and from what operators say. */
export class PolicyStore {
  readonly #listenerSlots = new NameSlots();
  readonly #clusterSlots = new NameSlots();
  readonly #ownAddresses = new OwnAddressHistory();
  #config: GatewayConfig;
  #addressesByName: ReadonlyMap<string, readonly string[]> = new Map();
  #revocationByUser = new Map<string, Revocation>();
  #isDraining = false;
  #current: PolicyData;
  #routes: RouteTable | undefined;
  #onChange: (changed: Partial<PolicyData>) => void = () => {};

  constructor(config: GatewayConfig) {
    this.#config = config;
    this.#assignSlots(config);
    this.#current = this.#build();
  }

  get current(): PolicyData {
    return this.#current;
  }

  get slots(): StatisticsSlots {
    return this.#current.slots;
  }

  /** Those whose time is not over. */
  get revocations(): readonly Revocation[] {
    this.#forgetOldRevocations();
    return [...this.#revocationByUser.values()];
  }

  /** The routes of the moment, for questions of operators. */
  get routes(): RouteTable {
    return (this.#routes ??= new RouteTable(this.#current.routes));
  }

  /** Tells what has changed from now on. */
  follow(onChange: (changed: Partial<PolicyData>) => void): void {
    this.#onChange = onChange;
  }

  /** Prepares for listeners and clusters that may come, so that they count from their first packet on. */
  announce(config: GatewayConfig): void {
    this.#assignSlots(config);
    this.#update();
  }

  replaceConfig(config: GatewayConfig): void {
    this.#config = config;
    this.announce(config);
  }

  /** Swaps the addresses of host names of clusters. */
  replaceAddresses(addressesByName: ReadonlyMap<string, readonly string[]>): void {
    this.#addressesByName = addressesByName;
    this.#update();
  }

  setDraining(isDraining: boolean): void {
    this.#isDraining = isDraining;
    this.#update();
  }

  /** Refuses a user until a time; throws GatewayError GW_ERR_TOO_MANY_REVOCATIONS. */
  revoke(revocation: Revocation): void {
    this.#forgetOldRevocations();
    const { userId } = revocation;
    if (this.#revocationByUser.size >= REVOCATIONS_MAX && !this.#revocationByUser.has(userId)) {
      throw new GatewayError(
        'GW_ERR_TOO_MANY_REVOCATIONS',
        `${REVOCATIONS_MAX} users are revoked already; change the shared secret instead`,
      );
    }
    this.#revocationByUser.set(userId, revocation);
    this.#update();
  }

  /** Lets a user in again; false when it was not revoked. */
  unrevoke(userId: string): boolean {
    const isLifted = this.#revocationByUser.delete(userId);
    this.#update();
    return isLifted;
  }

  #forgetOldRevocations(): void {
    const now = Date.now() / 1000;
    for (const { userId, untilUnixSeconds } of this.#revocationByUser.values()) {
      if (untilUnixSeconds <= now) this.#revocationByUser.delete(userId);
    }
  }

  #assignSlots({ listeners, clusters }: GatewayConfig): void {
    this.#listenerSlots.assign(listeners.map(({ name }) => name));
    this.#clusterSlots.assign(clusters.map(({ name }) => name));
  }

  #build(): PolicyData {
    return policyData(this.#config, {
      own: this.#ownAddresses.note(ownAddresses(this.#config, hostAddresses())),
      addressesByName: this.#addressesByName,
      slots: { listeners: this.#listenerSlots.all, clusters: this.#clusterSlots.all },
      revocations: [...this.#revocationByUser.values()],
      isDraining: this.#isDraining,
    });
  }

  #update(): void {
    const before = this.#current;
    this.#current = this.#build();
    this.#routes = undefined;
    const changed = PARTS.filter((part) => !isDeepStrictEqual(before[part], this.#current[part]));
    if (changed.length === 0) return;
    this.#onChange(Object.fromEntries(changed.map((part) => [part, this.#current[part]])));
  }
}

const PARTS = ['auth', 'routes', 'rules', 'slots'] as const;
