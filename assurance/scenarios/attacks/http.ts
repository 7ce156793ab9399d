import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { SeededRandom } from '../../../test/support/core/seeded-random.ts';
import { missingBuild } from '../../../test/support/gateway-process.ts';
import { OperatedGateway } from '../../../test/support/operated-gateway.ts';
import type { Finding, Scenario } from '../../scenario.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { atLeast, atMost, count } from '../../support/findings.ts';
import { fuzzedRequests } from '../../support/http-requests.ts';

const CONNECTIONS = 6000;
const REQUESTS_PER_CONNECTION = 20;
const AT_ONCE = 16;
/** The gateway has let go of everything by then; so long is what it may take at most. */
const CLOSED_SECONDS_MAX = 8;
const RATE_WINDOW_MS = 1100;
const API_TOKEN = 'canary-token-0123456789';
const ICE_KEY = 'canary-key-0123456789';
const SECRET = 'canary-secret-0123456789';
const CANARY = /canary-/;

interface Tally {
  requests: number;
  answers: number;
  /** Connections over which nothing came back. */
  unanswered: number;
  serverErrors: number;
  leaks: number;
  left: number;
}

/** Whatever is sent to the HTTP APIs is answered as an error of the client, and tells nothing. */
export const http: Scenario = {
  name: 'http',
  promise:
    'fuzzed requests to the HTTP APIs make no server errors, show no secrets and hold no connection',
  missing: missingBuild,
  run: ({ scale, seed, progress }) =>
    Cleanup.around(async (t) => {
      const gateway = await OperatedGateway.start(t, {
        admin: { api_token: API_TOKEN, loglevel: 'all:TRACE' },
        auth: { credentials: { secret: SECRET } },
        ice: { api_keys: [ICE_KEY] },
      });
      const { ice, api, health, metrics } = gateway.ports;
      const random = new SeededRandom(seed);
      const tally = newTally();
      progress('fuzzed requests');
      let left = Math.ceil(CONNECTIONS * scale);
      const one = async (): Promise<void> => {
        while (left-- > 0) {
          const port = random.pick([ice, ice, api, api, health, metrics]);
          const text = fuzzedRequests(random, REQUESTS_PER_CONNECTION, [API_TOKEN, ICE_KEY]);
          await exchange(port, addressOf(left), text, tally);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, one));
      progress('requests that two servers would read differently, and slow ones');
      const smuggled = await Promise.all(SMUGGLED.map((text) => statusOf(ice, text)));
      // The key has been used so often that it would be refused for that.
      await pause(RATE_WINDOW_MS);
      const polluted = [];
      for (const body of POLLUTED) polluted.push(await statusOf(ice, post(body)));
      const slow = await Promise.all([ice, api, health, metrics].map((port) => closedAfter(port)));
      const alive = await fetch(`http://127.0.0.1:${health}/ready`);
      const { child } = gateway.process;
      await child.stop();
      return [
        ...findings(tally),
        ...logFindings(child.lines),
        refused('requests with two lengths, accepted', smuggled),
        refused('requests that lack what a prototype would give them, accepted', polluted),
        slowFinding(slow),
        { what: '/ready afterwards', figure: `${alive.status}`, bound: '200', holds: alive.ok },
      ];
    }),
};

function newTally(): Tally {
  return { requests: 0, answers: 0, unanswered: 0, serverErrors: 0, leaks: 0, left: 0 };
}

function findings(tally: Tally): Finding[] {
  const { requests, answers, unanswered, serverErrors, leaks, left } = tally;
  const of = `of ${count(answers)} answers to ${count(requests)} requests`;
  return [
    atMost('connections without an answer', unanswered, 0),
    atMost('answers of 500 and more', serverErrors, 0, { text: `${serverErrors} ${of}` }),
    atMost('answers with a secret', leaks, 0, { text: `${leaks} ${of}` }),
    atMost('connections that stay open', left, 0),
  ];
}

function logFindings(lines: readonly string[]): Finding[] {
  const canaries = lines.filter((line) => CANARY.test(line)).length;
  return [
    atLeast('log lines', lines.length, 1),
    atMost('log lines with a canary', canaries, 0, {
      text: `${canaries} of ${count(lines.length)}`,
    }),
  ];
}

/** One address may ask only so often: each connection has another one. */
function addressOf(number: number): string {
  return `127.81.${(number >> 8) & 0xff}.${number & 0xff}`;
}

/** Sends everything at once and reads until the gateway closes. */
async function exchange(
  port: number,
  localAddress: string,
  text: Buffer,
  tally: Tally,
): Promise<void> {
  const { answer, isClosed } = await converse(port, text, localAddress);
  tally.requests += REQUESTS_PER_CONNECTION;
  const codes = [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code));
  tally.answers += codes.length;
  if (codes.length === 0) tally.unanswered++;
  tally.serverErrors += codes.filter((code) => code >= 500).length;
  if (CANARY.test(answer)) tally.leaks++;
  if (!isClosed) tally.left++;
}

/** Resolves when the connection is closed, or after so long. */
async function converse(
  port: number,
  text: string | Buffer,
  localAddress = '127.0.0.1',
): Promise<{ readonly answer: string; readonly isClosed: boolean }> {
  const socket = connect({ host: '127.0.0.1', port, localAddress });
  let answer = '';
  socket.on('data', (data) => (answer += data.toString('latin1')));
  socket.on('error', () => undefined);
  socket.write(text);
  const closed = once(socket, 'close').then(() => true);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, CLOSED_SECONDS_MAX * 1000, false);
  });
  const isClosed = await Promise.race([closed, late]);
  clearTimeout(timer);
  socket.destroy();
  return { answer, isClosed };
}

/** The status of each answer; a smuggled request would be answered 200. */
async function statusOf(port: number, text: string): Promise<readonly number[]> {
  const { answer } = await converse(port, text);
  return [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code));
}

function refused(what: string, statuses: readonly (readonly number[])[]): Finding {
  const all = statuses.flat();
  const accepted = all.filter((status) => status < 400).length;
  const text = `${accepted} of ${statuses.length}: ${all.join(', ')}`;
  const finding = atMost(what, accepted, 0, { text });
  return { ...finding, holds: finding.holds && statuses.every(({ length }) => length > 0) };
}

/** How long a connection stays open whose request never comes to its end, seconds. */
async function closedAfter(port: number): Promise<number> {
  const start = performance.now();
  const { isClosed } = await converse(port, 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ');
  return isClosed ? (performance.now() - start) / 1000 : Infinity;
}

function slowFinding(seconds: readonly number[]): Finding {
  const text = seconds.map((each) => `${each.toFixed(1)} s`).join(', ');
  const what = 'time until headers that never end are given up';
  return atMost(what, Math.max(...seconds), CLOSED_SECONDS_MAX, { unit: 's', text });
}

const QUERY = `service=turn&username=u&key=${ICE_KEY}`;
const INNER = `GET /ice?${QUERY} HTTP/1.1\r\nHost: x\r\n\r\n`;
const POST = `POST /ice HTTP/1.1\r\nHost: x\r\n`;
const SMUGGLED = [
  `${POST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${INNER}`,
  `${POST}Transfer-Encoding: chunked\r\nContent-Length: ${INNER.length}\r\n\r\n0\r\n\r\n${INNER}`,
  `${POST}Content-Length: 0\r\nContent-Length: ${INNER.length}\r\n\r\n${INNER}`,
  `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${INNER}`,
  `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${INNER}`,
  `${POST}Content-Length : 0\r\n\r\n${INNER}`,
  `${POST}Content-Length: +0\r\n\r\n${INNER}`,
];
const POLLUTED = [
  '{"__proto__":{"service":"turn"}}',
  '{"constructor":{"prototype":{"service":"turn"}}}',
  '{"username":"u","__proto__":{"service":"turn","ttl":1}}',
  // After all of these.
  '{}',
];

function post(body: string): string {
  const headers =
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n` +
    `Authorization: Bearer ${ICE_KEY}\r\n`;
  return `${POST}${headers}Connection: close\r\n\r\n${body}`;
}
