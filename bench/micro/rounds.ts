import { compare, functionFigure, type FunctionFigure, type FunctionFigures } from './figures.ts';
import type { GroupSummary } from './protocol.ts';
import type { MicroVersion } from './version.ts';

/** What to measure. */
export interface MicroSettings {
  readonly rounds: number;
  readonly milliseconds: number;
  /** Part of `group: name`. */
  readonly filter: string;
}

/** Measures all functions of one version, or those of two in turn: group by group, round by round. */
export async function measureVersions(
  newer: MicroVersion,
  older: MicroVersion | undefined,
  settings: MicroSettings,
): Promise<FunctionFigures[]> {
  const figures: FunctionFigures[] = [];
  for (const group of await groupsOf(newer, older)) {
    figures.push(...(await measureGroup(group, settings)));
  }
  return figures;
}

/** A group with the versions that have it. */
interface VersionedGroup extends GroupSummary {
  readonly newer: MicroVersion | undefined;
  readonly older: MicroVersion | undefined;
}

async function groupsOf(
  newer: MicroVersion,
  older: MicroVersion | undefined,
): Promise<VersionedGroup[]> {
  const ofNewer = await newer.groups();
  const ofOlder = (await older?.groups()) ?? [];
  const both = ofNewer.map((group) => {
    const isShared = ofOlder.some(({ name }) => name === group.name);
    return { ...group, newer, older: isShared ? older : undefined };
  });
  const gone = ofOlder.filter((group) => ofNewer.every(({ name }) => name !== group.name));
  return [...both, ...gone.map((group) => ({ ...group, newer: undefined, older }))];
}

async function measureGroup(
  group: VersionedGroup,
  settings: MicroSettings,
): Promise<FunctionFigures[]> {
  const older = group.older && new GroupRounds(group.older, group.name, settings);
  const newer = group.newer && new GroupRounds(group.newer, group.name, settings);
  const versions = [older, newer].filter((version) => version !== undefined);
  for (let round = 1; round <= settings.rounds; round++) {
    for (const version of versions) await version.measureRound();
    if (versions.every(({ names }) => names.length === 0)) return [];
    process.stderr.write(`${group.name}: round ${round} of ${settings.rounds}\n`);
  }
  for (const version of versions) await version.measureAllocation();
  const names = new Set(versions.toReversed().flatMap((version) => version.names));
  return [...names].map((name) => {
    const figures = {
      older: older?.figureOf(name) ?? null,
      newer: newer?.figureOf(name) ?? null,
    };
    const { isPacketPath } = group;
    const comparison = compare(figures.older, figures.newer);
    return { group: group.name, name, isPacketPath, ...figures, ...comparison };
  });
}

/** Rounds of the functions of a group in one version. */
class GroupRounds {
  readonly #version: MicroVersion;
  readonly #group: string;
  readonly #settings: MicroSettings;
  readonly #roundsByName = new Map<string, number[]>();
  readonly #bytesByName = new Map<string, number>();

  constructor(version: MicroVersion, group: string, settings: MicroSettings) {
    this.#version = version;
    this.#group = group;
    this.#settings = settings;
  }

  /** Names of the functions, once there was a round. */
  get names(): string[] {
    return [...this.#roundsByName.keys()];
  }

  async measureRound(): Promise<void> {
    const { filter, milliseconds } = this.#settings;
    for (const figure of await this.#version.time(this.#group, filter, milliseconds)) {
      const rounds = this.#roundsByName.get(figure.name) ?? [];
      this.#roundsByName.set(figure.name, [...rounds, figure.nanoseconds]);
    }
  }

  async measureAllocation(): Promise<void> {
    const figures = await this.#version.allocation(this.#group, this.#settings.filter);
    for (const { name, bytesPerCall } of figures) this.#bytesByName.set(name, bytesPerCall);
  }

  figureOf(name: string): FunctionFigure | null {
    const rounds = this.#roundsByName.get(name);
    return rounds === undefined ? null : functionFigure(rounds, this.#bytesByName.get(name)!);
  }
}
