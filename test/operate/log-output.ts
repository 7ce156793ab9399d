import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { freePorts } from '../support/free-ports.ts';
import { configurationFor, missingBuild, outputTo } from '../support/gateway-process.ts';
import { launchBy } from '../support/launch.ts';
import { LOOPBACK_SERVER } from '../support/server-under-test.ts';

const skip = missingBuild() || (process.platform !== 'linux' && 'named pipes as Linux has them');
/** More than a pipe holds: each is logged. */
const RELOADS = 600;

t.test('a full disk for the log', { skip }, async (t) => {
  const { child, status } = await start(t, '/dev/full');
  t.equal(await status(), 200, 'does not keep it from serving');
  child.signal('SIGTERM');
  t.equal((await child.ended).exitCode, 0, 'nor from ending in good order');
});

t.test('a log that nobody reads', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-log-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const { child, status } = await start(t, pipe);
  for (let count = 0; count < RELOADS; count++) {
    child.signal('SIGHUP');
    await status();
  }
  t.equal(await status(), 200, 'does not keep it from serving');
  child.signal('SIGTERM');
  t.equal((await child.ended).exitCode, 0, 'nor from ending in good order');
});

async function start(t: Test, output: string) {
  const port = await freePorts(3);
  const base = configurationFor(LOOPBACK_SERVER, port, port + 1);
  const health = `http://127.0.0.1:${port + 2}`;
  const admin = { ...base.admin, healthcheck_endpoint: health };
  // There is no log to read.
  const launch = launchBy(t, outputTo(output));
  const gateway = await launch({ ...base, admin });
  t.teardown(() => gateway.stop());
  const status = async (): Promise<number | undefined> =>
    (await fetch(`${health}/ready`).catch(() => undefined))?.status;
  return { child: gateway.child, status };
}
