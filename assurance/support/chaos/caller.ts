import { within } from '../../../test/support/child-process.ts';
import { candidateTypes, echo, offerWithCandidates } from '../../../test/support/webrtc.ts';
import { STACKS } from '../../../test/support/webrtc-stacks.ts';
import { gatePeer, type GatedPeer } from '../../../test/support/relay-gate.ts';
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
  const inTime = <Value>(what: string, promise: Promise<Value>): Promise<Value> => {
    step = what;
    return within(order.callMsMax, promise, () => 'takes too long');
  };
  const stack = STACKS.find(({ name }) => name === order.stack)!;
  const { iceServer } = order;
  const connection = stack.open({ iceServers: [iceServer], iceTransportPolicy: 'relay' });
  const peer = openPatientPeer();
  let gate: GatedPeer | undefined;
  try {
    const channel = connection.createDataChannel('echo');
    const offer = await inTime('gathering', offerWithCandidates(connection));
    if (candidateTypes(offer).join() !== 'relay') return 'no relayed address';
    const echoed = echo(channel, TEXTS);
    const answer = await inTime('answering', peer.answer(offer));
    gate = await gatePeer(answer);
    await connection.setRemoteDescription({ type: 'answer', sdp: gate.sdp });
    const texts = await inTime('exchanging data', echoed);
    return texts.join() === TEXTS.join() ? '' : 'other data';
  } catch (error) {
    return `${step}: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    connection.close();
    peer.close();
    gate?.close();
  }
}
