import * as fc from 'fast-check';
import { configMutants, expectVerdict } from '../../../test/support/config-mutants.ts';
import { missingBuild } from '../../../test/support/gateway-process.ts';
import type { Finding, Scenario, ScenarioOptions } from '../../scenario.ts';
import { aliveFinding, withGateway } from '../../support/chaos/scene.ts';
import { ReloadFuzzer } from '../../support/fuzz/reload-fuzzer.ts';
import type { LiveGateway } from '../../support/live-gateway.ts';

const MUTANTS = 10_000;
const RELOADS = 300;

/** Configuration files with mistakes of every kind, parsed here and reloaded by a live gateway. */
export const configFuzz: Scenario = {
  name: 'config-fuzz',
  promise: 'a broken file is refused with a position, and the configuration in force stays',
  missing: missingBuild,
  run: async (options) => [
    parseFinding(options),
    ...(await withGateway((gateway) => reloadFindings(gateway, options))),
  ],
};

function parseFinding({ scale, seed }: ScenarioOptions): Finding {
  const counts = { accepted: 0, refused: 0 };
  const judge = fc.property(configMutants(), (text) => void counts[expectVerdict(text)]++);
  const result = fc.check(judge, { seed, numRuns: Math.ceil(MUTANTS * scale) });
  const { accepted, refused } = counts;
  const failure = result.failed
    ? [String(result.errorInstance), JSON.stringify(result.counterexample)]
    : [];
  return {
    what: 'mutated files that are neither accepted nor refused with a position',
    figure: [`${result.failed ? 1 : 0}; ${accepted} accepted, ${refused} refused`, ...failure].join(
      '; ',
    ),
    bound: '0',
    holds: !result.failed && accepted > 0 && refused > 0,
  };
}

async function reloadFindings(
  gateway: LiveGateway,
  { scale, seed, progress }: ScenarioOptions,
): Promise<Finding[]> {
  const fuzzer = await ReloadFuzzer.open(gateway);
  try {
    const numRuns = Math.ceil(RELOADS * scale);
    for (const text of fc.sample(configMutants([fuzzer.original]), { seed, numRuns })) {
      await fuzzer.reload(text);
    }
    progress(JSON.stringify(fuzzer.counts));
    const { accepted, refused } = fuzzer.counts;
    return [
      {
        what: 'reloads by SIGHUP after which not everything was as it has to be',
        figure: [
          `${fuzzer.problems.length}; ${accepted} files accepted, ${refused} refused`,
          ...fuzzer.problems.slice(0, 3),
        ].join('; '),
        bound: '0',
        holds: fuzzer.problems.length === 0 && refused > 0,
      },
      aliveFinding(gateway),
    ];
  } finally {
    await fuzzer.close();
  }
}
