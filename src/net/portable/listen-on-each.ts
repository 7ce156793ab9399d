import type { ListenerPlan } from '../data-plane.ts';
import type { LogRecord } from '../../log.ts';

/**
 * Listens on each of `ips`. A listener that is bound to all addresses does without those that the host lacks, as long
 * as there is one.
 *
 * @throws Error of the system, with its `code`; what is open then has to be closed.
 */
export async function listenOnEach(
  plan: ListenerPlan,
  ips: readonly string[],
  listen: (ip: string) => Promise<void>,
  onRecord: (record: LogRecord) => void,
): Promise<void> {
  let failure: unknown = new Error('this machine has no address for it');
  let count = 0;
  for (const ip of ips) {
    try {
      await listen(ip);
      count++;
    } catch (error) {
      if (plan.bind === ip || !isMissingHere(error)) throw error;
      failure = error;
      onRecord(missingAddress(plan, ip, error));
    }
  }
  if (count === 0) throw failure;
}

function isMissingHere(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT';
}

function missingAddress({ name }: ListenerPlan, address: string, error: unknown): LogRecord {
  const fields = { listener: name, address, error: String(error) };
  return { level: 'debug', scope: 'relay', message: 'an address is not listened on', fields };
}
