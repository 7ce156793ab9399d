import type { GeneratorProcess } from '../measure/generator-process.ts';
import type { RelayCase } from '../report-data.ts';

/** Gives the generator the clients that a case needs, unless those of the case before it are the same. */
export async function setUpClients(
  generator: GeneratorProcess,
  { transport, allocations, framing }: RelayCase,
  previous: RelayCase | undefined,
): Promise<void> {
  const isSame =
    transport === previous?.transport &&
    allocations === previous.allocations &&
    framing === previous.framing;
  if (isSame) return;
  await generator.open(allocations, transport);
  await generator.allocate();
  if (framing === 'channelData') await generator.bindChannels();
  else await generator.createPermissions();
}
