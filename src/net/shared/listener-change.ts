import type { ListenerPlan } from '../data-plane.ts';
import { isWildcard, listenIps } from './listen-ips.ts';

/** A listener whose sockets are open. */
export interface OpenedListener {
  readonly plan: ListenerPlan;
  /** Serves only what lives there. */
  readonly isRetired: boolean;
}

/** How what is open becomes what is planned. */
export interface ListenerChange<Listener extends OpenedListener> {
  /** Stays where it is, or comes back there, with another plan. */
  readonly kept: readonly { readonly listener: Listener; readonly plan: ListenerPlan }[];
  /** Whose place is free. */
  readonly opened: readonly ListenerPlan[];
  /** Whose place is free only after those in `yielding` are gone from it. */
  readonly openedAfter: readonly ListenerPlan[];
  /** Has no place left where it is, whatever it still serves. */
  readonly yielding: readonly Listener[];
  /** Goes on with what lives, since its name is planned elsewhere. */
  readonly retired: readonly Listener[];
  /** Its name is not planned any more. */
  readonly closed: readonly Listener[];
}

/** Compares what is open with what is planned; names are unique in `plans`. */
export function planChange<Listener extends OpenedListener>(
  open: readonly Listener[],
  plans: readonly ListenerPlan[],
): ListenerChange<Listener> {
  const keepers = plans.map((plan) => {
    return { plan, listener: open.find((listener) => isSamePlace(listener.plan, plan)) };
  });
  const kept = keepers.flatMap(({ plan, listener }) => (listener ? [{ plan, listener }] : []));
  const fresh = keepers.filter(({ listener }) => listener === undefined).map(({ plan }) => plan);
  const staying = new Set(kept.map(({ listener }) => listener));
  const leaving = open.filter((listener) => !staying.has(listener));
  const mustYield = (plan: ListenerPlan): boolean =>
    leaving.some((listener) => excludeEachOther(listener.plan, plan));
  const yielding = leaving.filter((listener) =>
    fresh.some((plan) => excludeEachOther(listener.plan, plan)),
  );
  const others = leaving.filter((listener) => !yielding.includes(listener));
  const names = new Set(plans.map(({ name }) => name));
  return {
    kept,
    opened: fresh.filter((plan) => !mustYield(plan)),
    openedAfter: fresh.filter(mustYield),
    yielding,
    retired: others.filter(({ plan, isRetired }) => names.has(plan.name) && !isRetired),
    closed: others.filter(({ plan }) => !names.has(plan.name)),
  };
}

/** True for listeners on datagrams, whose clients all share the listener's socket. */
export function isDatagramListener({ protocol }: Pick<ListenerPlan, 'protocol'>): boolean {
  return protocol === 'udp' || protocol === 'dtls';
}

function isSamePlace(a: ListenerPlan, b: ListenerPlan): boolean {
  return a.name === b.name && a.protocol === b.protocol && a.bind === b.bind && a.port === b.port;
}

/** True when the system lets only one of them have its sockets. */
function excludeEachOther(a: ListenerPlan, b: ListenerPlan): boolean {
  if (a.port !== b.port || isDatagramListener(a) !== isDatagramListener(b)) return false;
  return listenIps(a).some((one) => listenIps(b).some((other) => overlap(one, other)));
}

function overlap(a: string, b: string): boolean {
  if (a.includes(':') !== b.includes(':')) return false;
  return a === b || isWildcard(a) || isWildcard(b);
}
