import type { ListenerPlan } from '../data-plane.ts';

const WILDCARDS = ['0.0.0.0', '::'];

/** The addresses that a plan names: wildcards of both families, or the one it is bound to. */
export function listenIps({ bind }: ListenerPlan): string[] {
  return bind === undefined ? WILDCARDS : [bind];
}

/** True for the unspecified address of either family as the configuration writes it. */
export function isWildcard(ip: string): boolean {
  return WILDCARDS.includes(ip);
}
