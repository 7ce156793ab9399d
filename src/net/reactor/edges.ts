import { constants } from 'node:os';
import { EPOLLET, EPOLLIN, EPOLLRDHUP } from '../../sys/layout.ts';

const { EAGAIN } = constants.errno;

/** What arrives, and the end of a stream, watched by edges. */
export const EDGES_IN = EPOLLIN | EPOLLRDHUP | EPOLLET;

/**
 * True when datagrams may be left of which an edge has told: as many were received as there was room for, or instead of
 * one an error was.
 *
 * @param count - what `ReceiveBatch.receive` returned.
 */
export function mayHaveMore(count: number, wanted: number): boolean {
  return count === wanted || (count < 0 && count !== -EAGAIN);
}
