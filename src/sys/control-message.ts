import { CMSGHDR } from './layout.ts';

const ALIGNMENT = 8;

/**
 * Looks for a control message among those received.
 *
 * @param start - offset of the first one.
 * @param end - offset behind the last one: `start` and `msg_controllen`.
 * @param dataBytes - least data it must carry.
 * @returns the offset of its data, or -1.
 */
export function findControlMessage(
  view: DataView,
  start: number,
  end: number,
  level: number,
  type: number,
  dataBytes: number,
): number {
  let at = start;
  while (at + CMSGHDR.size <= end) {
    const length = view.getInt32(at + CMSGHDR.cmsg_len, true);
    if (length < CMSGHDR.size || at + length > end) return -1;
    const isMatch =
      view.getInt32(at + CMSGHDR.cmsg_level, true) === level &&
      view.getInt32(at + CMSGHDR.cmsg_type, true) === type &&
      length >= CMSGHDR.size + dataBytes;
    if (isMatch) return at + CMSGHDR.size;
    at += align(length);
  }
  return -1;
}

/** Writes the header of a control message at `at`; returns the offset of its data, which the caller writes. */
export function writeControlHeader(
  view: DataView,
  at: number,
  level: number,
  type: number,
  dataBytes: number,
): number {
  view.setInt32(at + CMSGHDR.cmsg_len, CMSGHDR.size + dataBytes, true);
  view.setInt32(at + CMSGHDR.cmsg_len + 4, 0, true);
  view.setInt32(at + CMSGHDR.cmsg_level, level, true);
  view.setInt32(at + CMSGHDR.cmsg_type, type, true);
  return at + CMSGHDR.size;
}

/** Bytes that a control message with `dataBytes` of data takes, padding included. */
export function controlSpace(dataBytes: number): number {
  return CMSGHDR.size + align(dataBytes);
}

function align(length: number): number {
  return (length + ALIGNMENT - 1) & -ALIGNMENT;
}
