import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Finding, Scenario } from '../../scenario.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { atMost } from '../../support/findings.ts';
import { messagesOf, type RepeatedKind } from '../../support/flood-messages.ts';
import { missingTool } from '../../../test/support/child-process.ts';
import { startCoturn } from '../../../test/support/coturn-process.ts';
import { freePorts } from '../../../test/support/free-ports.ts';
import {
  configurationFor,
  missingBuild,
  startReady,
} from '../../../test/support/gateway-process.ts';
import { DUAL_STACK_SERVER } from '../../../test/support/server-under-test.ts';

interface Case {
  readonly what: string;
  readonly kind: RepeatedKind;
  readonly ip: string;
  readonly factorMax: number;
}

const CASES: readonly Case[] = [
  { what: 'Binding over IPv4', kind: 'binding', ip: '127.0.0.1', factorMax: 1.6 },
  { what: 'Binding over IPv6', kind: 'binding', ip: '::1', factorMax: 2.2 },
  { what: '401', kind: 'allocate', ip: '127.0.0.1', factorMax: 4.6 },
  { what: '438', kind: 'foreignNonce', ip: '127.0.0.1', factorMax: 4.6 },
  { what: '420', kind: 'unknownAttribute', ip: '127.0.0.1', factorMax: 4.6 },
];
/** Without attributes, the smallest request that is answered 401. */
const SMALLEST = 20;
const ANSWER_MS = 300;
/** So long that the seconds at its ends hardly count. */
const RATE_SECONDS = 20;
const REQUESTS_PER_SECOND = 500;
const ERRORS_PER_SECOND_MAX = 10;

/** Whoever forges an address gets next to nothing multiplied, and not often. */
export const amplification: Scenario = {
  name: 'amplification',
  promise:
    'an answer to whoever may be forged is hardly larger than the request, and errors are rare',
  missing: missingBuild,
  run: ({ scale, progress }) =>
    Cleanup.around(async (cleanup) => {
      const port = await freePorts(2);
      const { limits: _, ...configuration } = configurationFor(DUAL_STACK_SERVER, port, port + 1);
      const gateway = await startReady(configuration);
      cleanup.teardown(() => gateway.stop());
      const coturn = missingTool('turnserver') ? undefined : await startCoturn(DUAL_STACK_SERVER);
      cleanup.teardown(() => coturn?.stop());
      const findings: Finding[] = [];
      for (const each of CASES) findings.push(await measure(each, port, coturn?.port));
      progress('errors in a row');
      const seconds = RATE_SECONDS * Math.max(1, scale);
      return [...findings, await errorRate(seconds, port, coturn?.port)];
    }),
};

async function measure(each: Case, port: number, coturnPort?: number): Promise<Finding> {
  const message = smallest(messagesOf(each.kind)[0]!, each.kind);
  const ours = await answerBytes(each.ip, port, message);
  const factor = ours / message.length;
  const others =
    coturnPort === undefined
      ? ''
      : `, coturn ${((await answerBytes(each.ip, coturnPort, message)) / message.length).toFixed(2)}`;
  const text = `${factor.toFixed(2)} (${ours} for ${message.length} bytes${others})`;
  // Nothing at all would be no answer, which is not what is measured here.
  const what = `${each.what}, bytes out for each byte in`;
  return {
    ...atMost(what, factor, each.factorMax, { text }),
    holds: ours > 0 && factor <= each.factorMax,
  };
}

function smallest(message: Uint8Array, kind: RepeatedKind): Uint8Array {
  if (kind !== 'allocate') return message;
  const bare = message.slice(0, SMALLEST);
  bare.fill(0, 2, 4);
  return bare;
}

async function errorRate(seconds: number, port: number, coturnPort?: number): Promise<Finding> {
  const asked = [port, ...(coturnPort === undefined ? [] : [coturnPort])];
  const rates = asked.map((each) => errorsPerSecond(seconds, each));
  const [ours = Infinity, coturns] = await Promise.all(rates);
  const what = `error answers per second to one address that asks ${REQUESTS_PER_SECOND} times`;
  const others = coturns === undefined ? '' : `, coturn ${coturns.toFixed(1)}`;
  const text = `${ours.toFixed(1)}${others}`;
  return atMost(what, ours, ERRORS_PER_SECOND_MAX, { text });
}

async function answerBytes(ip: string, port: number, message: Uint8Array): Promise<number> {
  let bytes = 0;
  await withSocket(
    ip,
    (data) => (bytes += data.length),
    async (send) => {
      send(port, message);
      await pause(ANSWER_MS);
    },
  );
  return bytes;
}

/** By the seconds of the gateway's clock: the time of asking may touch the ends of two more than it lasts. */
async function errorsPerSecond(askedSeconds: number, port: number): Promise<number> {
  const message = smallest(messagesOf('allocate')[0]!, 'allocate');
  const start = performance.now();
  const elapsedSeconds = (): number => (performance.now() - start) / 1000;
  let answers = 0;
  let seconds = 0;
  await withSocket(
    '127.0.0.1',
    () => answers++,
    async (send) => {
      while (elapsedSeconds() < askedSeconds) {
        for (let sent = 0; sent < REQUESTS_PER_SECOND / 50; sent++) send(port, message);
        await pause(20);
      }
      seconds = Math.floor(elapsedSeconds()) + 2;
      await pause(ANSWER_MS);
    },
  );
  return answers / seconds;
}

async function withSocket(
  ip: string,
  onAnswer: (data: Buffer) => void,
  use: (send: (port: number, message: Uint8Array) => void) => Promise<void>,
): Promise<void> {
  const socket = createSocket(ip.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', onAnswer);
  socket.bind(0, ip);
  await once(socket, 'listening');
  try {
    await use((port, message) => socket.send(message, port, ip));
  } finally {
    socket.close();
  }
}
