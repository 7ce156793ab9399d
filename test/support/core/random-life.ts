import { createCredentialPolicy } from '../../../src/auth/credential-policy.ts';
import type { AuthOptions } from '../../../src/auth/auth-options.ts';
import { RouteTable } from '../../../src/route/route-table.ts';
import { ATTRIBUTE, METHOD } from '../../../src/stun/registry.ts';
import { SeededRandom } from './seeded-random.ts';
import { TestClient, unsigned, type Write } from './test-client.ts';
import {
  authOptions,
  cluster,
  LISTENER,
  MIN_PORT,
  parseAddress,
  ROUTES,
  TurnDriver,
  UNLIMITED,
  USERS,
} from './turn-driver.ts';
import type { TurnRules } from '../../../src/turn/turn-context.ts';

const PAYLOAD = Buffer.from('payload');
const BURST = 6;
const PEERS = ['10.0.0.1', '10.0.0.1', '10.0.0.2', '10.1.0.1', '10.2.0.1', 'fd00::1', '127.0.0.1'];
const PORTS = [4000, 4000, 4500, 5000];
const ROUTE_TABLES = [
  new RouteTable(ROUTES),
  new RouteTable({
    ...ROUTES,
    clusters: [cluster('narrow', ['10.2.0.0', 16, 4000, 4400]), cluster('other', ['10.1.0.0', 24])],
  }),
  new RouteTable({ ...ROUTES, listeners: [] }),
  new RouteTable({ ...ROUTES, clusters: [cluster('media', ['10.0.0.0', 24], ['fd00::', 16])] }),
];

const SECRET = 'a shared secret';
const AUTH: Partial<AuthOptions> = { type: 'ephemeral', users: USERS, secrets: [SECRET] };
const PORT_COUNT = 12;
const PORT_RANGES = [
  { minPort: MIN_PORT, maxPort: MIN_PORT + PORT_COUNT - 1 },
  { minPort: MIN_PORT + 6, maxPort: MIN_PORT + 20 },
  { minPort: MIN_PORT + 30, maxPort: MIN_PORT + 31 },
];
const RATES = [UNLIMITED, UNLIMITED, { bytesPerSecond: 30, packetsPerSecond: 0 }].concat([
  { bytesPerSecond: 0, packetsPerSecond: 2 },
]);

/** Clients that do what they like on one server. */
export class RandomLife {
  readonly driver: TurnDriver;
  readonly problems: string[] = [];
  relayedUp = 0;
  relayedDown = 0;
  readonly #random: SeededRandom;
  readonly #clients: TestClient[];
  readonly #revokedUntil = new Map<string, number>();
  #routes = ROUTE_TABLES[0]!;
  #tokens: string[] = [];

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.driver = new TurnDriver({ seed, portCount: PORT_COUNT, auth: AUTH });
    this.driver.quota.perUserMax = 2;
    this.#clients = [0, 1, 2, 3, 4, 5].map(
      (index) =>
        new TestClient(this.driver, {
          port: 40_000 + index,
          user: ['alice', 'bob', 'alice', 'alice', 'carol', 'bob'][index]!,
          handle: index < 4 ? -1 : 20 + index,
        }),
    );
    for (const [index, user] of ['ann', 'ann', 'ben'].entries()) {
      const client = new TestClient(this.driver, { port: 41_000 + index });
      this.#renew(client, user);
      this.#clients.push(client);
    }
    this.#challengeAll();
  }

  step(): void {
    const random = this.#random;
    const client = random.pick(this.#clients);
    const ip = random.pick(PEERS);
    const port = random.pick(PORTS);
    switch (random.below(18)) {
      case 0:
      case 1:
        this.#allocate(client);
        break;
      case 2:
        client.refresh(
          random.pick([undefined, 0, 700, 3600, 3600]),
          random.pick([undefined, undefined, 1, 2]),
        );
        break;
      case 3:
        client.permit(...Array.from({ length: random.below(2) + 1 }, () => random.pick(PEERS)));
        break;
      case 4:
      case 5:
        client.bindChannel(0x4000 + random.below(4), ip, port);
        break;
      case 6:
      case 7:
        for (let count = 0; count < BURST; count++)
          this.#up(client, client.sendIndication(ip, port, PAYLOAD));
        break;
      case 8:
      case 9:
        for (let count = 0; count < BURST; count++)
          this.#up(client, client.channelData(0x4000 + (count & 3), PAYLOAD));
        break;
      case 10:
      case 11:
      case 12:
        for (let count = 0; count < BURST; count++) this.#down(client, ip, port);
        break;
      case 13:
        this.driver.advance(random.pick([0, 1, 1, 10, 10, 50, random.below(300)]));
        this.#challengeAll();
        break;
      case 14:
        this.#changeWorld(client);
        break;
      case 15:
        this.#changeRules();
        break;
      case 16:
        this.#operate(client);
        break;
      default:
        this.driver.bindWaiting(() => random.below(5) > 0);
        this.#passTick();
    }
  }

  /** Lets everything come to its end. */
  end(): void {
    this.driver.bindWaiting();
    if (this.#random.below(2) === 0) this.driver.server.shutdown();
    this.driver.drain();
    this.driver.advance(3700);
  }

  /** What rules and revocations forbid, as found in a server. */
  forbidden(): string[] {
    const { driver } = this;
    const { unixSeconds, rules } = driver;
    const found: string[] = [];
    for (const allocation of driver.server.allocations()) {
      const { userId, state, credentialExpiresAtUnixSeconds } = allocation;
      if (state !== 'active') continue;
      const isExpired = credentialExpiresAtUnixSeconds + 2 < unixSeconds;
      if (isExpired && rules.onCredentialExpiry === 'close') found.push('outlived its credential');
      if (unixSeconds < (this.#revokedUntil.get(userId) ?? 0)) found.push(`${userId} is revoked`);
    }
    return found;
  }

  /** Gives a client a credential that is valid for a while. */
  #renew(client: TestClient, userId: string): void {
    const { unixSeconds } = this.driver;
    const expiry = Math.floor(unixSeconds) + this.#random.pick([1, 30, 300, 3000]);
    client.useEphemeral(`${expiry}:${userId}`, SECRET);
  }

  #changeRules(): void {
    const random = this.#random;
    const changes: Partial<TurnRules>[] = [
      { onCredentialExpiry: random.pick(['keep', 'refuse', 'close']) },
      { permissionsPerAllocationMax: random.pick([0, 1, 2, 64]) },
      { channelsPerAllocationMax: random.pick([0, 1, 2, 256]) },
      { allocationRate: random.pick(RATES) },
      { degradedRate: random.pick([undefined, ...RATES]) },
      { isDraining: random.below(4) === 0 },
      { relayPorts: random.pick(PORT_RANGES) },
      { strictChannelNumbers: random.below(2) === 0 },
      { alternateServers: random.pick([[], [parseAddress('192.0.2.77', 3478)]]) },
    ];
    this.driver.changeRules(random.pick(changes));
    // Mostly no limits, or there would be little to relay.
    if (random.below(2) === 0) {
      this.driver.changeRules({
        permissionsPerAllocationMax: 64,
        channelsPerAllocationMax: 256,
        allocationRate: UNLIMITED,
        isDraining: false,
      });
    }
    this.#passTick();
  }

  /** Lets end what has been over since before it was said. */
  #passTick(): void {
    this.driver.advance(1);
  }

  /** What an operator does, and what an app server does. */
  #operate(client: TestClient): void {
    const random = this.#random;
    const { driver } = this;
    const userId = random.pick(['alice', 'ann', 'ben']);
    switch (random.below(6)) {
      case 0: {
        const until = driver.unixSeconds + random.below(100);
        this.#revokedUntil.set(userId, until);
        const revocations = [...this.#revokedUntil].map(([user, untilUnixSeconds]) => {
          return { userId: user, untilUnixSeconds };
        });
        driver.replace({
          credentials: createCredentialPolicy(authOptions({ ...AUTH, revocations })),
        });
        driver.server.endAllocations((allocation) => allocation.userId === userId, 'revoked');
        driver.drain();
        break;
      }
      case 1:
        driver.server.endAllocations(({ id }) => id === client.allocation?.id, 'kicked');
        driver.drain();
        break;
      case 2:
        driver.udp.isOpen = random.below(6) > 0;
        driver.rates.answersByAddress.clear();
        driver.rates.answersLeft = random.pick([2, Infinity]);
        for (let count = 0; count < BURST; count++) {
          client.send(unsigned(METHOD.ALLOCATE, client.nextTransactionId()));
        }
        break;
      case 3:
        driver.rates.packetsLeft.delete(userId);
        if (random.below(3) === 0) driver.rates.packetsLeft.set(userId, { up: 2, down: 2 });
        break;
      default:
        for (const each of this.#clients) {
          const user = /:(.+)/.exec(each.username)?.[1];
          if (user !== undefined) this.#renew(each, user);
        }
    }
  }

  /** Strangers may have had all their answers. */
  #challengeAll(): void {
    const { rates } = this.driver;
    rates.answersByAddress.clear();
    for (const client of this.#clients) {
      const { answersLeft } = rates;
      rates.answersLeft = Infinity;
      client.challenge();
      rates.answersLeft = answersLeft;
    }
    rates.answersByAddress.clear();
  }

  #allocate(client: TestClient): void {
    const random = this.#random;
    const { isDraining } = this.driver.rules;
    const before = this.driver.server.allocationCount;
    const token = this.#tokens.pop();
    const wishes: Write[] = [
      () => undefined,
      (w) => w.uint8(ATTRIBUTE.ADDITIONAL_ADDRESS_FAMILY, 2, 4),
      (w) => w.uint8(ATTRIBUTE.REQUESTED_ADDRESS_FAMILY, 2, 4),
      (w) => w.uint8(ATTRIBUTE.EVEN_PORT, random.pick([0, 0x80, 0x80])),
      (w) => token && w.attribute(ATTRIBUTE.RESERVATION_TOKEN, Buffer.from(token, 'hex')),
    ];
    const answer = client.allocate(random.pick(wishes));
    if (isDraining && this.driver.server.allocationCount > before)
      this.problems.push('allocated while draining');
    const made = answer?.hex(ATTRIBUTE.RESERVATION_TOKEN);
    if (made !== undefined) this.#tokens.push(made);
  }

  #changeWorld(client: TestClient): void {
    const random = this.#random;
    const { driver } = this;
    switch (random.below(6)) {
      case 0:
        this.#routes = random.pick(ROUTE_TABLES);
        driver.replace({ peers: this.#routes });
        break;
      case 1:
        driver.binding = random.pick([
          'synchronous',
          'synchronous',
          'delayed',
          'portTaken',
          'failing',
        ]);
        driver.adopting = random.pick(['synchronous', 'synchronous', 'failing']);
        driver.reservations.max = random.pick([0, 2, 16]);
        break;
      case 2:
        if (client.client.handle >= 0) driver.server.handleClientClosed(client.client);
        driver.drain();
        break;
      default:
        // Mostly all routes, or there would be little to relay.
        this.#routes = ROUTE_TABLES[0]!;
        driver.replace({ peers: this.#routes });
    }
  }

  #up(client: TestClient, relayed: ReturnType<TestClient['channelData']>): void {
    if (relayed === undefined) return;
    this.relayedUp++;
    const { peer, relay } = this.driver.server.relayed;
    if (relay?.allocation !== client.allocation) this.problems.push('relayed for somebody else');
    this.#mustBeAdmitted(client, peer.ip(), peer.port);
  }

  #down(client: TestClient, ip: string, port: number): void {
    const relay = client.allocation?.relays.find(
      ({ family }) => (family === 2) === ip.includes(':'),
    );
    if (relay === undefined) return;
    const under = this.driver.peerSends(relay, ip, port);
    if (under === undefined) return;
    this.relayedDown++;
    if (under.allocation !== client.allocation || under.isGone)
      this.problems.push('delivered to somebody else');
    this.#mustBeAdmitted(client, ip, port);
  }

  #mustBeAdmitted(client: TestClient, ip: string, port: number): void {
    const routes = client.allocation?.userRoutes;
    const verdict = this.#routes.admit(LISTENER, routes, parseAddress(ip, port), port);
    if (verdict !== 'admitted') this.problems.push(`data of ${ip}:${port}, which is ${verdict}`);
  }
}
