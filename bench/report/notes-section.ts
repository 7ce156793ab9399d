import type { Network, Report } from '../report-data.ts';
import { markup, type Content, type Markup } from './markup.ts';
import { serverLabel } from './server-names.ts';

/** How to read the figures, and what stood in their way. */
export function notesSection(report: Report): Markup {
  return markup`<section id="notes" aria-labelledby="notes-title">
<h2 id="notes-title">Notes</h2>
<div class="columns">
${list('How it was measured', method(report))}${list('What it proves, and what not', proofs(report))}
${list('Where the generator was the limit', generatorLimits(report))}
${list('What was left out or went wrong', absences(report))}</div>
</section>
`;
}

function method({ rounds, seed, tlsCipher, machine, loadAverages }: Report): string[] {
  return [
    machine.isPinning
      ? 'The server has one processor to itself; generator and sink share another.'
      : 'Server and generator were not pinned to processors: figures vary more than they should.',
    `Every figure is the median of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}; servers take turns within each.`,
    'CPU is user and system time of all threads of the server over packets received at the sink.',
    'Added latency is the time from the sender’s system call to the arrival, less that of the way without a server.',
    `Clients over TLS offer ${tlsCipher} only. Paced clients send at times that follow from the seed ${seed}.`,
    `Load average when it began and ended: ${loadAverages.map((load) => load.toFixed(2)).join(' and ')}; anything that
      runs beside the bench takes from the figures of all servers.`,
  ];
}

const PATHS: Readonly<Record<Network, readonly string[]>> = {
  loopback: [
    'On loopback the sender’s system call pays for the receiver’s protocol work; there is no network card.',
    'Segmentation looks better than over a network: nothing has to split a run of packets.',
  ],
  veth: [
    'Server and generator have a network stack each; between them is a veth pair: no network card, no interrupt.',
    'The kernel splits what leaves with UDP_SEGMENT, as for a network card that cannot: hardware would save more.',
  ],
};

function proofs({ network, machine: { processors } }: Report): string[] {
  return [
    ...PATHS[network],
    'Quote ratios, not absolute values: they carry over best between servers that do the same system calls.',
    'Saturated, generator and server meet at what the kernel does: CPU per packet tells more than the rate.',
    processors < 3
      ? `Generator and server have ${processors} processors together: nothing here tells how a server scales.`
      : 'Nothing here tells about loss or jitter of a network.',
  ];
}

function generatorLimits(report: Report): string[] {
  const byCase = new Map<string, string[]>();
  for (const figures of [...report.relay, ...report.highestRates]) {
    if (!figures.isGeneratorLimit) continue;
    const { name } = figures.case;
    byCase.set(name, [...(byCase.get(name) ?? []), serverLabel(report, figures.server)]);
  }
  return [...byCase].map(([name, servers]) => `${name}: ${servers.join(', ')}`);
}

function absences({ skipped, failures }: Report): string[] {
  return [
    ...Object.entries(skipped).map(([name, reason]) => `${name}: ${reason}`),
    ...failures.map(
      ({ server, case: name, round, reason }) => `${name}, ${server}, round ${round}: ${reason}`,
    ),
  ];
}

function list(title: string, entries: readonly Content[]): Markup {
  const items = entries.length > 0 ? entries : ['nothing'];
  return markup`<div><h3>${title}</h3>
<ul>${items.map(
    (entry) => markup`<li>${entry}</li>
`,
  )}</ul></div>
`;
}
