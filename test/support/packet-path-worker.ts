import { measureAllocation, type Allocation } from '../../bench/micro/allocation.ts';
import { availableGroups } from '../../bench/micro/groups.ts';
import { CALLS, type MicroCase } from '../../bench/micro/micro-case.ts';

/** What the packets of one kind left behind. */
export interface PacketGarbage extends Allocation {
  readonly group: string;
}

/** How many packets pass each function, and how many the ways that have system calls in them. */
const PACKETS = 200_000;
const NATIVE_PACKETS = 8_192;

/** Many clients pass the same functions as one. */
const LEFT_OUT = 'clients';

const found: PacketGarbage[] = [];
for (const { name: group, isPacketPath, isNative, open } of availableGroups()) {
  if (!isPacketPath || group === LEFT_OUT) continue;
  for (const one of open().filter(({ mayAllocate }) => mayAllocate !== true)) {
    const packets = isNative ? NATIVE_PACKETS : PACKETS;
    found.push({ group, ...(await measureAllocation(one, packets, true)) });
  }
}
found.push({ group: 'control', ...(await measureAllocation(control(), PACKETS, true)) });
process.stdout.write(JSON.stringify(found));

/** Shows that what is looked for would be found: the smallest thing that there is, one for each call. */
function control(): MicroCase {
  const kept: unknown[] = ['not a number, so that numbers are objects here'];
  const run = (calls: number): unknown => {
    for (let call = 0; call < calls; call++) kept[0] = call + 0.5;
    return kept;
  };
  return { name: 'creates a number', calls: CALLS, run };
}
