import type { Report } from '../report-data.ts';
import { markup, type Markup } from './markup.ts';

/** Where and with what the figures were measured. */
export function machineSection({ machine, versions, network, command }: Report): Markup {
  const { processor, processors, memoryGigabytes, kernel, isPinning } = machine;
  return markup`<section id="machine" aria-labelledby="machine-title">
<h2 id="machine-title">Machine and versions</h2>
<div class="columns">
<table class="facts"><caption>Machine</caption><tbody>
${fact('Processor', `${processor}, ${processors} ${processors === 1 ? 'processor' : 'processors'}`)}
${fact('Memory', `${memoryGigabytes} GB`)}
${fact('Kernel', kernel)}
${fact('Network', network === 'veth' ? 'veth pair between network namespaces' : 'loopback')}
${fact('Pinned', isPinning ? 'server and generator, to a processor each' : 'no')}
${fact('Command', markup`<code>${command}</code>`)}
</tbody></table>
<table class="facts"><caption>Versions</caption><tbody>
${Object.entries(versions).map(([name, version]) => fact(name, version))}</tbody></table>
</div>
</section>
`;
}

function fact(name: string, value: string | Markup): Markup {
  return markup`<tr><th scope="row">${name}</th><td>${value}</td></tr>
`;
}
