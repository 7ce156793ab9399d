import { RouteTable } from '../../../src/route/route-table.ts';
import { ATTRIBUTE } from '../../../src/stun/registry.ts';
import { SeededRandom } from './seeded-random.ts';
import { TestClient, type Write } from './test-client.ts';
import { cluster, LISTENER, parseAddress, ROUTES, TurnDriver } from './turn-driver.ts';

const PAYLOAD = Buffer.from('payload');
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

/** Clients that do what they like on one server. */
export class RandomLife {
  readonly driver: TurnDriver;
  readonly problems: string[] = [];
  relayedUp = 0;
  relayedDown = 0;
  readonly #random: SeededRandom;
  readonly #clients: TestClient[];
  #routes = ROUTE_TABLES[0]!;
  #tokens: string[] = [];

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.driver = new TurnDriver({ seed, portCount: 12 });
    this.driver.quota.perUserMax = 4;
    this.#clients = [0, 1, 2, 3, 4, 5].map(
      (index) =>
        new TestClient(this.driver, {
          port: 40_000 + index,
          user: ['alice', 'bob', 'carol'][index % 3]!,
          handle: index < 4 ? -1 : 20 + index,
        }),
    );
  }

  step(): void {
    const random = this.#random;
    const client = random.pick(this.#clients);
    const ip = random.pick(PEERS);
    const port = random.pick(PORTS);
    switch (random.below(16)) {
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
        this.#up(client, client.sendIndication(ip, port, PAYLOAD));
        break;
      case 8:
      case 9:
        this.#up(client, client.channelData(0x4000 + random.below(4), PAYLOAD));
        break;
      case 10:
      case 11:
      case 12:
        this.#down(client, ip, port);
        break;
      case 13:
        this.driver.advance(random.pick([0, 1, 1, 10, 10, 50, random.below(300)]));
        for (const each of this.#clients) each.challenge();
        break;
      case 14:
        this.#changeWorld(client);
        break;
      default:
        this.driver.bindWaiting(() => random.below(5) > 0);
    }
  }

  /** Lets everything come to its end. */
  end(): void {
    this.driver.bindWaiting();
    if (this.#random.below(2) === 0) this.driver.server.shutdown();
    this.driver.drain();
    this.driver.advance(3700);
  }

  #allocate(client: TestClient): void {
    const random = this.#random;
    const token = this.#tokens.pop();
    const wishes: Write[] = [
      () => undefined,
      (w) => w.uint8(ATTRIBUTE.ADDITIONAL_ADDRESS_FAMILY, 2, 4),
      (w) => w.uint8(ATTRIBUTE.REQUESTED_ADDRESS_FAMILY, 2, 4),
      (w) => w.uint8(ATTRIBUTE.EVEN_PORT, random.pick([0, 0x80, 0x80])),
      (w) => token && w.attribute(ATTRIBUTE.RESERVATION_TOKEN, Buffer.from(token, 'hex')),
    ];
    const answer = client.allocate(random.pick(wishes));
    const made = answer?.hex(ATTRIBUTE.RESERVATION_TOKEN);
    if (made !== undefined) this.#tokens.push(made);
  }

  #changeWorld(client: TestClient): void {
    const random = this.#random;
    const { driver } = this;
    switch (random.below(6)) {
      case 0:
        this.#routes = random.pick(ROUTE_TABLES);
        driver.server.replacePolicies({ peers: this.#routes });
        driver.drain();
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
        driver.server.replacePolicies({ peers: this.#routes });
        driver.drain();
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
