import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { RTCPeerConnection } from 'werift';
import type { HttpEndpoint } from '../../src/config/gateway-config.ts';
import { GatewayError } from '../../src/errors.ts';
import { offerToEcho } from '../../src/service/echo-client.ts';
import { startWherePossible, WebRtcEcho } from '../../src/service/webrtc-echo/webrtc-echo.ts';
import { loadWerift } from '../../src/service/webrtc-echo/werift-library.ts';
import { freePorts } from '../support/free-ports.ts';
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
  const [, address, port] = /^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) /m.exec(sdp) ?? [];
  t.equal(address, HOST);
  t.ok(Number(port) >= minPort && Number(port) <= maxPort, `port ${port}`);
  const echoed = echo(channel as never, ['one', 'two']);
  await connection.setRemoteDescription({ type: 'answer', sdp });
  t.strictSame(await echoed, ['one', 'two']);

  const session = new URL(response.headers.get('location') ?? '', url);
  t.equal((await fetch(session, { method: 'DELETE' })).status, 200);
  t.equal((await fetch(session, { method: 'DELETE' })).status, 404, 'it has ended');
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
  const preflight = await fetch(url, {
    method: 'OPTIONS',
    headers: { origin: 'https://app.example.org', 'access-control-request-method': 'POST' },
  });
  t.equal(preflight.headers.get('access-control-allow-origin'), null, 'pages of others stay out');
});

t.test('the gateway asks an echo on behalf of its clients', async (t) => {
  const { endpoint } = await serve(t);
  const { offer } = await openCaller(t);
  t.match(await offerToEcho(endpoint, offer), /^a=candidate:/m);
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
  await t.rejects(WebRtcEcho.start(again), new GatewayError('GW_ERR_LISTEN', ''));
  t.match(await startWherePossible(again), /cannot listen on .* address already in use/);
});
