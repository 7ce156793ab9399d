import type { RouteAnswer, TestAccess, TestListener } from '../../admin/gateway-control.ts';
import { ApiError, messageOf, type Api } from './api.ts';
import { candidatesOf, type Candidate } from './candidates.ts';
import type { EchoFigures } from './echo-figures.ts';
import { probeEcho } from './echo-probe.ts';
import { formatAddress } from './format.ts';
import {
  explainGathering,
  explainNoConnection,
  explainNoEcho,
  NO_ECHO,
  obstacleOf,
  type Explanation,
  type GatheringError,
} from './test-words.ts';
import { routeVerdict } from './words.ts';

/** Browsers ask a silent UDP server again for about ten seconds. */
const GATHERING_MS_MAX = 12_000;
const CONNECTING_MS_MAX = 10_000;
/** So long for what tells the echo to leave the browser. */
const CLOSING_MS_MAX = 100;

/** User name and password for the listeners. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** What is told while a listener is tested. */
export interface TestReport {
  /** The first step that has not come out yet. */
  readonly current: Step;
  /** A step has come out well. */
  done(step: Step, detail: string): void;
  /** A step has come out badly; nothing follows. */
  failed(step: Step, explanation: Explanation): void;
  /** From this step on the listener cannot be tested here. */
  skipped(step: Step, explanation: Explanation): void;
  /** The last step, with its figures. */
  measured(figures: EchoFigures): void;
}

/** The steps of a test, in their order. */
export const STEPS = ['allocate', 'route', 'connect', 'echo'] as const;

/** One of `STEPS`. */
export type Step = (typeof STEPS)[number];

/** What a test works with. */
export interface ListenerTest {
  readonly api: Api;
  readonly access: TestAccess;
  readonly listener: TestListener;
  readonly login: Login;
  readonly report: TestReport;
}

/** Tests one listener from end to end; what goes wrong is reported, not thrown. */
export async function testListener(test: ListenerTest): Promise<void> {
  const { listener, login, report } = test;
  const obstacle = obstacleOf(listener);
  if (obstacle !== undefined) return report.skipped('allocate', obstacle);
  const { username, password: credential } = login;
  const iceServers = [{ urls: listener.uri, username, credential }];
  let connection: RTCPeerConnection | undefined;
  try {
    connection = new RTCPeerConnection({ iceServers, iceTransportPolicy: 'relay' });
    await run(test, connection);
  } catch (error) {
    report.failed(report.current, {
      problem: `The test could not go on: ${messageOf(error)}.`,
      advice: 'Test again; when it stays, look at the console of the browser and the log.',
    });
  } finally {
    connection?.close();
  }
}

async function run(test: ListenerTest, connection: RTCPeerConnection): Promise<void> {
  const { access, listener, report } = test;
  // Lost packets stay lost, so that they can be counted.
  const channel = connection.createDataChannel('echo', { ordered: false, maxRetransmits: 0 });
  const opened = new Promise<true>((resolve) => {
    channel.addEventListener('open', () => resolve(true));
  });
  const errors = await gather(connection);
  const offer = connection.localDescription?.sdp ?? '';
  const relayed = candidatesOf(offer).find(({ type }) => type === 'relay');
  if (relayed === undefined) return report.failed('allocate', explainGathering(listener, errors));
  report.done('allocate', `The gateway gave the relayed address ${addressOf(relayed)}.`);

  if (access.echo === undefined) return report.skipped('route', NO_ECHO);
  const peer = await findPeer(test, offer);
  if (peer === undefined) return;
  await connection.setRemoteDescription({ type: 'answer', sdp: peer.answer });
  const isConnected = await Promise.race([opened, failed(connection)]);
  if (!isConnected) return report.failed('connect', explainNoConnection(peer.address));
  report.done('connect', `Connected to ${peer.address} through the relay, encrypted end to end.`);
  report.measured(await probeEcho(channel));
  await closed(channel);
}

/** Lets the echo know, which would wait for more otherwise. */
async function closed(channel: RTCDataChannel): Promise<void> {
  await new Promise<void>((resolve) => {
    channel.addEventListener('close', () => resolve());
    setTimeout(resolve, CLOSING_MS_MAX);
    channel.close();
  });
}

/** Makes an offer and waits for its candidates; resolves with what went wrong on the way. */
async function gather(connection: RTCPeerConnection): Promise<GatheringError[]> {
  const errors: GatheringError[] = [];
  connection.addEventListener('icecandidateerror', (event) => {
    const { errorCode: code, errorText: text } = event;
    errors.push({ code, text });
  });
  const complete = new Promise<void>((resolve) => {
    connection.addEventListener('icegatheringstatechange', () => {
      if (connection.iceGatheringState === 'complete') resolve();
    });
    setTimeout(resolve, GATHERING_MS_MAX);
  });
  await connection.setLocalDescription();
  await complete;
  return errors;
}

interface Peer {
  readonly answer: string;
  readonly address: string;
}

/** Asks the echo for an answer, and the gateway whether it relays to where that answer leads. */
async function findPeer(
  { api, listener, report }: ListenerTest,
  offer: string,
): Promise<Peer | undefined> {
  const answer = await askEcho(api, offer);
  if (typeof answer !== 'string') {
    report.failed('route', answer);
    return undefined;
  }
  const refusals: Explanation[] = [];
  for (const peer of candidatesOf(answer).map(addressOf)) {
    const query = new URLSearchParams({ listener: listener.name, peer });
    const route = await api.get<RouteAnswer>(`routes?${query.toString()}`);
    const { isAdmitted, text, advice } = routeVerdict(route);
    if (isAdmitted) {
      report.done('route', `${listener.name} relays to the echo at ${peer}.`);
      return { answer, address: peer };
    }
    refusals.push({ problem: text.replace(/^No\. /, ''), advice });
  }
  const [first = NO_CANDIDATE] = refusals;
  report.failed('route', first);
  return undefined;
}

/** An answer of the echo, or why it gave none. */
async function askEcho(api: Api, offer: string): Promise<string | Explanation> {
  try {
    return (await api.post<{ answer: string }>('test/echo', { offer })).answer;
  } catch (error) {
    const code = error instanceof ApiError ? error.code : '';
    const explanation = explainNoEcho(code, messageOf(error));
    if (explanation === undefined) throw error;
    return explanation;
  }
}

/** A candidate as the admin API takes a peer. */
function addressOf({ address, port }: Candidate): string {
  return formatAddress(address, port);
}

/** Resolves with false once the browser has given up. */
function failed(connection: RTCPeerConnection): Promise<false> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(false), CONNECTING_MS_MAX);
    connection.addEventListener('connectionstatechange', () => {
      if (connection.connectionState === 'failed') resolve(false);
    });
  });
}

const NO_CANDIDATE: Explanation = {
  problem: 'The echo named no address in its answer.',
  advice: 'Look at what turnpike echo prints; its ports may be taken.',
};
