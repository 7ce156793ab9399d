import type { SeededRandom } from '../core/seeded-random.ts';
import { parseAddress, type TurnDriver } from '../core/turn-driver.ts';
import type { ReferenceServer } from './reference-server.ts';
import { keyOf } from './request.ts';
import { credentialsOf, ROUTE_SETS, routeTableOf } from './world.ts';

const REVOCATION_SECONDS_MAX = 200;
const ALTERNATE_SERVER = parseAddress('192.0.2.77', 3478);

/** Changes the world of a server and its reference while clients are busy: what a reload does, a kick, a drain. */
export class SimulatedOperator {
  readonly counts: Record<string, number> = {};
  readonly #driver: TurnDriver;
  readonly #reference: ReferenceServer;
  readonly #random: SeededRandom;
  readonly #userIds: readonly string[];
  readonly #portCount: number;
  #secretCount = 1;

  constructor(
    driver: TurnDriver,
    reference: ReferenceServer,
    random: SeededRandom,
    userIds: readonly string[],
  ) {
    this.#driver = driver;
    this.#reference = reference;
    this.#random = random;
    this.#userIds = userIds;
    this.#portCount = reference.world.maxPort - reference.world.minPort + 1;
  }

  /** Does one thing. */
  act(): void {
    const acts = {
      routes: () => this.#changeRoutes(),
      secrets: () => this.#rotateSecret(),
      rules: () => this.#changeRules(),
      expiry: () => this.#changeExpiry(),
      drain: () => this.#drain(),
      kick: () => this.#kick(),
      revoke: () => this.#revoke(),
    };
    const name = this.#random.pick(Object.keys(acts) as (keyof typeof acts)[]);
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    acts[name]();
  }

  /** Mostly all routes, or there would be little to relay. */
  #changeRoutes(): void {
    const { world } = this.#reference;
    world.clusters = this.#random.pick([ROUTE_SETS[0]!, ...ROUTE_SETS]);
    this.#driver.replace({ peers: routeTableOf(world) });
    this.#reference.applyRoutes();
  }

  /** The last two secrets count: those who were given a credential of an older one have to fetch another. */
  #rotateSecret(): void {
    const { world } = this.#reference;
    world.secrets = [`secret ${++this.#secretCount}`, world.secrets[0]!];
    this.#driver.replace({ credentials: credentialsOf(world) });
  }

  #changeRules(): void {
    const { world } = this.#reference;
    const random = this.#random;
    world.permissionsMax = random.pick([2, 64, 64]);
    world.channelsMax = random.pick([1, 256, 256]);
    world.userQuota = random.pick([1, 2, 3, 3]);
    const [first, last] = [this.#driver.rules.relayPorts.minPort, world.maxPort];
    const shift = random.pick([0, 0, 7]);
    world.minPort = first % 2 === 0 ? first + shift : first - 7;
    world.maxPort = Math.max(last, world.minPort + this.#portCount - 8);
    this.#driver.quota.perUserMax = world.userQuota;
    this.#applyRules();
  }

  #changeExpiry(): void {
    const modes = ['keep', 'refuse', 'close', 'close'] as const;
    this.#reference.world.onCredentialExpiry = this.#random.pick(modes);
    this.#applyRules();
  }

  /** Seldom, since nothing begins meanwhile. */
  #drain(): void {
    const { world } = this.#reference;
    world.isDraining = this.#random.below(4) === 0;
    world.hasAlternateServer = this.#random.below(2) === 0;
    this.#applyRules();
  }

  #applyRules(): void {
    const { world } = this.#reference;
    this.#driver.changeRules({
      onCredentialExpiry: world.onCredentialExpiry,
      permissionsPerAllocationMax: world.permissionsMax,
      channelsPerAllocationMax: world.channelsMax,
      relayPorts: { minPort: world.minPort, maxPort: world.maxPort },
      isDraining: world.isDraining,
      alternateServers: world.hasAlternateServer ? [ALTERNATE_SERVER] : [],
    });
    this.#reference.applyRules();
  }

  #kick(): void {
    const meant = this.#random.pick([...this.#driver.server.allocations(), undefined]);
    if (meant === undefined) return;
    this.#driver.server.endAllocations(({ id }) => id === meant.id, 'kicked');
    this.#driver.drain();
    this.#reference.end(keyOf(meant.client), 'kicked');
  }

  #revoke(): void {
    const { world, allocations, unixSeconds } = this.#reference;
    const userId = this.#random.pick(this.#userIds);
    const until = unixSeconds + this.#random.below(REVOCATION_SECONDS_MAX);
    const live = [...world.revokedUntil].filter(([, each]) => each > unixSeconds);
    world.revokedUntil = new Map([...live, [userId, until]]);
    this.#driver.replace({ credentials: credentialsOf(world) });
    this.#driver.server.endAllocations((each) => each.isOf(userId), 'revoked');
    this.#driver.drain();
    for (const allocation of allocations.values()) {
      if (allocation.userId === userId) this.#reference.end(allocation.key, 'revoked');
    }
  }
}
