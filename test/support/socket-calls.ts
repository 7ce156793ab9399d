import { load } from 'koffi';

const SHUT_RDWR = 2;
const library = load(null);
const getsockopt = library.func(
  'int getsockopt(int fd, int level, int name, _Out_ int *value, _Inout_ uint32_t *length)',
) as (fd: number, level: number, name: number, value: number[], length: number[]) => number;
const shutdown = library.func('int shutdown(int fd, int how)') as (
  fd: number,
  how: number,
) => number;

/** Reads a socket option whose value is an int. */
export function getOption(fd: number, level: number, name: number): number {
  const value = [0];
  if (getsockopt(fd, level, name, value, [4]) < 0) throw new Error(`getsockopt of fd ${fd} failed`);
  return value[0]!;
}

/** Ends both directions of a socket. */
export function shutDown(fd: number): void {
  if (shutdown(fd, SHUT_RDWR) < 0) throw new Error(`shutdown of fd ${fd} failed`);
}
