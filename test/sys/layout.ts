import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import * as layout from '../../src/sys/layout.ts';
import * as openssl from '../../src/sys/openssl-constants.ts';

const SYSTEM_HEADERS = [
  'stddef.h',
  'stdio.h',
  'netinet/in.h',
  'netinet/tcp.h',
  'netinet/udp.h',
  'sys/epoll.h',
  'sys/eventfd.h',
  'sys/socket.h',
  'sys/syscall.h',
  'sys/uio.h',
  'sys/un.h',
  'time.h',
  'linux/errqueue.h',
  'linux/filter.h',
  'linux/sock_diag.h',
];

const OPENSSL_HEADERS = ['stdio.h', 'openssl/ssl.h', 'openssl/bio.h', 'openssl/x509_vfy.h'];
/** Those that Node.js brings, and those of the distribution. */
const OPENSSL_FOLDERS = [join(dirname(dirname(process.execPath)), 'include/node'), '/usr/include'];

/** Every exported number under the C expression that must have the same value. */
function expressions(exported: Readonly<Record<string, unknown>>): Map<string, number> {
  const values = new Map<string, number>();
  for (const [name, value] of Object.entries(exported)) {
    if (typeof value === 'number') values.set(name, value);
    else {
      const struct = `struct ${name.toLowerCase()}`;
      for (const [member, offset] of Object.entries(value as Record<string, number>)) {
        const expression =
          member === 'size' ? `sizeof(${struct})` : `offsetof(${struct}, ${member})`;
        values.set(expression, offset);
      }
    }
  }
  return values;
}

function program(headers: readonly string[], names: Iterable<string>): string {
  const includes = headers.map((header) => `#include <${header}>`).join('\n');
  const prints = [...names].map((name) => `printf("%s=%lld\\n", "${name}", (long long)(${name}));`);
  return `#define _GNU_SOURCE\n${includes}\nint main(void) {\n${prints.join('\n')}\nreturn 0;\n}\n`;
}

function reasonToSkip(): string | false {
  if (process.platform !== 'linux') return 'the layout is that of Linux';
  return spawnSync('cc', ['--version']).status === 0 ? false : 'no C compiler (apt: gcc libc6-dev)';
}

/** Prints every expression with a C program and compares. */
function expectSame(
  t: Test,
  exported: Readonly<Record<string, unknown>>,
  headers: readonly string[],
  flags: readonly string[] = [],
): void {
  const expected = expressions(exported);
  const directory = t.testdir({ 'layout.c': program(headers, expected.keys()) });
  const executable = join(directory, 'layout');
  execFileSync('cc', [...flags, '-o', executable, join(directory, 'layout.c')]);
  const printed = execFileSync(executable, { encoding: 'utf8' }).trim().split('\n');
  t.equal(printed.length, expected.size);
  for (const line of printed) {
    const [name = '', value] = line.split('=');
    t.equal(expected.get(name), Number(value), name);
  }
  t.end();
}

const skip = reasonToSkip();
const opensslFolder = OPENSSL_FOLDERS.find((folder) => existsSync(join(folder, 'openssl/ssl.h')));

t.test('the layout is the one of the C compiler', { skip }, (t) => {
  expectSame(t, layout, SYSTEM_HEADERS);
});

t.test(
  'the constants of OpenSSL are those of its headers',
  { skip: skip || (opensslFolder === undefined && 'no headers of OpenSSL (apt: libssl-dev)') },
  (t) => {
    expectSame(t, openssl, OPENSSL_HEADERS, ['-I', opensslFolder!]);
  },
);
