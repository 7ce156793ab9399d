import t from 'tap';
import { missingBuild } from '../../support/gateway-process.ts';
import { RotationScene } from '../../support/rotation-scene.ts';

const skip = missingBuild();
const ROTATIONS = 20;
const CORRUPT_PAIRS = 100;
/** Packets of calls that show that there were any. */
const PACKETS_MIN = 100;

for (const mode of ['reactor', 'portable'] as const) {
  t.test(`${mode}: rotations disturb no handshake and no call`, { skip }, async (t) => {
    const scene = await RotationScene.open(t, mode);
    const serials = new Set<string>();
    while (serials.size < ROTATIONS) serials.add(await scene.rotate());
    const { handshakes, failures, calls } = await scene.stop();
    t.comment(`${serials.size} rotations, ${handshakes} handshakes, ${calls.sent} packets relayed`);
    t.strictSame(failures, [], 'every handshake succeeds');
    t.ok(handshakes > ROTATIONS, `${handshakes} handshakes`);
    t.equal(calls.received, calls.sent, 'every packet of every call comes back');
    t.ok(calls.sent > PACKETS_MIN, `${calls.sent} packets`);
  });

  t.test(`${mode}: corrupt pairs change nothing`, { skip }, async (t) => {
    const scene = await RotationScene.open(t, mode);
    t.equal(await scene.corrupt(CORRUPT_PAIRS), 0, 'what was served is served');
    await scene.rotate();
    const { failures, calls } = await scene.stop();
    t.strictSame(failures, [], 'every handshake succeeds');
    t.equal(calls.received, calls.sent, 'every packet of every call comes back');
    const complaints = scene.gateway.records(
      'new certificate files cannot be used, what was in use stays in use',
    );
    t.equal(complaints.length, 1, 'it is said once');
  });
}
