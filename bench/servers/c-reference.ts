import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../root.ts';
import { SERVER_PORTS } from '../settings.ts';
import type { MeasuredServer } from './server.ts';

const COMPILER = 'cc';
const SOURCE = join(ROOT, 'bench/reference/forwarder.c');
const PROGRAM = join(ROOT, 'dist-bench/reference/forwarder');

/** The least that relaying costs: a forwarder in C over recvmmsg and sendmmsg, compiled when it is asked for. */
export const cReference = forwarder('c', []);

/** The same where runs of packets to one destination leave as one message with UDP_SEGMENT. */
export const cSegment = forwarder('c-segment', ['--segment']);

let problem: { readonly text: string | undefined } | undefined;

function forwarder(name: string, options: readonly string[]): MeasuredServer {
  return {
    name,
    framing: 'channelData',
    transports: ['udp'],
    features: [],
    absence: () => (problem ??= { text: compile() }).text,
    version: () => run(['--version']).output.split('\n')[0]!,
    prepare: ({ addresses }) => ({
      file: PROGRAM,
      args: ['--address', addresses.server, '--port', String(SERVER_PORTS.udp), ...options],
    }),
  };
}

/** Returns why there is no program, or undefined. */
function compile(): string | undefined {
  mkdirSync(dirname(PROGRAM), { recursive: true });
  const { status, output } = run(['-O2', '-Wall', '-Wextra', '-std=gnu11', '-o', PROGRAM, SOURCE]);
  if (status === null) return `there is no C compiler (${COMPILER})`;
  return status === 0 ? undefined : `it does not compile: ${output}`;
}

function run(args: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(COMPILER, args, { encoding: 'utf8' });
  return { status, output: `${stdout ?? ''}${stderr ?? ''}`.trim() };
}
