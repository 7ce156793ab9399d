import { isOverlap, parseRange, rangeBlocks, subtractRanges } from './address-ranges.ts';
import type { AddressRange } from './address-ranges.ts';
import { Remarked } from './commented-yaml.ts';
import { placeOf, type CoturnFile, type CoturnSetting } from './coturn-file.ts';
import type { ImportNotes } from './import-notes.ts';

/** Which peers an imported configuration relays to beside those that coturn allows by name. */
export type PeerChoice = 'public' | 'none';

/** Clusters in the format of the file, and their names for `routes`. */
export interface ImportedClusters {
  readonly clusters: readonly object[];
  readonly routes: readonly string[];
}

const ALLOWED = 'allowed-peers';
const PUBLIC = 'public-internet';
const BACKENDS = 'media-servers';

const EXAMPLE = '10.0.0.0/24:<10000-20000>';
const DECIDE = [
  'coturn relays to every address that is not denied, private networks included. The import lets clients reach the',
  `public Internet less what was denied (cluster ${PUBLIC}), as calls between people need it, and no private network.`,
  'Decide: where clients talk to media servers only, replace that cluster by the addresses and ports of the servers',
  '(turnpike config import --peers none begins there)',
].join(' ');
const FILL_IN = `cluster ${BACKENDS} is empty, so nothing is relayed: list your media servers, such as ${EXAMPLE}`;

/** What is not on the public Internet (RFC 6890), and so is no peer unless it is allowed by name. */
const NOT_PUBLIC = ranges(
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24',
  '192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4',
  '2001::/23 2001:db8::/32 2002::/16 3fff::/20',
);
/** All IPv4, and the global unicast addresses of IPv6. */
const EVERYWHERE = ranges('0.0.0.0/0 2000::/3');
/** What the gateway refuses whatever the routes say, as far as operators write it. */
const NEVER = ranges(
  '0.0.0.0/8 127.0.0.0/8 169.254.0.0/16 224.0.0.0/4 240.0.0.0/4 ::/127 fe80::/10 ff00::/8',
);

/** Turns `allowed-peer-ip` and `denied-peer-ip` into clusters: coturn relays to all but some, the gateway to some. */
export function importPeers(
  file: CoturnFile,
  choice: PeerChoice,
  notes: ImportNotes,
): ImportedClusters {
  const allowed = readRanges(file.all('allowed-peer-ip'), notes);
  const denied = readRanges(file.all('denied-peer-ip'), notes);
  noteLoopback(file, notes);
  const clusters = [
    ...allowedCluster(allowed, notes),
    ...(choice === 'public'
      ? publicCluster(denied, allowed.length > 0, notes)
      : backendCluster(notes)),
  ];
  return { clusters, routes: clusters.map(({ name }) => name) };
}

interface NamedCluster {
  readonly name: string;
  readonly endpoints: unknown;
}

interface ReadRange {
  readonly setting: CoturnSetting;
  readonly range: AddressRange;
}

function allowedCluster(allowed: readonly ReadRange[], notes: ImportNotes): NamedCluster[] {
  const endpoints = allowed.flatMap(({ setting, range }) => {
    if (NEVER.some((never) => isOverlap(never, range))) {
      notes.setting(
        setting,
        `lies in part where nothing is relayed to; dangerously_allow of cluster ${ALLOWED} makes exceptions`,
      );
    }
    const blocks = rangeBlocks(range);
    return blocks.map((block, index) =>
      index === 0 ? new Remarked(block, placeOf(setting)) : block,
    );
  });
  return endpoints.length === 0 ? [] : [{ name: ALLOWED, endpoints }];
}

function publicCluster(
  denied: readonly ReadRange[],
  hasAllowed: boolean,
  notes: ImportNotes,
): NamedCluster[] {
  const open = subtractRanges(EVERYWHERE, [...NOT_PUBLIC, ...denied.map(({ range }) => range)]);
  if (open.length === 0) {
    if (!hasAllowed) notes.general('every peer is denied; name the peers in a cluster');
    return [];
  }
  notes.general(DECIDE);
  const remark = deniedRemark(denied);
  return [{ name: PUBLIC, endpoints: new Remarked(open.flatMap(rangeBlocks), remark) }];
}

function backendCluster(notes: ImportNotes): NamedCluster[] {
  notes.general(FILL_IN);
  const remark = `decide: addresses and ports of your media servers, such as ${EXAMPLE}`;
  return [{ name: BACKENDS, endpoints: new Remarked([], remark) }];
}

function deniedRemark(denied: readonly ReadRange[]): string {
  const lines = denied.map(({ setting }) => setting.line);
  const less = lines.length === 0 ? '' : `, less denied-peer-ip of line ${lines.join(', ')}`;
  return `decide: every public address${less}; add ports where you know them`;
}

function noteLoopback(file: CoturnFile, notes: ImportNotes): void {
  const loopback = file.flag('allow-loopback-peers');
  if (loopback === undefined) return;
  notes.setting(
    loopback,
    'peers on the gateway itself are refused; a cluster reaches one with dangerously_allow: [127.0.0.1/32]',
  );
}

function readRanges(settings: readonly CoturnSetting[], notes: ImportNotes): ReadRange[] {
  return settings.flatMap((setting) => {
    // One realm may have ranges of its own in coturn: realm$range.
    const [, realm, text = ''] = /^(?:(.*)\$)?(.*)$/.exec(setting.value) ?? [];
    const range = parseRange(text.trim());
    if (range === undefined) notes.setting(setting, 'is no address or range; left out');
    if (realm !== undefined)
      notes.setting(setting, 'is taken for every realm, as there is only one');
    return range === undefined ? [] : [{ setting, range }];
  });
}

function ranges(...texts: readonly string[]): readonly AddressRange[] {
  return texts
    .join(' ')
    .split(' ')
    .map((text) => parseRange(text))
    .filter((range) => range !== undefined);
}
