import { figuresOf, type EchoFigures } from './echo-figures.ts';
import { pause } from './pause.ts';

const PROBES = 50;
const INTERVAL_MS = 20;
/** How long the last ones may be on their way. */
const PATIENCE_MS = 1500;

/** Sends numbered packets over an open channel, fifty in a second, and takes the time until each comes back. */
export async function probeEcho(channel: RTCDataChannel): Promise<EchoFigures> {
  const sentAt = new Map<string, number>();
  const roundTrips: number[] = [];
  let onAll: (() => void) | undefined;
  const all = new Promise<void>((resolve) => (onAll = resolve));
  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const at = sentAt.get(String(data));
    if (at === undefined) return;
    sentAt.delete(String(data));
    roundTrips.push(performance.now() - at);
    if (roundTrips.length === PROBES) onAll?.();
  });
  // The first packet pays for what both ends set up.
  await firstEcho(channel);
  for (let probe = 0; probe < PROBES; probe++) {
    sentAt.set(`probe ${probe}`, performance.now());
    channel.send(`probe ${probe}`);
    await pause(INTERVAL_MS);
  }
  await Promise.race([all, pause(PATIENCE_MS)]);
  return figuresOf(roundTrips, PROBES);
}

async function firstEcho(channel: RTCDataChannel): Promise<void> {
  const echo = new Promise<void>((resolve) => {
    channel.addEventListener('message', () => resolve(), { once: true });
  });
  channel.send('first');
  await Promise.race([echo, pause(PATIENCE_MS)]);
}
