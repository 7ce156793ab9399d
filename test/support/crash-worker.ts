import type { TestProcess } from './child-process.ts';
import type { TurnClient } from './turn-client.ts';

const SCRIPT = new URL('./crash-worker.mjs', import.meta.url).href;
/** What the preloaded script listens to. */
const ASK_CHANNEL = 0x4ffe;
const CRASH_CHANNEL = 0x4fff;

/** Environment of a gateway whose workers clients can ask and crash. */
export const CRASHABLE = { NODE_OPTIONS: `--import ${SCRIPT}` } as const;

/** Has the worker that serves a client die. */
export function crashWorkerOf(client: TurnClient): void {
  client.sendOnChannel(CRASH_CHANNEL, Buffer.from('now'));
}

/** Says which worker serves a client on IPv4 loopback. */
export async function workerOf(
  client: TurnClient,
  gateway: TestProcess,
  transport = 'udp',
): Promise<number> {
  const answer = `${transport} client 127.0.0.1:${client.localPort} is served by `;
  client.sendOnChannel(ASK_CHANNEL, Buffer.from('who'));
  const line = await gateway.waitForLine((each) => each.startsWith(answer));
  return Number(line.slice(answer.length));
}
