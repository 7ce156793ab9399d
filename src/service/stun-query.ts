import { randomBytes } from 'node:crypto';
import type { RemoteInfo, Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { STUN_PORT_DEFAULT } from '../config/default-values.ts';
import { parseHostPort } from '../config/host-ports.ts';
import { Deadline } from '../deadline.ts';
import { errorText } from '../errors.ts';
import { forbiddenCategory } from '../route/forbidden-peers.ts';
import { readErrorCode, readXorAddress } from '../stun/attributes.ts';
import { StunMessage } from '../stun/message.ts';
import { StunWriter } from '../stun/message-writer.ts';
import { ATTRIBUTE, CLASS, METHOD } from '../stun/registry.ts';
import { IPV6, TransportAddress } from '../stun/transport-address.ts';
import { bindUdp } from './bind-udp.ts';

const REQUEST_BYTES_MAX = 64;

/** How long a STUN server is asked, milliseconds. */
export interface QueryTiming {
  /** Time to the first retransmission; it doubles with each (RFC 8489 §6.2.1, RTO). */
  readonly retransmitMs: number;
  /** Longest wait for an answer, the look-up of the name included. */
  readonly deadlineMs: number;
}

/**
 * Asks a STUN server with which IP address it sees packets from a local one (RFC 8489 §6, Binding over UDP).
 *
 * @param bind - local IP address to ask from; may be a wildcard.
 * @param server - host name or IP address, with or without a port.
 * @returns the IP address; rejects with an Error that says why there is none, also when `signal` aborts.
 */
export async function queryPublicAddress(
  bind: string,
  server: string,
  timing: QueryTiming,
  signal: AbortSignal,
): Promise<string> {
  const deadline = new Deadline(signal, timing.deadlineMs);
  const seconds = timing.deadlineMs / 1000;
  const late = new Promise<never>((_resolve, reject) => {
    const giveUp = (): void => reject(new Error(`no answer within ${seconds} s`));
    if (deadline.signal.aborted) giveUp();
    else deadline.signal.addEventListener('abort', giveUp, { once: true });
  });
  try {
    const address = await Promise.race([resolveServer(bind, server), late]);
    const socket = await bindUdp(bind, 0);
    try {
      return await ask(socket, bind, address, timing.retransmitMs, late);
    } finally {
      socket.close();
    }
  } finally {
    deadline.end();
  }
}

/** The address of a server in the family of `bind`. */
async function resolveServer(bind: string, server: string): Promise<TransportAddress> {
  const place = parseHostPort(server, STUN_PORT_DEFAULT);
  if (place === undefined) throw new Error('is no host with a port');
  const family = isIpv6(bind) ? 6 : 4;
  const found = await lookup(place.host, { family }).catch((error: unknown) => {
    throw new Error(`has no IPv${family} address: ${errorText(error)}`);
  });
  const address = TransportAddress.parse(found.address, place.port);
  if (address === undefined || isIpv6(found.address) !== isIpv6(bind))
    throw new Error(`has no IPv${family} address`);
  return address;
}

/** Sends the request again and again until it is answered, or until `late` rejects. */
async function ask(
  socket: Socket,
  bind: string,
  server: TransportAddress,
  retransmitMs: number,
  late: Promise<never>,
): Promise<string> {
  const transactionId = randomBytes(12);
  const request = new StunWriter(new Uint8Array(REQUEST_BYTES_MAX))
    .begin(METHOD.BINDING, CLASS.REQUEST, transactionId)
    .fingerprint()
    .written();
  let timer: NodeJS.Timeout | undefined;
  try {
    const answered = new Promise<string>((resolve, reject) => {
      const transmit = (waitMs: number): void => {
        socket.send(request, server.port, server.ip(), (error) => {
          if (error) reject(error);
        });
        timer = setTimeout(() => transmit(waitMs * 2), waitMs);
      };
      socket.on('error', reject);
      socket.on('message', (bytes, from) => {
        if (!isFrom(server, from)) return;
        const message = new StunMessage();
        if (message.decode(bytes, 0, bytes.length) !== undefined) return;
        if (!transactionId.equals(message.copyTransactionId())) return;
        try {
          const answer = readAnswer(message, bind);
          if (answer !== undefined) resolve(answer);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
      transmit(retransmitMs);
    });
    return await Promise.race([answered, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Only who was asked may answer; a forged answer would have to guess the transaction as well. */
function isFrom(server: TransportAddress, from: RemoteInfo): boolean {
  const source = TransportAddress.parse(from.address, from.port);
  return source !== undefined && source.port === server.port && source.equalsIp(server);
}

/** The address in a response; undefined for what is no response, an Error for one that is of no use. */
function readAnswer(message: StunMessage, bind: string): string | undefined {
  if (message.method !== METHOD.BINDING) return undefined;
  if (message.messageClass === CLASS.ERROR) {
    const { code } = readErrorCode(message, message.find(ATTRIBUTE.ERROR_CODE)) ?? {};
    throw new Error(`answers with error ${code ?? 'without a code'}`);
  }
  if (message.messageClass !== CLASS.SUCCESS) return undefined;
  const mapped = new TransportAddress();
  if (!readXorAddress(message, message.find(ATTRIBUTE.XOR_MAPPED_ADDRESS), mapped))
    throw new Error('answers without XOR-MAPPED-ADDRESS');
  const ip = mapped.ip();
  if (isIpv6(ip) !== isIpv6(bind)) throw new Error(`answers ${ip}, of the other address family`);
  const category = forbiddenCategory(mapped);
  // Who relays on loopback alone has no use for another address.
  const isOwnLoopback = category === 'loopback' && ip === bind;
  if (category !== undefined && !isOwnLoopback)
    throw new Error(`answers ${ip}, which is no public address (${category})`);
  return ip;
}

function isIpv6(ip: string): boolean {
  return TransportAddress.parse(ip)?.family === IPV6;
}
