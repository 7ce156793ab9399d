import { Cluster, type Endpoint } from '../../src/route/endpoint.ts';
import { EndpointIndex } from '../../src/route/endpoint-index.ts';
import type { TransportAddress } from '../../src/stun/transport-address.ts';
import { bigAddress, bigRange, bigText, isInRange, type BigAddress } from './big-address.ts';
import type { SeededRandom } from './core/seeded-random.ts';
import { bytes4, EMBEDDINGS } from './ipv4-embeddings.ts';
import { OPEN_ROUTES } from './open-route-table.ts';
import { isNeverPeer } from './peer-oracle.ts';
import { SPECIAL_PURPOSES } from './special-purpose.ts';
import { addressFrom } from './turn-client.ts';

/** What came out of comparing the product with an oracle. */
export interface Trials {
  readonly count: number;
  /** How often both said yes; neither all nor none of a good sample. */
  readonly yes: number;
  /** Those on which they differ, at most as many as anyone reads. */
  readonly wrong: readonly string[];
  readonly wrongCount: number;
}

const ENDPOINTS_PER_TABLE = 16;
const QUESTIONS_PER_TABLE = 1000;
const WRONG_SHOWN_MAX = 20;
const PORT_MAX = 65_535;

const RANGES = SPECIAL_PURPOSES.map(({ range }) => bigRange(range));
const EMBED = Object.values(EMBEDDINGS);

/** Compares verdicts on addresses in, at the edges of and beside special-purpose ranges, under every embedding. */
export function tryVerdicts(count: number, random: SeededRandom): Trials {
  return compare(count, () => {
    const text = peerText(random);
    const verdict = OPEN_ROUTES.admit('open', undefined, addressFrom(text, 5000), 5000);
    const expected = isNeverPeer(bigAddress(text)) ? 'forbiddenPeer' : 'admitted';
    return { isRight: verdict === expected, isYes: verdict === 'admitted', name: text };
  });
}

/** Compares which addresses and ports random endpoints contain. */
export function tryMemberships(count: number, random: SeededRandom): Trials {
  let endpoints: RandomEndpoint[] = [];
  let routed: readonly Endpoint[] = [];
  let index = new EndpointIndex(routed);
  let asked = 0;
  return compare(count, () => {
    if (asked++ % QUESTIONS_PER_TABLE === 0) {
      endpoints = Array.from({ length: ENDPOINTS_PER_TABLE }, () => randomEndpoint(random));
      routed = clusterOf(endpoints).endpoints;
      index = new EndpointIndex(routed);
    }
    const near = random.pick(endpoints);
    const address = neighbour(near, random);
    const port = random.pick([near.minPort, near.maxPort, near.minPort - 1, near.maxPort + 1]);
    const peer = addressFrom(bigText(address), port);
    const isYes = isIndexed(index, peer);
    const isContained = routed.some(
      ({ prefix, ports }) => prefix.contains(peer) && ports.has(port),
    );
    const expected = endpoints.some(
      ({ range, minPort, maxPort }) =>
        isInRange(address, range) && port >= minPort && port <= maxPort,
    );
    const isRight = isYes === expected && isContained === expected;
    return { isRight, isYes, name: peer.toString() };
  });
}

interface Trial {
  readonly isRight: boolean;
  readonly isYes: boolean;
  readonly name: string;
}

function compare(count: number, trial: () => Trial): Trials {
  const wrong: string[] = [];
  let wrongCount = 0;
  let yes = 0;
  for (let done = 0; done < count; done++) {
    const { isRight, isYes, name } = trial();
    if (isYes) yes++;
    if (isRight) continue;
    wrongCount++;
    if (wrong.length < WRONG_SHOWN_MAX) wrong.push(name);
  }
  return { count, yes, wrong, wrongCount };
}

/** Text of an address of a special-purpose range or next to one, IPv4 mostly as IPv6. */
function peerText(random: SeededRandom): string {
  const range = random.pick(RANGES);
  const address = neighbour({ range }, random);
  const text = bigText(address);
  if (address.bits === 128 || random.below(8) === 0) return text;
  return random.pick(EMBED)(bytes4(text));
}

type RandomEndpoint = ReturnType<typeof randomEndpoint>;

function randomEndpoint(random: SeededRandom) {
  const bits = random.pick([32, 128]);
  const ports = [1 + random.below(PORT_MAX), 1 + random.below(PORT_MAX)];
  return {
    range: { first: { bits, value: noise(bits, random) }, length: random.below(bits + 1) },
    minPort: Math.min(...ports),
    maxPort: Math.max(...ports),
  };
}

/** An address of the range, often its first or last, or one that is beside it. */
function neighbour(
  { range: { first, length } }: Pick<RandomEndpoint, 'range'>,
  random: SeededRandom,
): BigAddress {
  const { bits } = first;
  const host = (1n << BigInt(bits - length)) - 1n;
  const base = first.value & ~host;
  const all = (1n << BigInt(bits)) - 1n;
  const values = [
    base,
    base | host,
    base - 1n,
    (base | host) + 1n,
    base | (noise(bits, random) & host),
  ];
  return { bits, value: random.pick(values) & all };
}

function noise(bits: number, random: SeededRandom): bigint {
  let value = 0n;
  for (let done = 0; done < bits; done += 32)
    value = (value << 32n) | BigInt(random.below(2 ** 32));
  return value;
}

function clusterOf(endpoints: readonly RandomEndpoint[]): Cluster {
  return new Cluster({
    name: 'random',
    protocol: 'udp',
    endpoints: endpoints.map(({ range: { first, length }, minPort, maxPort }) => ({
      address: bigText(first),
      prefixLength: length,
      minPort,
      maxPort,
    })),
    dangerouslyAllow: [],
  });
}

function isIndexed(index: EndpointIndex, peer: TransportAddress): boolean {
  for (let level = 0; level < index.levelCount(peer); level++) {
    const found = index.find(level, peer);
    if (found?.portRoutes.some(({ ports }) => ports.has(peer.port)) === true) return true;
  }
  return false;
}
