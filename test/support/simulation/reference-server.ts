import { ATTRIBUTE } from '../../../src/stun/registry.ts';
import type { AllocationEnd, DropReason } from '../../../src/turn/commands.ts';
import type { Answer } from '../core/answer.ts';
import {
  familyOf,
  secondOf,
  type Family,
  type ReferenceAllocation,
} from './reference-allocation.ts';
import type { Origin, SentRequest, Wish } from './request.ts';
import { isRouted, type World } from './world.ts';

// As RFC 8656 has them, rather than as the server does.
const ALLOCATION_SECONDS = 600;
const ALLOCATION_SECONDS_MAX = 3600;
const PERMISSION_SECONDS = 300;
const CHANNEL_SECONDS = 600;
const RESERVATION_SECONDS = 30;
const NONCE_SECONDS = 3600;
const CHANNEL_MIN = 0x4000;
/** A day, and an hour for clocks that differ. */
const CREDENTIAL_SECONDS_MAX = 86_400 + 3600;

type AllocateWish = Extract<Wish, { kind: 'allocate' }>;
type WishOf<Kind extends Wish['kind']> = Extract<Wish, { kind: Kind }>;

/**
 * A second TURN server, made of plain maps and the words of RFC 8656 alone, that says what the real one must do.
 *
 * Only what is left to chance, the port, the token and the nonce, is learnt from the answer.
 */
export class ReferenceServer {
  /** Both clocks; set before anything is asked. */
  nowMs = 0;
  unixSeconds = 0;
  readonly world: World;
  readonly reservationsMax: number;
  readonly allocations = new Map<string, ReferenceAllocation>();
  readonly reservations = new Map<string, { family: Family; port: number; endsAt: number }>();
  /** Ports that are held, by family. */
  readonly ports: Record<Family, Set<number>> = { IPv4: new Set(), IPv6: new Set() };
  readonly drops = new Map<DropReason, number>();
  /** Error responses by method and code, such as `3 401`. */
  readonly errors = new Map<string, number>();
  readonly ends = new Map<AllocationEnd, number>();
  created = 0;
  readonly #nonces = new Map<string, { readonly address: string; readonly second: number }>();

  constructor(world: World, reservationsMax: number) {
    this.world = world;
    this.reservationsMax = reservationsMax;
  }

  /** Compares the answer to a request, undefined when there was none, with what it has to be. */
  judge(origin: Origin, request: SentRequest, answer: Answer | undefined): string | undefined {
    if (answer === undefined) return 'no answer';
    const { signature } = request;
    const refused = this.#authenticate(origin, request);
    const expected = refused ?? this.#expect(origin, request);
    if (expected !== 'success') add(this.errors, `${request.method} ${expected}`);
    if (answer.outcome !== expected) return `answered ${answer.outcome} instead of ${expected}`;
    const integrity = refused === undefined ? answer.integrity(signature!.key) : 'sha1';
    if (integrity !== 'sha1') return `integrity ${integrity}`;
    if (refused !== undefined) return this.#learnNonce(origin, refused, answer);
    this.#prolong(origin, request);
    return expected === 'success' ? this.#commit(origin, request, answer) : undefined;
  }

  /** Where data on a channel has to go; undefined when it has to be dropped. */
  channelData({ key }: Origin, number: number): { ip: string; port: number } | undefined {
    const allocation = this.allocations.get(key);
    if (allocation === undefined) return this.#drop('noAllocation');
    return allocation.channels.get(number) ?? this.#drop('unknownChannel');
  }

  /** Whether data in a Send indication has to be relayed. */
  sendIndication({ key }: Origin, ip: string, port: number): true | undefined {
    const allocation = this.allocations.get(key);
    if (allocation === undefined) return this.#drop('noAllocation');
    if (!allocation.relays.has(familyOf(ip))) return this.#drop('noRelayOfFamily');
    return this.#passes(allocation, ip, port);
  }

  /** How data from a peer has to reach the client: on a channel, in an indication or not at all. */
  peerDatagram(key: string, ip: string, port: number): number | 'indication' | undefined {
    const allocation = this.allocations.get(key)!;
    if (this.#passes(allocation, ip, port) === undefined) return undefined;
    return channelTo(allocation, ip, port)?.[0] ?? 'indication';
  }

  /** Ends what is over; to be called with every whole second. */
  expire(): void {
    const isOver = (endsAt: number): boolean => secondOf(endsAt) <= this.nowMs;
    for (const allocation of this.allocations.values()) {
      for (const [ip, endsAt] of allocation.permissions) {
        if (isOver(endsAt)) allocation.permissions.delete(ip);
      }
      for (const [number, { endsAt }] of allocation.channels) {
        if (isOver(endsAt)) allocation.channels.delete(number);
      }
      const credentialEndsAt = this.#credentialEnd(allocation);
      const endsAt = Math.min(allocation.lifetimeEndsAt, credentialEndsAt);
      const earliest = (Math.floor(allocation.decidedAt / 1000) + 1) * 1000;
      if (Math.max(secondOf(endsAt), earliest) > this.nowMs) continue;
      const isCredential = credentialEndsAt < allocation.lifetimeEndsAt;
      this.end(allocation.key, isCredential ? 'credentialExpired' : 'expired');
    }
    for (const [token, { family, port, endsAt }] of this.reservations) {
      if (!isOver(endsAt)) continue;
      this.reservations.delete(token);
      this.ports[family].delete(port);
    }
  }

  /** Ends one allocation, if it is there. */
  end(key: string, reason: AllocationEnd): void {
    const allocation = this.allocations.get(key);
    if (allocation === undefined) return;
    for (const [family, port] of allocation.relays) this.ports[family].delete(port);
    this.allocations.delete(key);
    add(this.ends, reason);
  }

  /** Lets new routes hold for what is there. */
  applyRoutes(): void {
    for (const { routes, permissions, channels } of this.allocations.values()) {
      for (const [number, { ip, port }] of channels) {
        if (!isRouted(this.world, routes, ip, port)) channels.delete(number);
      }
      for (const ip of permissions.keys()) {
        if (!isRouted(this.world, routes, ip)) permissions.delete(ip);
      }
    }
  }

  /** Lets new rules hold for what is there. */
  applyRules(): void {
    for (const allocation of this.allocations.values()) allocation.decidedAt = this.nowMs;
  }

  /** Counts something that the real server counted and that nobody could foresee. */
  tolerate(drops: ReadonlyMap<DropReason, number>, errors: ReadonlyMap<string, number>): void {
    for (const [reason, count] of drops) add(this.drops, reason, count);
    for (const [key, count] of errors) add(this.errors, key, count);
  }

  /** Notes a nonce that came with an answer that nobody could foresee. */
  learnNonce({ address }: Origin, nonce: string): void {
    this.#nonces.set(nonce, { address, second: Math.floor(this.nowMs / 1000) });
  }

  /** Allocations of a user. */
  countOf(userId: string): number {
    let count = 0;
    for (const allocation of this.allocations.values()) if (allocation.userId === userId) count++;
    return count;
  }

  #drop(reason: DropReason): undefined {
    add(this.drops, reason);
    return undefined;
  }

  #passes({ permissions, routes }: ReferenceAllocation, ip: string, port: number) {
    if (!permissions.has(ip)) return this.#drop('noPermission');
    return isRouted(this.world, routes, ip, port) ? true : this.#drop('peerNotAdmitted');
  }

  /** RFC 8489 §9.2.4; undefined when the client is who it says. */
  #authenticate({ key, address }: Origin, { signature }: SentRequest): 401 | 438 | undefined {
    if (signature === undefined) return 401;
    const nonce = this.#nonces.get(signature.nonce);
    if (nonce?.address !== address) return 438;
    const { secret, expiresAtUnixSeconds, userId } = signature.identity;
    const { secrets, onCredentialExpiry, revokedUntil } = this.world;
    const live = this.allocations.get(key);
    const isKept = onCredentialExpiry === 'keep' && live !== undefined;
    const since = isKept ? live.createdAtUnixSeconds : this.unixSeconds;
    const isEphemeral = secret !== undefined;
    if (expiresAtUnixSeconds < since) return 401;
    if (isEphemeral && expiresAtUnixSeconds > this.unixSeconds + CREDENTIAL_SECONDS_MAX) return 401;
    if (isEphemeral && !secrets.includes(secret)) return 401;
    if (Math.floor(this.nowMs / 1000) - nonce.second > NONCE_SECONDS) return 438;
    return this.unixSeconds < (revokedUntil.get(userId) ?? 0) ? 401 : undefined;
  }

  #learnNonce(origin: Origin, code: number, answer: Answer): string | undefined {
    const nonce = answer.text(ATTRIBUTE.NONCE);
    if (nonce === undefined) return `${code} without a nonce`;
    this.learnNonce(origin, nonce);
    return answer.integrity(new Uint8Array(16)) === 'none' ? undefined : 'a signed challenge';
  }

  #expect(origin: Origin, request: SentRequest): 'success' | number {
    const { wish, signature } = request;
    const live = this.allocations.get(origin.key);
    const { userId } = signature!.identity;
    if (wish.kind === 'allocate') return this.#expectAllocate(origin, request, wish);
    if (live === undefined) return 437;
    if (live.userId !== userId) return 441;
    switch (wish.kind) {
      case 'refresh':
        return wish.family !== undefined && !live.relays.has(wish.family) ? 443 : 'success';
      case 'permit':
        return this.#expectPermit(live, wish.ips);
      default:
        return this.#expectBind(live, wish);
    }
  }

  /** RFC 8656 §7.2. */
  #expectAllocate(origin: Origin, request: SentRequest, wish: AllocateWish): 'success' | number {
    const { world } = this;
    const { userId } = request.signature!.identity;
    const live = this.allocations.get(origin.key);
    if (live !== undefined) {
      const isSame = live.transactionId === request.transactionId && live.userId === userId;
      return isSame ? 'success' : 437;
    }
    if (world.isDraining) {
      return world.hasAlternateServer && !origin.address.startsWith('[') ? 300 : 508;
    }
    if (this.countOf(userId) >= world.userQuota) return 486;
    if (wish.token !== undefined) return this.reservations.has(wish.token) ? 'success' : 508;
    return this.#familiesFor(wish).length === 0 ? 508 : 'success';
  }

  /** Families that are asked for and have a port left. */
  #familiesFor({ family, port }: AllocateWish): Family[] {
    const asked: readonly Family[] =
      family === 'both' ? ['IPv4', 'IPv6'] : [family === 'unsaid' ? 'IPv4' : family];
    return asked.filter((each) => this.#hasPort(each, port));
  }

  #hasPort(family: Family, wish: AllocateWish['port']): boolean {
    const { minPort, maxPort } = this.world;
    for (let port = minPort; port <= maxPort; port++) {
      if (this.#isRight(family, wish, port)) return true;
    }
    return false;
  }

  #isRight(family: Family, wish: AllocateWish['port'], port: number): boolean {
    const { minPort, maxPort } = this.world;
    const taken = this.ports[family];
    if (port < minPort || port > maxPort || taken.has(port)) return false;
    if (wish === 'any') return true;
    if (port % 2 !== 0) return false;
    return wish === 'even' || (port < maxPort && !taken.has(port + 1));
  }

  /** RFC 8656 §10.2. */
  #expectPermit(live: ReferenceAllocation, ips: readonly string[]): 'success' | number {
    if (ips.length === 0) return 400;
    if (ips.some((ip) => !live.relays.has(familyOf(ip)))) return 443;
    if (ips.some((ip) => !isRouted(this.world, live.routes, ip))) return 403;
    const added = new Set(ips.filter((ip) => !live.permissions.has(ip))).size;
    const isTooMuch = added > 0 && live.permissions.size + added > this.world.permissionsMax;
    return isTooMuch ? 508 : 'success';
  }

  /** RFC 8656 §12.2. */
  #expectBind(live: ReferenceAllocation, wish: WishOf<'bind'>): 'success' | number {
    const { number, ip, port } = wish;
    if (number < CHANNEL_MIN) return 400;
    const bound = live.channels.get(number);
    const boundTo = channelTo(live, ip, port)?.[1];
    if (bound !== boundTo) return 400;
    if (!live.relays.has(familyOf(ip))) return 443;
    if (!isRouted(this.world, live.routes, ip, port)) return 403;
    const { channelsMax, permissionsMax } = this.world;
    const hasRoom =
      (bound !== undefined || live.channels.size < channelsMax) &&
      (live.permissions.has(ip) || live.permissions.size < permissionsMax);
    return hasRoom ? 'success' : 508;
  }

  /** A credential that expires later than those shown before counts from now on. */
  #prolong({ key }: Origin, { wish, signature }: SentRequest): void {
    const live = this.allocations.get(key);
    const { userId, expiresAtUnixSeconds } = signature!.identity;
    if (live === undefined || wish.kind === 'allocate' || live.userId !== userId) return;
    live.credentialExpiresAtUnixSeconds = Math.max(
      live.credentialExpiresAtUnixSeconds,
      expiresAtUnixSeconds,
    );
  }

  #commit(origin: Origin, request: SentRequest, answer: Answer): string | undefined {
    const { wish } = request;
    const live = this.allocations.get(origin.key);
    if (wish.kind === 'allocate') {
      return live === undefined
        ? this.#allocate(origin, request, wish, answer)
        : this.#compare(origin, live, answer);
    }
    if (wish.kind === 'refresh') return this.#refresh(live!, wish, answer);
    const ips = wish.kind === 'permit' ? wish.ips : [wish.ip];
    for (const ip of ips) live!.permissions.set(ip, this.#after(PERMISSION_SECONDS));
    if (wish.kind === 'bind') {
      const { number, ip, port } = wish;
      live!.channels.set(number, { ip, port, endsAt: this.#after(CHANNEL_SECONDS) });
    }
    return undefined;
  }

  #allocate(
    origin: Origin,
    request: SentRequest,
    wish: AllocateWish,
    answer: Answer,
  ): string | undefined {
    const { userId, routes, expiresAtUnixSeconds } = request.signature!.identity;
    const reservation = wish.token === undefined ? undefined : this.reservations.get(wish.token);
    const families = reservation === undefined ? this.#familiesFor(wish) : [reservation.family];
    const relays = relaysOf(answer);
    if ([...relays.keys()].join() !== families.join()) return `relays ${[...relays].join()}`;
    for (const [family, port] of relays) {
      const isRight =
        reservation === undefined
          ? this.#isRight(family, wish.port, port)
          : reservation.port === port;
      if (!isRight) return `port ${port}`;
      this.ports[family].add(port);
    }
    if (reservation !== undefined) this.reservations.delete(wish.token!);
    const grantedSeconds = granted(wish.lifetime);
    const live: ReferenceAllocation = {
      key: origin.key,
      userId,
      routes,
      transactionId: request.transactionId,
      grantedSeconds,
      createdAtUnixSeconds: this.unixSeconds,
      relays,
      permissions: new Map(),
      channels: new Map(),
      token: this.#reserve(relays, wish, answer),
      lacksFamily: wish.token === undefined && wish.family === 'both' && families.length === 1,
      lifetimeEndsAt: this.#after(grantedSeconds),
      credentialExpiresAtUnixSeconds: expiresAtUnixSeconds,
      decidedAt: this.nowMs,
    };
    this.allocations.set(origin.key, live);
    this.created++;
    return this.#compare(origin, live, answer);
  }

  /** Holds the next higher port for whoever brings the token; RFC 8656 §7.2. */
  #reserve(
    relays: ReadonlyMap<Family, number>,
    wish: AllocateWish,
    answer: Answer,
  ): string | undefined {
    if (wish.port !== 'pair' || wish.token !== undefined) return undefined;
    if (this.reservations.size >= this.reservationsMax) return undefined;
    const token = answer.hex(ATTRIBUTE.RESERVATION_TOKEN) ?? 'missing';
    const [[family, first]] = [...relays] as [[Family, number]];
    const port = first + 1;
    this.ports[family].add(port);
    const endsAt = this.#after(RESERVATION_SECONDS);
    this.reservations.set(token, { family, port, endsAt });
    return token;
  }

  /** Compares a success response to an Allocate request, the first one or a repeated one. */
  #compare(origin: Origin, live: ReferenceAllocation, answer: Answer): string | undefined {
    const expected = [
      [...live.relays].join(),
      this.#told(live, live.grantedSeconds),
      live.token,
      live.lacksFamily,
      origin.address,
    ];
    const found = [
      [...relaysOf(answer)].join(),
      answer.lifetime,
      answer.hex(ATTRIBUTE.RESERVATION_TOKEN),
      answer.has(ATTRIBUTE.ADDRESS_ERROR_CODE),
      answer.addresses(ATTRIBUTE.XOR_MAPPED_ADDRESS).join(),
    ];
    return expected.every((value, index) => value === found[index])
      ? undefined
      : `allocated ${found.join(' ')} instead of ${expected.join(' ')}`;
  }

  /** RFC 8656 §8.2. */
  #refresh(
    live: ReferenceAllocation,
    { lifetime, family }: WishOf<'refresh'>,
    answer: Answer,
  ): string | undefined {
    const grantedSeconds = lifetime === 0 ? 0 : granted(lifetime);
    const told = lifetime === 0 ? 0 : this.#told(live, grantedSeconds);
    if (answer.lifetime !== told) return `lifetime ${answer.lifetime} instead of ${told}`;
    if (grantedSeconds > 0) {
      live.lifetimeEndsAt = this.#after(grantedSeconds);
      live.decidedAt = this.nowMs;
    } else if (family !== undefined && live.relays.size > 1) {
      this.#endRelay(live, family);
    } else {
      this.end(live.key, 'refreshedToZero');
    }
    return undefined;
  }

  #endRelay({ relays, permissions, channels }: ReferenceAllocation, family: Family): void {
    this.ports[family].delete(relays.get(family)!);
    relays.delete(family);
    for (const ip of permissions.keys()) if (familyOf(ip) === family) permissions.delete(ip);
    for (const [number, { ip }] of channels) {
      if (familyOf(ip) === family) channels.delete(number);
    }
  }

  /** LIFETIME as a client is told: no more than is left of its credential, where that ends it. */
  #told(live: ReferenceAllocation, grantedSeconds: number): number {
    const leftSeconds = Math.ceil((this.#credentialEnd(live) - this.nowMs) / 1000);
    return Math.max(1, Math.min(grantedSeconds, leftSeconds));
  }

  #credentialEnd({ credentialExpiresAtUnixSeconds: last }: ReferenceAllocation): number {
    if (this.world.onCredentialExpiry !== 'close') return Infinity;
    return this.#after(last + 1 - this.unixSeconds);
  }

  #after(seconds: number): number {
    return this.nowMs + seconds * 1000;
  }
}

function add<Key>(counts: Map<Key, number>, key: Key, count = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

function granted(wish: number | undefined): number {
  const seconds = Math.min(wish ?? 0, ALLOCATION_SECONDS_MAX);
  return Math.max(seconds, ALLOCATION_SECONDS);
}

function channelTo({ channels }: ReferenceAllocation, ip: string, port: number) {
  for (const entry of channels) if (entry[1].ip === ip && entry[1].port === port) return entry;
  return undefined;
}

/** Ports of XOR-RELAYED-ADDRESS by family. */
function relaysOf(answer: Answer): Map<Family, number> {
  return new Map(
    answer.addresses(ATTRIBUTE.XOR_RELAYED_ADDRESS).map((address) => {
      const family = address.startsWith('[') ? 'IPv6' : 'IPv4';
      return [family, Number(address.slice(address.lastIndexOf(':') + 1))];
    }),
  );
}
