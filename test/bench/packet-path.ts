import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { hasIpv6Loopback } from '../../bench/micro/set-up/loopback.ts';
import { checkSupport } from '../../src/sys/libc.ts';
import type { PacketGarbage } from '../support/packet-path-worker.ts';

/** The smallest object has 16; a clock that makes a number ten times a second is let pass. */
const BYTES_PER_PACKET_MAX = 0.5;
const WORKER = fileURLToPath(new URL('../support/packet-path-worker.ts', import.meta.url));
/** The least that V8 takes, so that a megabyte of garbage is a collection. */
const YOUNG_GENERATION = '--max-semi-space-size=1';

/** What goes through a whole worker. */
const KINDS = ['ChannelData up', 'Send indication up', 'ChannelData down', 'Data indication down'];

const support = checkSupport();
const skipNative = !support.supported && support.reason;

t.test('packets leave no garbage, from function to function and all the way', (t) => {
  const found = measureInChild();
  const control = found.pop()!;
  t.ok(control.collections > 0, 'a number for each packet would be found');
  t.ok(found.length > 30, `${found.length} functions`);
  for (const { group, name, calls, heapGrowthBytes, collections } of found) {
    t.ok(
      collections === 0 && heapGrowthBytes < BYTES_PER_PACKET_MAX * calls,
      `${group}: ${name}: ${heapGrowthBytes} bytes and ${collections} collections in ${calls} calls`,
    );
  }
  t.test('also through sockets', { skip: skipNative }, (t) => {
    const ways = found.filter(({ group }) => group === 'relay').map(({ name }) => name);
    for (const family of hasIpv6Loopback() ? ['IPv4', 'IPv6'] : ['IPv4']) {
      for (const kind of KINDS) {
        t.ok(
          ways.some((name) => name.startsWith(kind) && name.endsWith(family)),
          `${kind}, ${family}`,
        );
      }
    }
    t.end();
  });
  t.end();
});

/** Without coverage, which counts in objects of its own. */
function measureInChild(): PacketGarbage[] {
  const { NODE_V8_COVERAGE: _, ...env } = process.env;
  const loaders = process.execArgv.filter((argument) => !argument.includes('processinfo'));
  const args = [...loaders, '--expose-gc', YOUNG_GENERATION, WORKER];
  return JSON.parse(execFileSync(process.execPath, args, { env }).toString()) as PacketGarbage[];
}
