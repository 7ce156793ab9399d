import { spawnSync } from 'node:child_process';
import type { Addresses } from '../settings.ts';

const PREFIX_LENGTH = 24;

/** A network namespace, and the end of the pair in it. */
export interface VethEnd {
  readonly namespace: string;
  readonly device: string;
  /** What runs a command in it. */
  readonly prefix: readonly string[];
}

/**
 * Creates two network namespaces that a veth pair joins; they are removed when this process ends.
 *
 * Segmentation is left to neither end, as if both were network cards without it: the kernel has to split what leaves
 * with UDP_SEGMENT.
 *
 * @param purpose - a word of at most seven letters that keeps the names apart from those of other runs.
 * @throws Error without the privilege or the tools.
 */
export function createVethPair(
  addresses: Addresses,
  purpose = 'bench',
): { readonly server: VethEnd; readonly generator: VethEnd } {
  const server = endOf(`${purpose}-s`);
  const generator = endOf(`${purpose}-g`);
  for (const { namespace } of [server, generator]) removeLeftover(namespace);
  process.on('exit', () => {
    for (const { namespace } of [server, generator]) spawnSync('ip', ['netns', 'del', namespace]);
  });
  for (const { namespace } of [server, generator]) ip('netns', 'add', namespace);
  const peer = ['peer', 'name', generator.device, 'netns', generator.namespace];
  ip('-n', server.namespace, 'link', 'add', server.device, 'type', 'veth', ...peer);
  configure(server, [addresses.server]);
  configure(generator, [addresses.peer, addresses.client]);
  return { server, generator };
}

function endOf(name: string): VethEnd {
  const namespace = `turnpike-${name}`;
  return { namespace, device: `veth-${name}`, prefix: ['ip', 'netns', 'exec', namespace] };
}

function configure({ namespace, device }: VethEnd, own: readonly string[]): void {
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

/** Removes what a run left that could not clean up, unless somebody lives in it. */
function removeLeftover(namespace: string): void {
  const { status, stdout } = spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' });
  if (status !== 0) return;
  if (stdout.trim() !== '') throw new Error(`another run lives in the network ${namespace}`);
  ip('netns', 'del', namespace);
}

/** Runs ip(8); throws an Error with what it says when it fails. */
export function ip(...args: string[]): void {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status === 0) return;
  const reason = error?.message ?? stderr.trim();
  throw new Error(`a veth pair needs root and iproute2: ip ${args.join(' ')}: ${reason}`);
}
