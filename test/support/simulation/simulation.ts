import { ATTRIBUTE } from '../../../src/stun/registry.ts';
import type { DropReason } from '../../../src/turn/commands.ts';
import { ChannelBinding } from '../../../src/turn/channel-binding.ts';
import type { Relay } from '../../../src/turn/allocation.ts';
import { Answer } from '../core/answer.ts';
import { SeededRandom } from '../core/seeded-random.ts';
import { TestClient } from '../core/test-client.ts';
import { MIN_PORT, TurnDriver } from '../core/turn-driver.ts';
import { differences } from './differences.ts';
import { ReferenceServer } from './reference-server.ts';
import type { Identity, Meaning } from './request.ts';
import { originOf, PAYLOAD, SimulatedClient } from './simulated-client.ts';
import { SimulatedNetwork, type NetworkFaults } from './simulated-network.ts';
import { SimulatedOperator } from './simulated-operator.ts';
import {
  CONFINED_USER,
  credentialsOf,
  PEER_IPS,
  PEER_PORTS,
  ROUTE_SETS,
  routeTableOf,
  type World,
} from './world.ts';

/** Ticks of a second: times are then sums of powers of two, which have no rounding errors. */
const TICKS_PER_SECOND = 64;
const PROBLEMS_MAX = 5;
const PEER_PACKETS_PER_ACT = 2;
const CLIENT_PORTS = 24;

/** How large a simulation is. */
export interface SimulationOptions {
  readonly seed: number;
  readonly clients: number;
  /** Relay ports of each family. */
  readonly ports: number;
  /** Seconds between two acts of a client, on average. */
  readonly actSeconds: number;
  /** Seconds between two acts of the operator, on average. */
  readonly operatorSeconds: number;
  /** Seconds between two comparisons of the whole state; counts are compared after every step. */
  readonly compareSeconds: number;
  readonly faults: NetworkFaults;
}

interface Packet {
  readonly isUp: boolean;
  readonly client: SimulatedClient;
  /** The socket that it was sent from, or to. */
  readonly socket: TestClient;
  readonly bytes: Uint8Array;
  readonly meaning: Meaning | undefined;
}

/** Clients, a network and an operator around a server without sockets, beside a reference server that foresees it. */
export class Simulation {
  readonly driver: TurnDriver;
  readonly reference: ReferenceServer;
  readonly network: SimulatedNetwork<Packet>;
  readonly operator: SimulatedOperator;
  readonly problems: string[] = [];
  readonly counts = {
    steps: 0,
    requests: 0,
    relayedUp: 0,
    relayedDown: 0,
    rebinds: 0,
    compared: 0,
  };
  readonly #options: SimulationOptions;
  readonly #random: SeededRandom;
  readonly #clients: SimulatedClient[] = [];
  readonly #relays: { readonly relay: Relay; readonly key: string }[] = [];
  readonly #known = new WeakSet<Relay>();
  readonly #clientByAddress = new Map<string, SimulatedClient>();
  readonly #userIds: readonly string[];
  /** How allocations ended, as the server says. */
  readonly #ends = new Map<string, number>();
  #created = 0;
  #tick = 0;
  #handle = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#userIds = Array.from({ length: Math.ceil(options.clients / 2) }, (_, at) => `user${at}`);
    this.driver = new TurnDriver({ seed: options.seed, portCount: options.ports });
    const world = worldOf(options);
    this.reference = new ReferenceServer(world, this.driver.reservations.max);
    this.network = new SimulatedNetwork(this.#random, options.faults);
    this.driver.quota.perUserMax = world.userQuota;
    this.driver.replace({ credentials: credentialsOf(world), peers: routeTableOf(world) });
    this.driver.changeRules({ onCredentialExpiry: world.onCredentialExpiry });
    this.#tellTime();
    const { driver, reference } = this;
    this.operator = new SimulatedOperator(driver, reference, this.#random, this.#userIds);
    this.#addClients();
  }

  /** Lets so many seconds pass, or fewer when there are problems. */
  run(seconds: number): void {
    const until = this.#tick + seconds * TICKS_PER_SECOND;
    while (this.#tick < until && this.problems.length < PROBLEMS_MAX) this.#passTick();
  }

  /** Ends everything; names what is left. */
  end(): void {
    this.driver.server.shutdown();
    this.driver.drain();
    for (const key of this.reference.allocations.keys()) this.reference.end(key, 'shutdown');
    this.#afterStep('the end');
    this.#compare();
    this.driver.advance(60);
    const { server, quota, portsTaken, sockets, channels, reservations } = this.driver;
    const left = [server.allocationCount, quota.total, portsTaken, sockets.size, channels.size];
    left.push(reservations.byToken.size);
    if (left.some((count) => count !== 0)) this.problems.push(`left over: ${left.join()}`);
    if (server.pollTimeout() !== undefined) this.problems.push('something is still waited for');
  }

  #passTick(): void {
    this.#tick++;
    this.driver.advance(1 / TICKS_PER_SECOND);
    this.#tellTime();
    const isWholeSecond = this.#tick % TICKS_PER_SECOND === 0;
    if (isWholeSecond) {
      this.reference.expire();
      this.#afterStep('time');
    }
    for (const { packet, isCorrupt } of this.network.arrivals(this.#tick)) {
      if (packet.isUp) this.#arriveUp(packet, isCorrupt);
      else this.#arriveDown(packet, isCorrupt);
    }
    this.#letClientsAct();
    if (this.#isTime(this.#options.operatorSeconds)) {
      this.operator.act();
      this.#afterStep('the operator');
    }
    const compareTicks = this.#options.compareSeconds * TICKS_PER_SECOND;
    if (this.#tick % compareTicks === 0) this.#compare();
  }

  #tellTime(): void {
    this.reference.nowMs = this.driver.nowMs;
    this.reference.unixSeconds = this.driver.unixSeconds;
  }

  /** True once in so many seconds, on average. */
  #isTime(seconds: number): boolean {
    return this.#random.below(Math.ceil(seconds * TICKS_PER_SECOND)) === 0;
  }

  #letClientsAct(): void {
    const { clients, actSeconds } = this.#options;
    const perTick = clients / (actSeconds * TICKS_PER_SECOND);
    let acts = Math.floor(perTick);
    if (this.#random.below(1000) < (perTick - acts) * 1000) acts++;
    for (; acts > 0; acts--) {
      const client = this.#random.pick(this.#clients);
      this.#letAct(client);
      for (let count = 0; count < PEER_PACKETS_PER_ACT; count++) this.#peerSends();
    }
  }

  #letAct(client: SimulatedClient): void {
    const fate = this.#random.below(80);
    if (fate === 6) this.#rebind(client);
    if (fate < 6) client.renew(this.#identityOf(client.identity.userId));
    const { bytes, meaning } = client.act();
    this.#send(client, bytes, meaning);
  }

  #send(client: SimulatedClient, bytes: Uint8Array, meaning: Meaning): void {
    const packet = { isUp: true, client, socket: client.socket, bytes, meaning };
    this.network.send(packet, this.#tick, client.isStream, meaning.kind === 'request');
  }

  #arriveUp(packet: Packet, isCorrupt: boolean): void {
    const { client, socket, bytes, meaning } = packet;
    // A connection that is closed takes what was under way along.
    if (client.isStream && client.socket !== socket) return;
    const origin = originOf(socket);
    if (isCorrupt) return this.#arriveCorrupt(packet);
    const { answers, relayed } = this.driver.receive(socket.client, bytes);
    let problem: string | undefined;
    if (meaning!.kind === 'request') {
      this.counts.requests++;
      const answer = answers[0] === undefined ? undefined : new Answer(answers[0]);
      problem = this.reference.judge(origin, meaning!.request, answer);
      if (answers.length > 1 || relayed !== undefined) problem = 'more than an answer';
      if (meaning!.request.wish.kind === 'allocate') this.#noteRelays(socket);
    } else {
      const expected = this.#destination(origin, meaning!);
      const found = relayed?.peer;
      if (answers.length > 0) problem = 'answered data';
      if (found !== expected) problem = `relayed to ${found} instead of ${expected}`;
      if (relayed !== undefined && !PAYLOAD.equals(relayed.payload)) problem = 'other data';
      if (relayed !== undefined) this.counts.relayedUp++;
    }
    this.#report(problem, JSON.stringify(meaning));
    for (const answer of answers) this.#answer(packet, answer);
    this.#afterStep('a message');
  }

  #destination(origin: ReturnType<typeof originOf>, meaning: Meaning): string | undefined {
    if (meaning.kind === 'data') {
      const peer = this.reference.channelData(origin, meaning.number);
      return peer && textOf(peer.ip, peer.port);
    }
    if (meaning.kind !== 'send') return undefined;
    const { ip, port } = meaning;
    return this.reference.sendIndication(origin, ip, port) && textOf(ip, port);
  }

  /** Whatever has become of it: nothing that is signed may come of it, and nothing may change. */
  #arriveCorrupt(packet: Packet): void {
    const { socket } = packet;
    const bytes = Uint8Array.from(packet.bytes);
    bytes[this.#random.below(bytes.length)]! ^= 1 << this.#random.below(8);
    const [drops, errors] = [{ ...this.driver.drops }, new Map(this.driver.counters.errors)];
    const { answers, relayed } = this.driver.receive(socket.client, bytes);
    if (relayed !== undefined) this.#report('relayed a corrupt request', '');
    for (const each of answers) {
      const answer = new Answer(each);
      const nonce = answer.text(ATTRIBUTE.NONCE);
      if (nonce !== undefined) this.reference.learnNonce(originOf(socket), nonce);
      const isSigned = answer.has(ATTRIBUTE.MESSAGE_INTEGRITY);
      if (isSigned) this.#report('took a corrupt request for a genuine one', hexOf(bytes));
    }
    this.reference.tolerate(grown(this.driver.drops, drops), added(this.driver, errors));
    for (const answer of answers) this.#answer(packet, answer);
    this.#afterStep('a corrupt request');
  }

  #answer({ client, socket }: Packet, bytes: Uint8Array): void {
    const packet = { isUp: false, client, socket, bytes, meaning: undefined };
    this.network.send(packet, this.#tick, client.isStream, true);
  }

  /** A client finds out by the integrity that an answer is corrupt, and waits for another. */
  #arriveDown({ client, socket, bytes }: Packet, isCorrupt: boolean): void {
    if (client.socket !== socket || isCorrupt) return;
    const outgoing = client.receive(bytes);
    if (outgoing !== undefined) this.#send(client, outgoing.bytes, outgoing.meaning);
  }

  #noteRelays(socket: TestClient): void {
    const { allocation } = socket;
    const key = originOf(socket).key;
    for (const relay of allocation?.relays ?? []) {
      if (this.#known.has(relay)) continue;
      this.#known.add(relay);
      this.#relays.push({ relay, key });
    }
  }

  /** Some peer sends to some relayed address, whether it may or not. */
  #peerSends(): void {
    const index = this.#random.below(this.#relays.length);
    const known = this.#relays[index];
    if (known === undefined) return;
    const { relay, key } = known;
    if (relay.allocation.isGone || !relay.allocation.relays.includes(relay)) {
      this.#relays[index] = this.#relays.at(-1)!;
      this.#relays.pop();
      return;
    }
    const ips = PEER_IPS.filter((each) => each.includes(':') === (relay.family === 2));
    const [ip, port] = [this.#random.pick(ips), this.#random.pick(PEER_PORTS)];
    const under = this.driver.peerSends(relay, ip, port);
    const expected = this.reference.peerDatagram(key, ip, port);
    const found = under instanceof ChannelBinding ? under.channelNumber : under && 'indication';
    if (found !== undefined) this.counts.relayedDown++;
    const problem = found === expected ? undefined : `${found} instead of ${expected}`;
    this.#report(problem, `from peer ${ip} ${port}`);
    this.#afterStep('a packet of a peer');
  }

  #rebind(client: SimulatedClient): void {
    this.counts.rebinds++;
    if (client.isStream) {
      this.driver.server.handleClientClosed(client.socket.client);
      this.driver.drain();
      this.reference.end(client.origin.key, 'clientClosed');
      this.#afterStep('a closed connection');
    }
    this.#clientByAddress.delete(client.origin.address);
    client.rebind(this.#openSocket(client.isStream));
    this.#clientByAddress.set(client.origin.address, client);
  }

  /** A socket on an address that nobody has now, though somebody may have had it. */
  #openSocket(isStream: boolean): TestClient {
    const hosts = Math.ceil((this.#options.clients * 2) / CLIENT_PORTS) + 1;
    const handle = isStream ? this.#handle++ : -1;
    for (;;) {
      const host = this.#random.below(hosts);
      const ip =
        host % 4 === 3 ? `2001:db8::${host + 1}` : `198.51.${100 + (host >> 8)}.${host & 255}`;
      const port = 40_000 + this.#random.below(CLIENT_PORTS);
      const socket = new TestClient(this.driver, { ip, port, handle });
      if (!this.#clientByAddress.has(originOf(socket).address)) return socket;
    }
  }

  #addClients(): void {
    const tokens: string[] = [];
    for (let index = 0; index < this.#options.clients; index++) {
      const userId = index % 20 === 19 ? CONFINED_USER.username : this.#random.pick(this.#userIds);
      const socket = this.#openSocket(index % 4 === 0);
      const identity = this.#identityOf(userId);
      const client = new SimulatedClient({ socket, identity, random: this.#random, tokens });
      this.#clients.push(client);
      this.#clientByAddress.set(client.origin.address, client);
    }
  }

  /** A credential as an app server would make it now, or one that is wrong. */
  #identityOf(userId: string): Identity {
    if (userId === CONFINED_USER.username) {
      const { username, routes } = CONFINED_USER;
      const expiresAtUnixSeconds = Infinity;
      return { username, userId, expiresAtUnixSeconds, secret: undefined, routes };
    }
    const { reference } = this;
    const lifetime = this.#random.pick([
      -5, 60, 600, 3600, 3600, 7200, 7200, 86_400, 86_400, 200_000,
    ]);
    const expiresAtUnixSeconds = Math.floor(reference.unixSeconds) + lifetime;
    const isWrong = this.#random.below(50) === 0;
    const secret = isWrong ? 'no secret' : reference.world.secrets[0]!;
    const username = `${expiresAtUnixSeconds}:${userId}`;
    return { username, userId, expiresAtUnixSeconds, secret, routes: undefined };
  }

  #report(problem: string | undefined, what: string): void {
    if (problem === undefined || this.problems.length >= PROBLEMS_MAX) return;
    const at = (this.#tick / TICKS_PER_SECOND).toFixed(3);
    this.problems.push(`second ${at}: ${problem}; ${what} (seed ${this.#options.seed})`);
  }

  /** What is known at little cost, after everything that happens. */
  #afterStep(what: string): void {
    this.counts.steps++;
    const { driver, reference } = this;
    for (const event of driver.events) {
      if (event.kind === 'allocationDeleted') countEnd(this.#ends, event.reason);
      if (event.kind === 'allocationCreated') this.#created++;
    }
    driver.forget();
    const { IPv4, IPv6 } = reference.ports;
    const found = [driver.server.allocationCount, driver.sockets.size, this.#created];
    const expected = [reference.allocations.size, IPv4.size + IPv6.size, reference.created];
    if (found.join() === expected.join()) return;
    this.#report(`${found.join()} instead of ${expected.join()} allocations, ports, created`, what);
  }

  /** Everything that both servers know. */
  #compare(): void {
    this.counts.compared++;
    for (const problem of differences(this.driver, this.reference, this.#ends)) {
      this.#report(problem, 'the whole state');
    }
  }
}

function worldOf({ ports }: SimulationOptions): World {
  return {
    clusters: ROUTE_SETS[0]!,
    secrets: ['secret 1', 'secret 0'],
    revokedUntil: new Map(),
    onCredentialExpiry: 'close',
    permissionsMax: 64,
    channelsMax: 256,
    userQuota: 3,
    isDraining: false,
    hasAlternateServer: false,
    minPort: MIN_PORT,
    maxPort: MIN_PORT + ports - 1,
  };
}

function countEnd(counts: Map<string, number>, reason: string): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1);
}

function textOf(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** How much more there is of each reason. */
function grown(
  now: Readonly<Record<DropReason, number>>,
  before: Readonly<Record<DropReason, number>>,
): Map<DropReason, number> {
  const reasons = Object.keys(now) as DropReason[];
  return new Map(reasons.map((reason) => [reason, now[reason] - before[reason]]));
}

function added({ counters }: TurnDriver, before: ReadonlyMap<string, number>): Map<string, number> {
  return new Map([...counters.errors].map(([key, count]) => [key, count - (before.get(key) ?? 0)]));
}
