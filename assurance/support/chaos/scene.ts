import { ephemeralCredential } from '../../../test/support/credentials.ts';
import type { IceServer } from '../../../test/support/server-under-test.ts';
import type { ServerAddress } from '../../../test/support/turn-transport.ts';
import type { Finding } from '../../scenario.ts';
import { Cleanup } from '../cleanup.ts';
import { startLiveGateway, type LiveGateway } from '../live-gateway.ts';
import type { CallOutcome } from './calls.ts';

/** Starts a gateway for `work`, and ends it whatever happens. */
export function withGateway<Value>(work: (gateway: LiveGateway) => Promise<Value>): Promise<Value> {
  return Cleanup.around(async (cleanup) => work(await startLiveGateway(cleanup)));
}

/** What a WebRTC stack needs to reach the gateway at an address that is not its own. */
export function iceServerAt(
  { secret }: LiveGateway,
  { host, port }: ServerAddress,
  transport: 'udp' | 'tcp',
): IceServer {
  const { username, password } = ephemeralCredential(secret, 'chaos');
  const urls = [`turn:${host}:${port}?transport=${transport}`];
  return { urls, username, credential: password };
}

/** Says how many calls of all came about; all of them have to. */
export function callFinding(what: string, outcomes: readonly CallOutcome[]): Finding {
  const good = outcomes.filter(({ isOk }) => isOk);
  const seconds = good.map(({ ms }) => ms / 1000).toSorted((a, b) => a - b);
  const median = seconds[seconds.length >> 1] ?? 0;
  const failures = new Set(outcomes.filter(({ isOk }) => !isOk).map(({ step }) => step));
  const again = good.filter(({ attempts }) => attempts > 1).length;
  const times = `median ${median.toFixed(1)} s, longest ${(seconds.at(-1) ?? 0).toFixed(1)} s`;
  return {
    what,
    figure: [
      `${good.length} of ${outcomes.length} (${again} begun anew), ${times}`,
      ...failures,
    ].join('; '),
    bound: 'all',
    holds: outcomes.length > 0 && good.length === outcomes.length,
  };
}

/** Says whether the gateway's process has lived through it. */
export function aliveFinding({ process }: LiveGateway): Finding {
  const faults = process.child.lines.filter((line) => /uncaught|unhandled|assert/i.test(line));
  const isAlive = process.child.isAlive && faults.length === 0;
  return {
    what: 'the gateway',
    figure: isAlive ? 'alive' : `ended or ${faults.join('; ')}`,
    bound: 'alive, nothing uncaught',
    holds: isAlive,
  };
}
