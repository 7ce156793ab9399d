import { PEER_DENIALS, type PeerDenial } from '../turn/policy.ts';

/** Labels of one sample. */
export type Labels = Readonly<Record<string, string>>;

/** The label sets of one listener or cluster. */
export interface NameLabels {
  readonly name: Labels;
  readonly received: Labels;
  readonly sent: Labels;
  readonly denials: readonly (readonly [PeerDenial, Labels])[];
}

/** Keeps label sets, because the library writes the same object only once, however often it is scraped. */
export class NameLabelCache {
  readonly #labelsByName = new Map<string, NameLabels>();

  /** Labels of a listener or cluster with a slot of its own: there is a bound to those. */
  of(name: string): NameLabels {
    let labels = this.#labelsByName.get(name);
    if (labels === undefined) this.#labelsByName.set(name, (labels = createLabels(name)));
    return labels;
  }
}

function createLabels(name: string): NameLabels {
  return {
    name: { name },
    received: { name, direction: 'rx' },
    sent: { name, direction: 'tx' },
    denials: PEER_DENIALS.map((reason) => [reason, { name, reason }] as const),
  };
}
