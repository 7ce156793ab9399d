import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { ClientError } from './client-error.ts';

/**
 * Looks up the addresses of a host as every program of this machine does, hosts file included.
 *
 * @returns at least one IP address, in the order of the system; an IP address is its own answer.
 * @throws ClientError `unreachable` when the name has no address or cannot be looked up.
 */
export async function resolveHost(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    const answers = await lookup(host, { all: true, verbatim: true });
    return [...new Set(answers.map(({ address }) => address))];
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOTFOUND' ? 'the name does not exist' : `the look-up failed (${code})`;
    throw new ClientError('unreachable', `${host}: ${reason}`, { cause: error });
  }
}
