import { within } from '../../../test/support/child-process.ts';
import { echoCall, STACKS, type InTime } from '../../../test/support/webrtc-stacks.ts';
import { openPatientPeer } from './patient-peer.ts';
import type { CallOutcome, CallOrder } from './calls.ts';

// A process of its own, since threads and timers of WebRTC stacks outlive their connections.
const TEXTS = Array.from({ length: 20 }, (_, at) => `message ${at} ${'x'.repeat(at * 10)}`);
const order = JSON.parse(process.argv[2]!) as CallOrder;
await Promise.all(
  Array.from({ length: order.runs }, async () => {
    process.stdout.write(`${JSON.stringify(await call())}\n`);
  }),
);
process.exit();

/** Calls, and begins anew when nothing comes of it: a client gives up after some messages in a row that get lost. */
async function call(): Promise<CallOutcome> {
  const start = performance.now();
  for (let attempts = 1; ; attempts++) {
    const step = await callOnce();
    if (step === '' || attempts === order.attemptsMax)
      return { isOk: step === '', attempts, ms: performance.now() - start, step };
  }
}

/** Says what went wrong; nothing when all messages came back. */
async function callOnce(): Promise<string> {
  let step = 'gathering';
  const inTime: InTime = (next, promise) => {
    step = next;
    return within(order.callMsMax, promise, () => 'takes too long');
  };
  const stack = STACKS.find(({ name }) => name === order.stack)!;
  const peer = openPatientPeer();
  const answer = (offer: string): Promise<string> => peer.answer(offer);
  try {
    const texts = await echoCall(stack, order.iceServer, TEXTS, answer, inTime);
    return texts.join() === TEXTS.join() ? '' : 'other data';
  } catch (error) {
    return `${step}: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    peer.close();
  }
}
