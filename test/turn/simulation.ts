import t from 'tap';
import { Simulation } from '../support/simulation/simulation.ts';

const SEED = Number(process.env['TURNPIKE_SEED'] ?? Date.now() % 2 ** 31);
const RUNS = 3;
const SECONDS = 4000;

for (let run = 0; run < RUNS; run++) {
  const seed = SEED + run;
  t.test(`a server does what the reference server foresees, seed ${seed}`, (t) => {
    const simulation = new Simulation({
      seed,
      clients: 40,
      ports: 48,
      actSeconds: 20,
      operatorSeconds: 60,
      compareSeconds: 1,
      faults: { lost: 100, duplicated: 50, corrupted: 20, delayTicksMax: 90 },
    });
    simulation.run(SECONDS);
    simulation.end();
    const { counts, problems, reference } = simulation;
    t.strictSame(problems, []);
    t.comment(JSON.stringify({ ...counts, ...Object.fromEntries(reference.errors) }));
    t.comment(JSON.stringify(Object.fromEntries(reference.ends)));
    t.end();
  });
}
