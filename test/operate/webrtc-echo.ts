import { once } from 'node:events';
import { createServer, request as openRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mock } from 'node:test';
import t, { type Test } from 'tap';
import { MediaStreamTrack, RTCPeerConnection, RtpHeader, RtpPacket } from 'werift';
import type { HttpEndpoint } from '../../src/config/gateway-config.ts';
import { ECHO_CONNECTING_SECONDS_MAX } from '../../src/limits.ts';
import { offerToEcho } from '../../src/service/echo-client.ts';
import { WebRtcEcho } from '../../src/service/webrtc-echo/webrtc-echo.ts';
import { loadWerift } from '../../src/service/webrtc-echo/werift-library.ts';
import { TestProcess } from '../support/child-process.ts';
import { freePorts, isPortFree } from '../support/free-ports.ts';
import { MAIN, missingBuild } from '../support/gateway-process.ts';
import { poll } from '../support/poll.ts';
import { candidateTypes, echo, offerWithCandidates } from '../support/webrtc.ts';

const HOST = '127.0.0.1';

interface Served {
  readonly endpoint: HttpEndpoint;
  readonly url: string;
  readonly minPort: number;
  readonly maxPort: number;
}

async function serve(t: Test, ports = 4): Promise<Served> {
  const port = await freePorts(ports + 1);
  const endpoint = { host: HOST, port, path: '/whip' };
  const [minPort, maxPort] = [port + 1, port + ports];
  const running = await WebRtcEcho.start({ endpoint, address: { ip: HOST, minPort, maxPort } });
  t.teardown(() => running.stop());
  return { endpoint, url: `http://${HOST}:${port}/whip`, minPort, maxPort };
}

/** `turnpike echo` in a process of its own; SIGUSR2 has a promise reject there that nobody waits for. */
async function startProgram(t: Test): Promise<{ program: TestProcess; url: string }> {
  const port = await freePorts(5);
  const url = `http://${HOST}:${port}/whip`;
  const options = ['--listen', url, '--address', HOST, '--ports', `${port + 1}-${port + 4}`];
  const preload = `--import=data:text/javascript,process.on('SIGUSR2',()=>Promise.reject('odd'))`;
  const program = new TestProcess(process.execPath, [MAIN, 'echo', ...options], {
    NODE_OPTIONS: preload,
  });
  t.teardown(() => program.stop());
  await program.waitForLine((line) => line.startsWith(`WebRTC echo: offers to ${url}`));
  return { program, url };
}

/** The port of the only candidate in an answer. */
function mediaPort(sdp: string): number {
  const [, address, port] = /^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) /m.exec(sdp) ?? [];
  if (address !== HOST) throw new Error(`the answer names ${address}`);
  return Number(port);
}

/** Sends headers that `fetch` does not let a program set. */
async function answerTo(
  method: string,
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<IncomingMessage> {
  const asked = openRequest(url, { method, headers, agent: false }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  return response;
}

function post(url: string, body: string, type = 'application/sdp'): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { 'content-type': type }, body });
}

async function openCaller(t: Test) {
  const connection = new RTCPeerConnection({ iceServers: [], iceAdditionalHostAddresses: [HOST] });
  t.teardown(() => connection.close());
  const channel = connection.createDataChannel('test');
  return { connection, channel, offer: await offerWithCandidates(connection as never) };
}

t.test('an offer is answered, and what is sent comes back', async (t) => {
  const { url, minPort, maxPort } = await serve(t);
  const { connection, channel, offer } = await openCaller(t);
  const response = await post(url, offer);
  t.equal(response.status, 201);
  t.equal(response.headers.get('content-type'), 'application/sdp');
  const sdp = await response.text();
  t.strictSame(candidateTypes(sdp), ['host']);
  const port = mediaPort(sdp);
  t.ok(port >= minPort && port <= maxPort, `port ${port}`);
  const echoed = echo(channel as never, ['one', 'two']);
  await connection.setRemoteDescription({ type: 'answer', sdp });
  t.strictSame(await echoed, ['one', 'two']);

  const session = new URL(response.headers.get('location') ?? '', url);
  t.equal((await fetch(session, { method: 'DELETE' })).status, 200);
  t.equal((await fetch(session, { method: 'DELETE' })).status, 404, 'it has ended');
});

t.test('pictures come back', async (t) => {
  const { url } = await serve(t);
  const connection = new RTCPeerConnection({ iceServers: [], iceAdditionalHostAddresses: [HOST] });
  t.teardown(() => connection.close());
  const camera = new MediaStreamTrack({ kind: 'video' });
  const { onTrack } = connection.addTransceiver(camera, { direction: 'sendrecv' });
  const seen: string[] = [];
  onTrack.subscribe((track) => {
    track.onReceiveRtp.subscribe(({ payload }) => seen.push(payload.toString()));
  });
  const response = await post(url, await offerWithCandidates(connection as never));
  t.equal(response.status, 201);
  await connection.setRemoteDescription({ type: 'answer', sdp: await response.text() });
  await connection.connectionStateChange.watch((state) => state === 'connected');
  let sequenceNumber = 1;
  const show = (): readonly string[] => {
    const header = new RtpHeader({ sequenceNumber: sequenceNumber++, timestamp: 90_000 });
    camera.writeRtp(new RtpPacket(header, Buffer.from('a picture')));
    return seen;
  };
  t.equal((await poll(show, ({ length }) => length > 0))[0], 'a picture');
});

t.test('a caller that hangs up frees its port', async (t) => {
  const { url } = await serve(t, 2);
  const call = await openCaller(t);
  const response = await post(url, call.offer);
  t.equal(response.status, 201);
  const echoed = echo(call.channel as never, ['hello']);
  await call.connection.setRemoteDescription({ type: 'answer', sdp: await response.text() });
  await echoed;
  const { offer } = await openCaller(t);
  t.equal((await post(url, offer)).status, 201);
  const full = await post(url, offer);
  t.equal(full.status, 503);
  t.equal(full.headers.get('retry-after'), '30');
  t.match(await full.json(), { code: 'ECHO_ERR_FULL' });
  call.channel.close();
  await poll(
    async () => (await post(url, offer)).status,
    (status) => status === 201,
  );
});

t.test('what is no offer is refused', async (t) => {
  const { url } = await serve(t);
  const { offer } = await openCaller(t);
  const candidate = 'a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n';
  const cases: readonly [string, string, number, RegExp][] = [
    ['', 'application/sdp', 400, /no offer/],
    ['nonsense', 'application/sdp', 400, /no offer/],
    [offer + candidate.repeat(21), 'application/sdp', 400, /too many candidates/],
    [offer, 'application/json', 415, /takes an offer as application\/sdp/],
    ['x'.repeat(70_000), 'application/sdp', 413, /takes an offer/],
  ];
  for (const [body, type, status, message] of cases) {
    const response = await post(url, body, type);
    t.equal(response.status, status, message.source);
    t.match(await response.json(), { statusCode: status, code: /^ECHO_ERR_/, message });
  }
});

t.test('web pages are refused, under whatever name they got here', async (t) => {
  const { url, endpoint } = await serve(t);
  const pages: readonly Readonly<Record<string, string>>[] = [
    { origin: 'https://app.example.org' },
    { origin: `http://${HOST}:${endpoint.port}` },
    { 'sec-fetch-site': 'cross-site' },
    { host: `rebound.example.org:${endpoint.port}` },
  ];
  for (const headers of pages) {
    for (const method of ['POST', 'DELETE', 'OPTIONS']) {
      const { statusCode, headers: answered } = await answerTo(method, url, headers);
      t.equal(statusCode, 403, `${method} ${JSON.stringify(headers)}`);
      t.notOk(answered['access-control-allow-origin']);
    }
  }
});

t.test('other methods and paths', async (t) => {
  const { url } = await serve(t);
  for (const [method, path, status, allow] of [
    ['GET', '', 405, 'POST'],
    ['PATCH', '/session', 405, 'DELETE'],
    ['POST', '/some/where', 404, undefined],
  ] as const) {
    const { statusCode, headers } = await answerTo(method, url + path);
    t.equal(statusCode, status, `${method} ${path}`);
    t.equal(headers.allow, allow);
  }
});

t.test('no caller ends the program', { skip: missingBuild() }, async (t) => {
  const { program, url } = await startProgram(t);
  const { connection, channel, offer } = await openCaller(t);
  const small = offer.replace(/^a=max-message-size:.*$/m, 'a=max-message-size:1');
  t.not(small, offer);
  const response = await post(url, small);
  t.equal(response.status, 201);
  channel.stateChanged.subscribe((state) => state === 'open' && channel.send('two'));
  const sdp = await response.text();
  const port = mediaPort(sdp);
  t.notOk(await isPortFree(port), 'a session');
  await connection.setRemoteDescription({ type: 'answer', sdp });
  await poll(() => isPortFree(port), Boolean);
  t.ok(program.isAlive, 'ends alone');
  const next = await post(url, (await openCaller(t)).offer);
  t.equal(next.status, 201, 'the next one is answered');
  const nextPort = mediaPort(await next.text());
  program.signal('SIGUSR2');
  await program.waitForLine((line) => line === 'every session ends: odd');
  await poll(() => isPortFree(nextPort), Boolean);
  t.ok(program.isAlive);
});

t.test('a caller that never connects frees its port', async (t) => {
  const { url } = await serve(t);
  const { offer } = await openCaller(t);
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  const port = mediaPort(await (await post(url, offer)).text());
  t.notOk(await isPortFree(port));
  mock.timers.tick(ECHO_CONNECTING_SECONDS_MAX * 1000);
  mock.timers.reset();
  await poll(() => isPortFree(port), Boolean);
});

t.test('the gateway asks an echo on behalf of its clients', async (t) => {
  const { endpoint } = await serve(t, 2);
  const { offer } = await openCaller(t);
  t.match(await offerToEcho(endpoint, offer), /^a=candidate:/m);
  t.match(await offerToEcho(endpoint, offer), /^a=candidate:/m);
  await t.rejects(offerToEcho(endpoint, offer), { code: 'GW_ERR_ECHO_BUSY', message: /is taken/ });
  await t.rejects(offerToEcho(endpoint, 'nonsense'), {
    code: 'GW_ERR_ECHO',
    message: /answers 400/,
  });
  await t.rejects(offerToEcho(undefined, offer), { code: 'GW_ERR_ECHO', message: /names no/ });
  const nobody = { ...endpoint, port: await freePorts() };
  await t.rejects(offerToEcho(nobody, offer), { code: 'GW_ERR_ECHO', message: /ECONNREFUSED/ });
});

t.test('what is no echo cannot harm the gateway', async (t) => {
  const stranger = createServer((request, response) => {
    if (request.url === '/elsewhere') response.writeHead(307, { location: '/whip' }).end();
    else response.writeHead(201).end('x'.repeat(100_000));
  });
  stranger.listen(0, HOST);
  await once(stranger, 'listening');
  t.teardown(() => stranger.close());
  const { port } = stranger.address() as AddressInfo;
  const ask = (path: string) => offerToEcho({ host: HOST, port, path }, 'offer');
  await t.rejects(ask('/whip'), { code: 'GW_ERR_ECHO', message: /too long/ });
  await t.rejects(ask('/elsewhere'), { code: 'GW_ERR_ECHO', message: /redirect/ });
});

t.test('without werift, or without its port', async (t) => {
  const missing = (): Promise<never> => Promise.reject(new Error('Cannot find package'));
  await t.rejects(loadWerift(missing), { code: 'GW_ERR_ECHO', message: /npm install werift/ });
  const { endpoint, minPort, maxPort } = await serve(t);
  const again = { endpoint, address: { ip: HOST, minPort, maxPort } };
  await t.rejects(WebRtcEcho.start(again), {
    code: 'GW_ERR_LISTEN',
    message: /cannot listen on .* address already in use/,
  });
});
