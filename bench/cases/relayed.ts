import type { TrafficResult } from '../load/protocol.ts';
import type { Measurement } from './block-run.ts';
import { ABOUT } from './durations.ts';
import { undisturbed } from './undisturbed.ts';

/** Relays packets at the rate of the case; rejects when none arrives. */
export const RELAYED: Measurement<TrafficResult> = {
  seconds: ({ measured }) => measured + ABOUT.silence,
  run: async (generator, order, { measured: seconds }) => {
    const result = await undisturbed(() => generator.traffic({ ...order, seconds }));
    if (result.received === 0) throw new Error(`none of ${result.sent} packets arrived`);
    return result;
  },
};
