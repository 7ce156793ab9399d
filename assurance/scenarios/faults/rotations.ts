import { missingBuild } from '../../../test/support/gateway-process.ts';
import { RotationScene, type Meanwhile } from '../../../test/support/rotation-scene.ts';
import type { Finding, Scenario } from '../../scenario.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { atLeast, atMost, count, untouched } from '../../support/findings.ts';

const ROTATIONS = 1000;
const CORRUPT_PAIRS = 100;

/** Certificates are replaced, some of them by ruins, while clients shake hands and relay. */
export const rotations: Scenario = {
  name: 'rotations',
  promise:
    'a certificate that is replaced disturbs no handshake and no call, and one that cannot be used changes nothing',
  missing: missingBuild,
  run: ({ scale, progress }) =>
    Cleanup.around(async (cleanup) => {
      const scene = await RotationScene.open(cleanup, 'reactor');
      const wanted = Math.ceil(ROTATIONS * scale);
      const serials = new Set<string>();
      while (serials.size < wanted) {
        serials.add(await scene.rotate());
        if (serials.size % 100 === 0) progress(`${serials.size} of ${wanted} certificates`);
      }
      const pairs = Math.ceil(CORRUPT_PAIRS * scale);
      progress(`${pairs} that are corrupt`);
      const changed = await scene.corrupt(pairs);
      await scene.rotate();
      return [
        atLeast('certificates, each served once it was there', serials.size, wanted),
        atMost('corrupt pairs that changed what is served', changed, 0, {
          text: `${changed} of ${pairs}`,
        }),
        ...meanwhile(await scene.stop()),
      ];
    }),
};

function meanwhile({ handshakes, failures, calls }: Meanwhile): Finding[] {
  const text = `${failures.length} of ${count(handshakes + failures.length)} ${failures[0] ?? ''}`;
  return [
    atMost('handshakes that failed', failures.length, 0, { text: text.trim() }),
    untouched('calls over TLS', calls),
  ];
}
