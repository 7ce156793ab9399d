import { fileURLToPath } from 'node:url';
import { runCommand } from '../../../test/support/child-process.ts';
import type { Scenario } from '../../scenario.ts';
import { atLeast, atMost } from '../../support/findings.ts';
import { MUTANTS, type Mutant } from './mutants.ts';

const LOADER = fileURLToPath(new URL('../../../scripts/typescript-loader.mjs', import.meta.url));
const MUTATION = fileURLToPath(new URL('../../support/mutation.mjs', import.meta.url));
const TESTS = new URL('../../../test/regressions/', import.meta.url);
/** A defect may be one that never ends. */
const TEST_MS_MAX = 120_000;

/** Builds known defects of other servers into this one, and sees whether their tests notice. */
export const regressions: Scenario = {
  name: 'regressions',
  promise:
    'a known defect of another server that comes to be here fails the test that is there for it',
  missing: () => false,
  run: async ({ progress }) => {
    const tests = new Set(MUTANTS.map(({ test }) => test));
    const failing: string[] = [];
    for (const test of tests) failing.push(...(await failedIn(test)));
    const unnoticed: string[] = [];
    for (const mutant of MUTANTS) {
      progress(mutant.ids.join(', '));
      const failed = await failedIn(mutant.test, mutant);
      unnoticed.push(...mutant.ids.filter((id) => !failed.includes(id)));
    }
    const defects = MUTANTS.flatMap(({ ids }) => ids).length;
    const noticed = `${defects - unnoticed.length} of ${defects}`;
    return [
      atMost('tests of known defects that fail as it is', failing.length, 0),
      atLeast(
        'defects that are noticed once they are built in',
        defects - unnoticed.length,
        defects,
        {
          text: [noticed, ...unnoticed].join('; '),
        },
      ),
    ];
  },
};

/** The `id` of every defect whose test fails. */
async function failedIn(test: string, mutant?: Mutant): Promise<string[]> {
  const mutation = mutant === undefined ? [] : ['--import', MUTATION];
  const node = [process.execPath, ...mutation, '--import', LOADER];
  const command = [`TURNPIKE_MUTATION=${JSON.stringify(mutant)}`, ...node];
  const file = fileURLToPath(new URL(test, TESTS));
  const { output } = await runCommand('env', [...command, file], TEST_MS_MAX);
  const failures = output.matchAll(/^not ok \d+ - (.+?): /gm);
  return Array.from(failures, ([, id]) => id!);
}
