import { builtinModules } from 'node:module';
import t from 'tap';

interface Bundle {
  readonly script: string;
  readonly inputs: readonly string[];
  readonly required: readonly string[];
}

const BUNDLER = '../../packaging/binary/bundle.mjs';
const { bundle } = (await import(BUNDLER)) as {
  bundle: (entry: string) => Promise<Bundle>;
};
const BUILT_IN = new Set([...builtinModules, 'sea'].map((name) => name.replace(/^node:/, '')));

for (const entry of ['src/main.ts', 'src/relay-worker.ts']) {
  t.test(`${entry} as one script`, async (t) => {
    const { script, inputs, required } = await bundle(entry);
    const outside = required.filter((name) => !BUILT_IN.has(name.replace(/^node:/, '')));
    t.not(required.length, 0);
    t.same([...new Set(outside)], [], 'needs nothing beside it');
    t.notMatch(script, /\bimport\.meta\b/, 'does not ask where it is');
    t.ok(inputs.includes('packaging/binary/inside/koffi.ts'), 'takes koffi out of the executable');
    t.notOk(inputs.includes('src/sys/koffi.ts'));
  });
}
