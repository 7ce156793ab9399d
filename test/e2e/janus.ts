import { networkInterfaces } from 'node:os';
import t, { type Test } from 'tap';
import { RTCPeerConnection } from 'werift';
import { runCommand } from '../support/child-process.ts';
import { RELAY_PORTS } from '../support/free-ports.ts';
import { MAIN, missingBuild } from '../support/gateway-process.ts';
import { Janus, missingJanus } from '../support/janus.ts';
import { OperatedGateway } from '../support/operated-gateway.ts';
import { echo, offerWithCandidates, type WebRtcConnection } from '../support/webrtc.ts';

const KEY = 'key-of-janus';
const TEXTS = ['one', 'two', 'three'];
const BUFFERED = { buffered: true };
const COMMAND_MS_MAX = 20_000;
const USUAL_METHOD = 'turn_rest_api_method = "GET"';

/** Janus gathers nothing on loopback. */
const address = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

const skip =
  missingBuild() ||
  missingJanus() ||
  (address === undefined && 'Janus needs an address that is not loopback');

t.test('Janus asks for its credentials and relays with them', { skip }, async (t) => {
  const gateway = await startGateway(t, address!);
  const nat = await snippet(gateway);
  t.match(nat, `turn_rest_api = "http://127.0.0.1:${gateway.ports.ice}/"`);
  t.jobs = 3;
  await Promise.all([
    t.test('by GET, as its snippet says', BUFFERED, (t) => relay(t, gateway, nat)),
    t.test('by POST', BUFFERED, (t) => relay(t, gateway, withMethod(nat, 'POST'))),
    t.test('not with a wrong key', BUFFERED, (t) => fail(t, nat.replace(KEY, 'wrong'))),
  ]);
  t.same(new Set(answersOf(gateway, 'GET')), new Set([200, 401]), 'the ICE API was asked by GET');
  t.same(new Set(answersOf(gateway, 'POST')), new Set([200]), 'and by POST');
});

/** The whole way: Janus uses nothing but relayed addresses, and what a client sends to it comes back. */
async function relay(t: Test, gateway: OperatedGateway, nat: string): Promise<void> {
  const janus = await Janus.start(t, nat);
  const connection = openConnection(t);
  const channel = connection.createDataChannel('echo');
  const answer = await janus.answer(await offerWithCandidates(connection), true);
  const candidates = candidatesOf(answer);
  t.ok(candidates.length > 0, `${candidates.length} candidates`);
  for (const { type, host, port } of candidates) {
    t.equal(type, 'relay');
    t.equal(host, address);
    t.ok(port >= RELAY_PORTS.min && port <= RELAY_PORTS.max, `relay port ${port}`);
  }
  const echoed = echo(channel, TEXTS);
  await connection.setRemoteDescription({ type: 'answer', sdp: answer });
  const texts = await echoed;
  for (const [index, text] of TEXTS.entries()) t.ok(texts[index]?.endsWith(text), text);

  const { sessions } = await gateway.sessions();
  const used = sessions.find(({ relayed }) =>
    relayed.some((each) => candidates.some(({ host, port }) => each === `${host}:${port}`)),
  );
  t.ok(used, 'the gateway knows the relayed address');
  t.ok(used!.sentBytes > 0 && used!.receivedBytes > 0, 'data was relayed both ways');
}

async function fail(t: Test, nat: string): Promise<void> {
  const janus = await Janus.start(t, nat);
  const connection = openConnection(t);
  connection.createDataChannel('echo');
  const answer = await janus.answer(await offerWithCandidates(connection), false);
  const types = candidatesOf(answer).map(({ type }) => type);
  t.ok(types.length > 0 && !types.includes('relay'), `candidates: ${types.join(' ')}`);
}

function startGateway(t: Test, host: string): Promise<OperatedGateway> {
  const sections = {
    admin: { loglevel: 'all:INFO,ice:DEBUG' },
    ice: { api_keys: [KEY] },
    clusters: [
      { name: 'peers', endpoints: [`${host}:<1024-60999>`], dangerously_allow: [`${host}/32`] },
    ],
  };
  return OperatedGateway.start(t, sections, { listenAddresses: [host], relayAddresses: [host] });
}

/** What an operator puts into janus.jcfg, and the permission for tests to ask for relayed addresses alone. */
async function snippet({ process: { file } }: OperatedGateway): Promise<string> {
  const args = [MAIN, 'snippet', 'janus', '-c', file, '--show-secret'];
  const { exitCode, output } = await runCommand(process.execPath, args, COMMAND_MS_MAX);
  if (exitCode !== 0 || !output.includes(USUAL_METHOD)) throw new Error(output);
  return output.replace('nat: {', 'nat: {\n  allow_force_relay = true');
}

function withMethod(nat: string, method: string): string {
  return nat.replace(USUAL_METHOD, `turn_rest_api_method = "${method}"`);
}

function openConnection(t: Test): WebRtcConnection {
  const connection = new RTCPeerConnection({ iceServers: [], iceUseIpv6: false });
  t.teardown(() => connection.close());
  return connection as unknown as WebRtcConnection;
}

interface Candidate {
  readonly type: string;
  readonly host: string;
  readonly port: number;
}

function candidatesOf(sdp: string): Candidate[] {
  const lines = sdp.matchAll(/^a=candidate:\S+ \d+ \w+ \d+ (\S+) (\d+) typ (\w+)/gm);
  return [...lines].map(([, host = '', port, type = '']) => ({ host, port: Number(port), type }));
}

/** Statuses of the answers to requests of the TURN REST form, in order. */
function answersOf(gateway: OperatedGateway, method: string): number[] {
  return gateway.process.child.lines
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { method?: string; route?: string; statusCode?: number })
    .filter((record) => record.route === '/' && record.method === method)
    .map(({ statusCode = 0 }) => statusCode);
}
