import { spawnSync } from 'node:child_process';
import type { Addresses } from '../settings.ts';

/** Network namespaces, and the end of the pair in each. */
const SERVER = { namespace: 'turnpike-bench-s', device: 'veth-bench-s' } as const;
const GENERATOR = { namespace: 'turnpike-bench-g', device: 'veth-bench-g' } as const;
const PREFIX_LENGTH = 24;

/**
 * Creates two network namespaces that a veth pair joins; they are removed when this process ends.
 *
 * Segmentation is left to neither end, as if both were network cards without it: the kernel has to split what leaves
 * with UDP_SEGMENT.
 *
 * @returns what runs a command in either namespace; throws without the privilege or the tools.
 */
export function createVethPair(addresses: Addresses): {
  readonly server: readonly string[];
  readonly generator: readonly string[];
} {
  for (const { namespace } of [SERVER, GENERATOR]) removeLeftover(namespace);
  process.on('exit', () => {
    for (const { namespace } of [SERVER, GENERATOR]) spawnSync('ip', ['netns', 'del', namespace]);
  });
  for (const { namespace } of [SERVER, GENERATOR]) ip('netns', 'add', namespace);
  const peer = ['peer', 'name', GENERATOR.device, 'netns', GENERATOR.namespace];
  ip('-n', SERVER.namespace, 'link', 'add', SERVER.device, 'type', 'veth', ...peer);
  configure(SERVER, [addresses.server]);
  configure(GENERATOR, [addresses.peer, addresses.client]);
  return { server: prefix(SERVER.namespace), generator: prefix(GENERATOR.namespace) };
}

function configure(
  { namespace, device }: { readonly namespace: string; readonly device: string },
  own: readonly string[],
): void {
  for (const address of own) {
    ip('-n', namespace, 'address', 'add', `${address}/${PREFIX_LENGTH}`, 'dev', device);
  }
  ip('-n', namespace, 'link', 'set', 'lo', 'up');
  // One segment at most: without it the pair would hand over unsplit what leaves with UDP_SEGMENT.
  ip('-n', namespace, 'link', 'set', device, 'gso_max_segs', '1');
  ip('-n', namespace, 'link', 'set', device, 'up');
  // The same once more where ethtool is installed, and nothing merges segments on arrival.
  const features = ['tx-udp-segmentation', 'off', 'gso', 'off', 'gro', 'off'];
  spawnSync('ip', ['netns', 'exec', namespace, 'ethtool', '-K', device, ...features]);
}

function prefix(namespace: string): string[] {
  return ['ip', 'netns', 'exec', namespace];
}

/** Removes what a run left that could not clean up, unless somebody lives in it. */
function removeLeftover(namespace: string): void {
  const { status, stdout } = spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' });
  if (status !== 0) return;
  if (stdout.trim() !== '') throw new Error(`another bench runs in the network ${namespace}`);
  ip('netns', 'del', namespace);
}

function ip(...args: string[]): void {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status === 0) return;
  const reason = error?.message ?? stderr.trim();
  throw new Error(`a veth pair needs root and iproute2: ip ${args.join(' ')}: ${reason}`);
}
