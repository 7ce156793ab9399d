import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { messagesOf } from '../flood-messages.ts';
import { serveCalls } from '../remote-process.ts';

/** Connections that take their time. */
export interface SlowOrder {
  readonly host: string;
  readonly tcpPort: number;
  readonly tlsPort: number;
  /** Send a request byte by byte. */
  readonly slow: number;
  /** Send the beginning of a ClientHello and nothing more. */
  readonly halfHandshakes: number;
}

/** New clients over TLS, each of which asks once. */
export interface TlsNewcomersOrder {
  readonly host: string;
  readonly tlsPort: number;
  readonly count: number;
}

const BYTE_MS = 1000;
const CONNECTIONS_PER_ADDRESS = 8;
const OPENING_MAX = 50;
const NEWCOMERS_AT_ONCE = 4;
const NEWCOMER_MS_MAX = 10_000;
const LOOK_MS = 20;
const HALF_HELLO = Buffer.from('1603010200010001fc0303', 'hex');
/** Long enough that nobody gets to its end. */
const LONG_REQUEST = Buffer.from(`000103e82112a442${'00'.repeat(1000)}`, 'hex');
const [BINDING] = messagesOf('binding');

const sockets: Socket[] = [];
let openedAt = 0;
let newcomers = 0;

const api = {
  /** Returns how many are connected. */
  open: async ({ host, tcpPort, tlsPort, slow, halfHandshakes }: SlowOrder): Promise<number> => {
    openedAt = performance.now();
    for (let index = 0; index < slow + halfHandshakes; index += OPENING_MAX) {
      const opening = Array.from({ length: OPENING_MAX }, (_, each) => {
        const isSlow = index + each < slow;
        const localAddress = addressOf(210, Math.floor((index + each) / CONNECTIONS_PER_ADDRESS));
        return openSocket(host, isSlow ? tcpPort : tlsPort, localAddress, isSlow);
      });
      sockets.push(...(await Promise.all(opening)));
    }
    return left();
  },
  /** Waits until the gateway has closed every one; returns how many are left after `seconds` from the first on. */
  awaitEnd: async (
    seconds: number,
  ): Promise<{ readonly left: number; readonly seconds: number }> => {
    while (left() > 0 && elapsed() < seconds) await pause(LOOK_MS);
    return { left: left(), seconds: elapsed() };
  },
  /** Returns how long each took until it was answered, milliseconds; Infinity for those that were not. */
  newcomers: async ({ host, tlsPort, count }: TlsNewcomersOrder): Promise<number[]> => {
    const times: number[] = [];
    while (times.length < count) {
      const coming = Array.from({ length: NEWCOMERS_AT_ONCE }, () =>
        answeredAfter(host, tlsPort, addressOf(211, newcomers++)),
      );
      times.push(...(await Promise.all(coming)));
      await pause(LOOK_MS);
    }
    return times;
  },
};

/** What the process of slow clients can be asked for. */
export type SlowClientsApi = typeof api;

function elapsed(): number {
  return (performance.now() - openedAt) / 1000;
}

function left(): number {
  return sockets.filter((socket) => !socket.closed).length;
}

function addressOf(second: number, number: number): string {
  return `10.${second}.${(number >> 8) & 0xff}.${number & 0xff}`;
}

async function openSocket(
  host: string,
  port: number,
  localAddress: string,
  isSlow: boolean,
): Promise<Socket> {
  const socket = connect({ host, port, localAddress });
  socket.on('error', () => undefined);
  socket.resume();
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  if (isSlow) sendSlowly(socket);
  else socket.write(HALF_HELLO);
  return socket;
}

function sendSlowly(socket: Socket): void {
  let at = 0;
  const timer = setInterval(() => socket.write(LONG_REQUEST.subarray(at, ++at)), BYTE_MS);
  socket.once('close', () => clearInterval(timer));
}

async function answeredAfter(host: string, port: number, localAddress: string): Promise<number> {
  const start = performance.now();
  const plain = connect({ host, port, localAddress });
  const socket = connectTls({ socket: plain, rejectUnauthorized: false });
  const answered = new Promise<number>((resolve) => {
    for (const part of [plain, socket]) part.once('error', () => resolve(Infinity));
    socket.once('close', () => resolve(Infinity));
    socket.once('secureConnect', () => socket.write(BINDING!));
    socket.once('data', () => resolve(performance.now() - start));
    setTimeout(resolve, NEWCOMER_MS_MAX, Infinity).unref();
  });
  return answered.finally(() => {
    socket.destroy();
    plain.destroy();
  });
}

serveCalls(api);
