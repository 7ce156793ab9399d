import { StreamFramer } from '../../../src/turn/stream-framer.ts';
import { PAYLOAD_BYTES } from '../../settings.ts';
import { expectAll, type MicroCase } from '../micro-case.ts';
import { channelData } from '../set-up/turn-messages.ts';

const FRAMES = 16;

/** Cutting a stream into messages; a call is a message. */
export function streamCases(): MicroCase[] {
  const frame = channelData(0x4000, PAYLOAD_BYTES);
  const chunk = new Uint8Array(FRAMES * frame.length);
  for (let index = 0; index < FRAMES; index++) chunk.set(frame, index * frame.length);
  return [
    { name: `StreamFramer.push and next, ${FRAMES} frames at a time`, run: inTime(chunk) },
    { name: 'StreamFramer.push and next, one frame at a time', run: oneByOne(frame) },
    {
      name: 'StreamFramer.push and next, a frame in two halves',
      mayAllocate: true as const,
      run: halves(frame),
    },
  ].map((one) => ({ ...one, calls: FRAMES * 64 }));
}

function inTime(chunk: Uint8Array): MicroCase['run'] {
  const framer = new StreamFramer();
  return (calls) => {
    let frames = 0;
    while (frames < calls) {
      framer.push(chunk, 0, chunk.length);
      while (framer.next()) frames++;
    }
    return expectAll(frames, calls);
  };
}

function oneByOne(frame: Uint8Array): MicroCase['run'] {
  const framer = new StreamFramer();
  return (calls) => {
    let frames = 0;
    for (let call = 0; call < calls; call++) {
      framer.push(frame, 0, frame.length);
      while (framer.next()) frames++;
    }
    return expectAll(frames, calls);
  };
}

function halves(frame: Uint8Array): MicroCase['run'] {
  const framer = new StreamFramer();
  const half = frame.length >> 1;
  return (calls) => {
    let frames = 0;
    for (let call = 0; call < calls; call++) {
      framer.push(frame, 0, half);
      while (framer.next()) frames++;
      framer.push(frame, half, frame.length - half);
      while (framer.next()) frames++;
    }
    return expectAll(frames, calls);
  };
}
