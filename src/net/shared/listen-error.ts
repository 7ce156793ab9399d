import { GatewayError } from '../../errors.ts';
import type { ListenerPlan } from '../data-plane.ts';

/** Says why a listener could not be opened and what to do; `cause` is the system's error with its symbolic `code`. */
export function listenError(plan: ListenerPlan, cause: unknown): GatewayError {
  const where = `${plan.protocol} ${plan.bind ?? '*'} port ${plan.port}`;
  const detail = `listener "${plan.name}" cannot listen on ${where}: ${adviceFor(cause)}`;
  return new GatewayError('GW_ERR_LISTEN', detail, { cause });
}

function adviceFor(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { code } = cause as NodeJS.ErrnoException;
  return ADVICE[code ?? ''] ?? cause.message;
}

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address already in use; stop the other program, or choose another port',
  EACCES: 'permission denied; ports below 1024 need the capability CAP_NET_BIND_SERVICE',
  EADDRNOTAVAIL: 'this machine does not have that address',
};
