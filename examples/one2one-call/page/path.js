/**
 * Finds out which way the media takes, and how much of it there is.
 *
 * @param report what `RTCPeerConnection.getStats` has said now
 * @param earlier what it said before; undefined at first
 * @returns `local` and `remote` (the selected candidates), `roundTripMs`, `sendingKbps`, `receivingKbps`, and of the
 *   other's video `width`, `height`, `framesPerSecond`, `framesDecoded` and `packetsLost`; what is not known yet is
 *   undefined
 */
export function readPath(report, earlier) {
  const pair = selectedPair(report);
  const video = find(report, ({ type, kind }) => type === 'inbound-rtp' && kind === 'video');
  const roundTrip = pair?.currentRoundTripTime;
  return {
    local: report.get(pair?.localCandidateId),
    remote: report.get(pair?.remoteCandidateId),
    roundTripMs: roundTrip === undefined ? undefined : roundTrip * 1000,
    sendingKbps: kbps(report, earlier, 'outbound-rtp', 'bytesSent'),
    receivingKbps: kbps(report, earlier, 'inbound-rtp', 'bytesReceived'),
    width: video?.frameWidth,
    height: video?.frameHeight,
    framesPerSecond: video?.framesPerSecond,
    framesDecoded: video?.framesDecoded,
    packetsLost: video?.packetsLost,
  };
}

/** Not every browser says it in the same place. */
function selectedPair(report) {
  const transport = find(report, ({ type }) => type === 'transport');
  return (
    report.get(transport?.selectedCandidatePairId) ??
    find(report, ({ type, nominated, state }) => {
      return type === 'candidate-pair' && nominated && state === 'succeeded';
    })
  );
}

/** Of all streams, as the other end may send by another pair. Bits in a millisecond are kilobits in a second. */
function kbps(report, earlier, type, counter) {
  const now = streams(report, type);
  const before = streams(earlier ?? new Map(), type);
  const lastedMs = now[0]?.timestamp - before[0]?.timestamp;
  if (!(lastedMs > 0)) return undefined;
  return ((sum(now, counter) - sum(before, counter)) * 8) / lastedMs;
}

function streams(report, wanted) {
  return [...report.values()].filter(({ type }) => type === wanted);
}

function sum(entries, counter) {
  return entries.reduce((total, { [counter]: count = 0 }) => total + count, 0);
}

function find(report, fits) {
  for (const entry of report.values()) if (fits(entry)) return entry;
  return undefined;
}
