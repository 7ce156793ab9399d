import { runCommand, TestProcess, type CommandResult } from './child-process.ts';
import { freePorts } from './free-ports.ts';
import type { ServerUnderTest } from './server-under-test.ts';

/** Two echo peers on consecutive ports of an address, as `turnutils_uclient` wants them. */
export interface EchoPeers {
  /** Port of the first peer; the second has the next one. */
  readonly port: number;
  /** Ends all peers. */
  stop(): Promise<unknown>;
}

/** Starts `turnutils_peer` on two consecutive ports of each address. */
export async function startEchoPeers(addresses: readonly string[]): Promise<EchoPeers> {
  const port = await freePorts(2);
  const peers = addresses.flatMap((address) =>
    [port, port + 1].map(
      (each) => new TestProcess('turnutils_peer', ['-p', `${each}`, '-L', address]),
    ),
  );
  return { port, stop: () => Promise.all(peers.map((peer) => peer.stop(['SIGKILL']))) };
}

/** Where `turnutils_uclient` finds a server, and the secret of its credential; IPv4 loopback unless `host` is given. */
export interface UclientTarget extends Pick<ServerUnderTest, 'port' | 'secret'> {
  readonly host?: string;
}

/** Runs `turnutils_uclient` against a server; without `-u` in `flags` with a valid ephemeral credential. */
export function runUclient(
  { port, secret, host = '127.0.0.1' }: UclientTarget,
  flags: readonly string[],
  timeoutMs: number,
): Promise<CommandResult> {
  const credential = flags.includes('-u') ? [] : ['-u', 'user', '-W', secret];
  const args = [...credential, '-p', `${port}`, ...flags, host];
  return runCommand('turnutils_uclient', args, timeoutMs);
}

/** Says what is wrong with a run that must relay everything, or undefined: the exit code alone proves nothing. */
export function relayFault({ exitCode, output }: CommandResult): string | undefined {
  if (exitCode !== 0) return `exit code ${exitCode}`;
  const totals = /tot_send_bytes ~ (\d+), tot_recv_bytes ~ (\d+)\n.*Total transmit time/.exec(
    output,
  );
  if (totals === null) return 'no totals';
  const [, sent, received] = totals;
  if (sent === '0' || sent !== received) return `${sent} bytes sent, ${received} received`;
  return output.includes('Total lost packets 0 ') ? undefined : 'packets lost';
}
