import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import * as layout from '../../src/sys/layout.ts';

const HEADERS = [
  'stddef.h',
  'stdio.h',
  'netinet/in.h',
  'netinet/tcp.h',
  'sys/epoll.h',
  'sys/eventfd.h',
  'sys/socket.h',
  'sys/syscall.h',
  'sys/uio.h',
  'time.h',
  'linux/errqueue.h',
];

/** Every exported number under the C expression that must have the same value. */
function expressions(): Map<string, number> {
  const values = new Map<string, number>();
  for (const [name, value] of Object.entries(layout)) {
    if (typeof value === 'number') values.set(name, value);
    else {
      const struct = `struct ${name.toLowerCase()}`;
      for (const [member, offset] of Object.entries(value)) {
        const expression =
          member === 'size' ? `sizeof(${struct})` : `offsetof(${struct}, ${member})`;
        values.set(expression, offset);
      }
    }
  }
  return values;
}

function program(names: Iterable<string>): string {
  const includes = HEADERS.map((header) => `#include <${header}>`).join('\n');
  const prints = [...names].map((name) => `printf("%s=%lld\\n", "${name}", (long long)(${name}));`);
  return `#define _GNU_SOURCE\n${includes}\nint main(void) {\n${prints.join('\n')}\nreturn 0;\n}\n`;
}

function reasonToSkip(): string | false {
  if (process.platform !== 'linux') return 'the layout is that of Linux';
  return spawnSync('cc', ['--version']).status === 0 ? false : 'no C compiler (apt: gcc libc6-dev)';
}

t.test('the layout is the one of the C compiler', { skip: reasonToSkip() }, (t) => {
  const expected = expressions();
  const directory = t.testdir({ 'layout.c': program(expected.keys()) });
  const executable = join(directory, 'layout');
  execFileSync('cc', ['-o', executable, join(directory, 'layout.c')]);
  const printed = execFileSync(executable, { encoding: 'utf8' }).trim().split('\n');
  t.equal(printed.length, expected.size);
  for (const line of printed) {
    const [name = '', value] = line.split('=');
    t.equal(expected.get(name), Number(value), name);
  }
  t.end();
});
