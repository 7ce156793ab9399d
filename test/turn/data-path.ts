import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { DataPathCost } from '../support/core/data-path-worker.ts';

/** Of each kind; eight bytes per packet would be 16 MB and at least one collection. */
const PACKETS = 2_000_000;
const HEAP_GROWTH_BYTES_MAX = 1_000_000;
const WORKER = fileURLToPath(new URL('../support/core/data-path-worker.ts', import.meta.url));

t.test('relaying creates no objects', (t) => {
  const costs = measureInChild();
  t.ok(costs.length > 8);
  const control = costs.pop()!;
  t.ok(control.collections > 0, `${control.name}: ${control.collections} collections`);
  for (const { name, relayed, collections, heapGrowthBytes } of costs) {
    t.equal(relayed, name.startsWith('dropped') ? 0 : PACKETS, `${name}: ${relayed} relayed`);
    t.equal(collections, 0, `${name}: garbage collections`);
    t.ok(
      heapGrowthBytes < HEAP_GROWTH_BYTES_MAX,
      `${name}: ${heapGrowthBytes} bytes for ${PACKETS} packets`,
    );
  }
  t.end();
});

/** Without coverage, which counts in objects of its own. */
function measureInChild(): DataPathCost[] {
  const { NODE_V8_COVERAGE: _, ...env } = process.env;
  const loaders = process.execArgv.filter((argument) => !argument.includes('@tapjs'));
  const output = execFileSync(process.execPath, [...loaders, '--expose-gc', WORKER, `${PACKETS}`], {
    env,
  });
  return JSON.parse(output.toString()) as DataPathCost[];
}
