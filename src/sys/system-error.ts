import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

const codes = new Map<number, string>();
for (const [code, errno] of Object.entries(constants.errno)) {
  if (!codes.has(errno)) codes.set(errno, code);
}

/** A system call that failed: which one, the errno and its symbolic code such as `EADDRINUSE`. */
export class SystemError extends Error {
  readonly syscall: string;
  /** Positive error number. */
  readonly errno: number;
  /** Symbolic name of `errno`. */
  readonly code: string;

  /**
   * @param errno - positive error number.
   * @param subject - what the call was about, for example `127.0.0.1:3478`.
   */
  constructor(syscall: string, errno: number, subject = '') {
    const code = errnoCode(errno);
    const meaning = getSystemErrorMap().get(-errno)?.[1];
    super(
      `${syscall}${subject && ` ${subject}`}: ${code}${meaning === undefined ? '' : `, ${meaning}`}`,
    );
    this.name = 'SystemError';
    this.syscall = syscall;
    this.errno = errno;
    this.code = code;
  }
}

/** The symbolic name of a positive error number, for example `EAGAIN` for 11. */
export function errnoCode(errno: number): string {
  return codes.get(errno) ?? `errno ${errno}`;
}
