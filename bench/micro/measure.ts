import { measureAllocation } from './allocation.ts';
import { availableGroups } from './groups.ts';
import { timeCases } from './timing.ts';
import type { AllocationFigure, GroupOrder, GroupSummary, TimeFigure } from './protocol.ts';

const [order = ''] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(await execute(JSON.parse(order) as GroupOrder))}\n`);

/** Does what the command line says, in JSON. */
async function execute(
  wanted: GroupOrder,
): Promise<readonly (GroupSummary | TimeFigure | AllocationFigure)[]> {
  const groups = availableGroups();
  if (wanted.kind === 'groups') {
    return groups.map(({ name, isPacketPath }) => ({ name, isPacketPath }));
  }
  const group = groups.find(({ name }) => name === wanted.group);
  if (group === undefined) throw new Error(`there is no group ${wanted.group}`);
  const cases = group.open().filter(({ name }) => {
    return `${group.name}: ${name}`.includes(wanted.filter);
  });
  if (wanted.kind === 'time') return timeCases(cases, wanted.milliseconds);
  const figures: AllocationFigure[] = [];
  for (const one of cases) {
    const { name, heapGrowthBytes, calls } = await measureAllocation(
      one,
      wanted.calls,
      group.isPacketPath,
    );
    figures.push({ name, bytesPerCall: Math.max(0, heapGrowthBytes / calls) });
  }
  return figures;
}
