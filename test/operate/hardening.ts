import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { missingTool } from '../support/child-process.ts';
import { ephemeralCredential } from '../support/credentials.ts';
import { openUdpEchoPeer } from '../support/echo-peer.ts';
import { freePorts } from '../support/free-ports.ts';
import { configurationFor, flagsFor, missingBuild } from '../support/gateway-process.ts';
import { missingSandbox, NOBODY, startSandboxed, statusOf } from '../support/sandboxed-gateway.ts';
import { LOOPBACK_SERVER } from '../support/server-under-test.ts';
import { TurnClient } from '../support/turn-client.ts';

const UNIT = fileURLToPath(new URL('../../packaging/systemd/turnpike.service', import.meta.url));
/** From 0, nothing is exposed, to 10. */
const EXPOSURE_MAX = 1.5;
const CHANNEL = 0x4000;
const NO_CAPABILITIES = '0000000000000000';

t.test('the unit exposes little', { skip: missingTool('systemd-analyze') }, (t) => {
  const args = ['security', '--offline=true', '--no-pager', UNIT];
  const { stdout } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
  t.ok(exposure <= EXPOSURE_MAX, `${exposure} of 10`);
  t.end();
});

t.test('the unit does what the gateway expects', (t) => {
  const unit = readFileSync(UNIT, 'utf8');
  const lines = unit.split('\n');
  for (const line of [
    'Type=notify',
    'CapabilityBoundingSet=',
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    'ExecReload=/bin/kill -HUP $MAINPID',
  ]) {
    t.ok(lines.includes(line), line);
  }
  t.notOk(
    lines.some((line) => line.startsWith('MemoryDenyWriteExecute=yes')),
    'V8 compiles',
  );
  t.end();
});

for (const mode of ['reactor', 'portable'] as const) {
  const skip = missingBuild() || missingSandbox();
  t.test(`${mode}: without privileges, on a read-only file system`, { skip }, async (t) => {
    const port = await freePorts(2);
    const options = { ...LOOPBACK_SERVER, mode };
    const configuration = configurationFor(options, port, port + 1);
    const { pid } = await startSandboxed(t, configuration, flagsFor(options));
    const status = await statusOf(pid);
    t.equal(status.get('Uid'), `${NOBODY} ${NOBODY} ${NOBODY} ${NOBODY}`, 'an unprivileged user');
    t.equal(status.get('CapEff'), NO_CAPABILITIES, 'no capability');
    t.equal(status.get('CapBnd'), NO_CAPABILITIES, 'nor a way to one');
    t.equal(status.get('NoNewPrivs'), '1');
    const mounts = readFileSync(`/proc/${pid}/mountinfo`, 'utf8').split('\n');
    const root = mounts.find((line) => line.split(' ')[4] === '/');
    t.match(root, / \/ ro\b/, 'the root is read-only');

    const peer = await openUdpEchoPeer();
    t.teardown(() => peer.close());
    for (const transport of ['udp', 'tcp'] as const) {
      const client = await TurnClient.open({
        server: { host: '127.0.0.1', port },
        transport,
        credential: ephemeralCredential(LOOPBACK_SERVER.secret, 'alice'),
      });
      t.teardown(() => client.close());
      await client.allocate();
      await client.channelBind(CHANNEL, peer.address);
      client.sendOnChannel(CHANNEL, Buffer.from('there and back'));
      t.equal((await client.receive()).data.toString(), 'there and back', transport);
    }
  });
}
