import { loadKoffi } from './koffi.ts';

/** Signed result of a call: -1 is failure, and `errno` says why. */
type Result = number;
/**
 * A native address; user-space addresses are exact as JavaScript numbers.
 *
 * The packet path passes bigints made beforehand: a number of that size would be boxed anew for every call.
 */
type Address = number | bigint;

/**
 * The C functions in use, as koffi made them callable; all are synchronous and retain no argument.
 *
 * Pointers are plain numbers or bigints: no marshalling.
 */
export interface Libc {
  socket(domain: number, type: number, protocol: number): Result;
  bind(fd: number, address: Address, length: number): Result;
  connect(fd: number, address: Address, length: number): Result;
  listen(fd: number, backlog: number): Result;
  accept4(fd: number, address: Address, length: Address, flags: number): Result;
  getsockname(fd: number, address: Address, length: Address): Result;
  getsockopt(fd: number, level: number, name: number, value: Address, length: Address): Result;
  setsockopt(fd: number, level: number, name: number, value: Address, length: number): Result;
  recv(fd: number, buffer: Address, length: number, flags: number): Result;
  send(fd: number, buffer: Address, length: number, flags: number): Result;
  sendto(
    fd: number,
    buffer: Address,
    length: number,
    flags: number,
    address: Address,
    addressLength: number,
  ): Result;
  recvmsg(fd: number, message: Address, flags: number): Result;
  close(fd: number): Result;
  read(fd: number, buffer: Address, length: number): Result;
  write(fd: number, buffer: Address, length: number): Result;
  eventfd(initial: number, flags: number): Result;
  epoll_create1(flags: number): Result;
  epoll_ctl(poller: number, operation: number, fd: number, event: Address): Result;
  clock_gettime(clock: number, time: Address): Result;
  epoll_wait(poller: number, events: Address, capacity: number, timeoutMs: number): Result;
  /** `syscall(2)` with five arguments: the musl wrappers of recvmmsg and sendmmsg loop over single calls. */
  syscall(
    number: number,
    fd: number,
    messages: Address,
    count: number,
    flags: number,
    timeout: Address,
  ): Result;
  /** Reason why the last call of this thread failed. */
  errno(): number;
  /** Native address of a buffer's first byte. */
  addressOf(buffer: ArrayBuffer): number;
}

const PROTOTYPES = {
  socket: ['int', ['int', 'int', 'int']],
  bind: ['int', ['int', 'intptr_t', 'uint32_t']],
  connect: ['int', ['int', 'intptr_t', 'uint32_t']],
  listen: ['int', ['int', 'int']],
  accept4: ['int', ['int', 'intptr_t', 'intptr_t', 'int']],
  getsockname: ['int', ['int', 'intptr_t', 'intptr_t']],
  getsockopt: ['int', ['int', 'int', 'int', 'intptr_t', 'intptr_t']],
  setsockopt: ['int', ['int', 'int', 'int', 'intptr_t', 'uint32_t']],
  recv: ['intptr_t', ['int', 'intptr_t', 'size_t', 'int']],
  send: ['intptr_t', ['int', 'intptr_t', 'size_t', 'int']],
  sendto: ['intptr_t', ['int', 'intptr_t', 'size_t', 'int', 'intptr_t', 'uint32_t']],
  recvmsg: ['intptr_t', ['int', 'intptr_t', 'int']],
  close: ['int', ['int']],
  read: ['intptr_t', ['int', 'intptr_t', 'size_t']],
  write: ['intptr_t', ['int', 'intptr_t', 'size_t']],
  eventfd: ['int', ['uint32_t', 'int']],
  epoll_create1: ['int', ['int']],
  epoll_ctl: ['int', ['int', 'int', 'int', 'intptr_t']],
  clock_gettime: ['int', ['int', 'intptr_t']],
  epoll_wait: ['int', ['int', 'intptr_t', 'int', 'int']],
  syscall: ['intptr_t', ['intptr_t', 'intptr_t', 'intptr_t', 'intptr_t', 'intptr_t', 'intptr_t']],
} as const;

/** Whether the packet path over system calls can run in this process, and if not, why. */
export type Support = { supported: true } | { supported: false; reason: string };

/** The library once it is loaded, or the reason why there is none. */
let loaded: Libc | string | undefined;

/** Tells whether system calls can be made here; never throws, and loads the C library on first use. */
export function checkSupport(): Support {
  loaded ??= load();
  return typeof loaded === 'string' ? { supported: false, reason: loaded } : { supported: true };
}

/**
 * The C library of this process.
 *
 * @throws Error when `checkSupport` says that there is none.
 */
export function loadLibc(): Libc {
  loaded ??= load();
  if (typeof loaded === 'string') throw new Error(`system calls are unavailable: ${loaded}`);
  return loaded;
}

function load(): Libc | string {
  const { platform, arch } = process;
  if (platform !== 'linux') return `the platform is ${platform}, not linux`;
  if (arch !== 'x64' && arch !== 'arm64') return `the processor is ${arch}, not x64 or arm64`;
  try {
    return bindFunctions();
  } catch (error) {
    return `the C library cannot be loaded: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function bindFunctions(): Libc {
  const koffi = loadKoffi();
  const library = koffi.load(null);
  const functions = Object.entries(PROTOTYPES).map(([name, [result, parameters]]) => [
    name,
    library.func(name, result, [...parameters]),
  ]);
  return {
    ...(Object.fromEntries(functions) as Omit<Libc, 'errno' | 'addressOf'>),
    errno: () => koffi.errno(),
    addressOf: (buffer) => Number(koffi.address(buffer)),
  };
}
