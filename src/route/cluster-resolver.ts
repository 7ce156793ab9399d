import { DNS_ADDRESSES_PER_NAME_MAX } from '../limits.ts';
import { IPV4, IPV6 } from '../stun/transport-address.ts';
import {
  type Answer,
  ask,
  boundAddresses,
  type ResolveAddresses,
  secondsToNextLookUp,
  siftAddresses,
} from './dns-answer.ts';
import { Prefix } from './prefix.ts';
import type { ResolvableName } from './resolved-endpoints.ts';

/** What may be wrong with the newest answer for a name; the addresses of the last good one stay in use. */
export const RESOLVER_PROBLEMS = [
  /** A look-up failed or timed out. */
  'lookUpFailed',
  /** The name does not exist or has no address. */
  'notFound',
  /** The answer has addresses on the hard deny list; they are ignored. */
  'forbiddenAnswer',
  /** The answer has more addresses than `DNS_ADDRESSES_PER_NAME_MAX`; the rest is ignored. */
  'tooManyAddresses',
] as const;

/** One of `RESOLVER_PROBLEMS`. */
export type ResolverProblem = (typeof RESOLVER_PROBLEMS)[number];

/** A change of state of one name: a problem that came up, or undefined when the last one is gone. */
export interface ResolverReport {
  readonly name: string;
  readonly problem: ResolverProblem | undefined;
  /** Error code or ignored addresses; empty when there is nothing to add. */
  readonly detail: string;
}

/** Everything impure that a `ClusterResolver` needs. */
export interface ClusterResolverInputs {
  /** Looks up A records; rejects with `code` ENOTFOUND or ENODATA when there are none. Must settle in the end. */
  readonly resolve4: ResolveAddresses;
  /** Looks up AAAA records likewise. */
  readonly resolve6: ResolveAddresses;
  /** Calls back once after a delay in milliseconds, unless the returned function is called before. */
  readonly schedule: (callback: () => void, delayMs: number) => () => void;
  /** Told all addresses by name when those of a name have changed. */
  readonly onChange: (addressesByName: ReadonlyMap<string, readonly string[]>) => void;
  /** Told once per change of state, to be logged. */
  readonly onReport: (report: ResolverReport) => void;
}

interface WatchedName {
  readonly name: string;
  readonly dangerouslyAllow: readonly Prefix[];
  /** Addresses of the last good answer, by family. */
  ipv4: readonly string[];
  ipv6: readonly string[];
  problem: ResolverProblem | undefined;
  isWatched: boolean;
  cancelTimer: () => void;
}

/** Keeps the addresses of the host names of STRICT_DNS clusters up to date. */
export class ClusterResolver {
  /** Look-ups that came out with a problem, since the start. */
  readonly problems = Object.fromEntries(
    RESOLVER_PROBLEMS.map((problem) => [problem, 0]),
  ) as Record<ResolverProblem, number>;
  readonly #inputs: ClusterResolverInputs;
  #watchedByName = new Map<string, WatchedName>();

  constructor(inputs: ClusterResolverInputs) {
    this.#inputs = inputs;
  }

  /**
   * Replaces the names to watch and looks up those that are new or have other exceptions.
   *
   * A name that stays keeps its addresses. Does not call `onChange` for names that go away.
   *
   * @throws RangeError when an exception is no address range.
   */
  watch(names: readonly ResolvableName[]): void {
    const before = this.#watchedByName;
    const after = new Map<string, WatchedName>();
    for (const resolvable of names) {
      after.set(resolvable.name, watchedName(resolvable, before.get(resolvable.name)));
    }
    this.#watchedByName = after;
    for (const watched of before.values()) {
      if (after.get(watched.name) !== watched) stop(watched);
    }
    for (const watched of after.values()) {
      if (before.get(watched.name) !== watched) void this.#lookUp(watched);
    }
  }

  /** Addresses of the last good answer by name, sorted; a name without one is absent. */
  addressesByName(): ReadonlyMap<string, readonly string[]> {
    const addressesByName = new Map<string, readonly string[]>();
    for (const watched of this.#watchedByName.values()) {
      const addresses = addressesOf(watched);
      if (addresses.length > 0) addressesByName.set(watched.name, addresses);
    }
    return addressesByName;
  }

  /** Stops all timers and ignores answers that are still to come. */
  close(): void {
    for (const watched of this.#watchedByName.values()) stop(watched);
    this.#watchedByName = new Map();
  }

  async #lookUp(watched: WatchedName): Promise<void> {
    const { resolve4, resolve6, schedule } = this.#inputs;
    const [ipv4, ipv6] = await Promise.all([
      ask(resolve4, watched.name),
      ask(resolve6, watched.name),
    ]);
    if (!watched.isWatched) return;
    const delayMs = secondsToNextLookUp([ipv4, ipv6]) * 1000;
    watched.cancelTimer = schedule(() => void this.#lookUp(watched), delayMs);
    this.#take(watched, ipv4, ipv6);
  }

  #take(watched: WatchedName, ipv4: Answer, ipv6: Answer): void {
    const before = addressesOf(watched);
    const outcome = applyAnswers(watched, ipv4, ipv6);
    if (outcome.problem !== undefined) this.problems[outcome.problem]++;
    if (outcome.problem !== watched.problem) {
      watched.problem = outcome.problem;
      this.#inputs.onReport({ name: watched.name, ...outcome });
    }
    if (!isSameList(before, addressesOf(watched))) this.#inputs.onChange(this.addressesByName());
  }
}

/** The state of a name that stays as it is, else a new one that begins with the addresses of the old one. */
function watchedName(
  { name, dangerouslyAllow }: ResolvableName,
  before: WatchedName | undefined,
): WatchedName {
  const allow = dangerouslyAllow.map((range) => new Prefix(range));
  if (before !== undefined && isSameList(before.dangerouslyAllow.map(String), allow.map(String))) {
    return before;
  }
  return {
    name,
    dangerouslyAllow: allow,
    ipv4: before?.ipv4 ?? [],
    ipv6: before?.ipv6 ?? [],
    problem: before?.problem,
    isWatched: true,
    cancelTimer: () => {},
  };
}

function stop(watched: WatchedName): void {
  watched.isWatched = false;
  watched.cancelTimer();
}

function addressesOf({ ipv4, ipv6 }: WatchedName): readonly string[] {
  return boundAddresses([...ipv4, ...ipv6]);
}

/** Takes over what is good in two answers and says what is not, the worst first. */
function applyAnswers(
  watched: WatchedName,
  ipv4: Answer,
  ipv6: Answer,
): Omit<ResolverReport, 'name'> {
  const sifted4 = siftAddresses(recordsOf(ipv4), IPV4, watched.dangerouslyAllow);
  const sifted6 = siftAddresses(recordsOf(ipv6), IPV6, watched.dangerouslyAllow);
  const isUsable = sifted4.usable.length + sifted6.usable.length > 0;
  // An address family is given up only on word that it has no addresses while the other one has.
  if (isUsable && ipv4.kind !== 'failed') watched.ipv4 = boundAddresses(sifted4.usable);
  if (isUsable && ipv6.kind !== 'failed') watched.ipv6 = boundAddresses(sifted6.usable);

  const forbidden = [...sifted4.forbidden, ...sifted6.forbidden];
  if (forbidden.length > 0) {
    return { problem: 'forbiddenAnswer', detail: boundAddresses(forbidden).join(' ') };
  }
  const failed = [ipv4, ipv6].find((answer) => answer.kind === 'failed');
  if (failed !== undefined) return { problem: 'lookUpFailed', detail: failed.code };
  if (!isUsable) return { problem: 'notFound', detail: ipv4.kind === 'notFound' ? ipv4.code : '' };
  const total = sifted4.usable.length + sifted6.usable.length;
  if (total > DNS_ADDRESSES_PER_NAME_MAX) {
    return { problem: 'tooManyAddresses', detail: `${total}` };
  }
  return { problem: undefined, detail: '' };
}

function recordsOf(answer: Answer): Extract<Answer, { kind: 'addresses' }>['records'] {
  return answer.kind === 'addresses' ? answer.records : [];
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
