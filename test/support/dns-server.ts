import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const TYPE_A = 1;
const CLASS_IN = 1;
const HEADER_BYTES = 12;
/** RFC 1035 §4.1.1: QR and RA; the response code is in the low bits. */
const RESPONSE_FLAGS = 0x8080;
/** RFC 1035 §4.1.1: server failure, and a name that does not exist. */
const RESPONSE_CODES = { SERVFAIL: 2, NXDOMAIN: 3 } as const;
/** RFC 1035 §4.1.4: a pointer to the name of the question. */
const POINTER_TO_QUESTION = 0xc000 | HEADER_BYTES;
const TTL_SECONDS = 1;

/** IPv4 addresses, or a failure. */
export type DnsAnswer = readonly string[] | 'SERVFAIL' | 'NXDOMAIN' | 'silence';

/** A DNS server on IPv4 loopback that gives one answer to every question about IPv4 addresses. */
export interface DnsServer {
  /** `address:port`, as `setServers` of `node:dns` takes it. */
  readonly address: string;
  /** IPv4 addresses to answer with, a failure, or silence; AAAA questions get an empty answer or the same. */
  answer: DnsAnswer;
  close(): void;
}

/** Opens a DNS server; `onQuestion` may change the answer to a question about IPv4 addresses before it is given. */
export async function openDnsServer(
  answer: DnsAnswer,
  onQuestion: (server: DnsServer) => void = () => undefined,
): Promise<DnsServer> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const server: DnsServer = {
    address: `127.0.0.1:${socket.address().port}`,
    answer,
    close: () => socket.close(),
  };
  socket.on('message', (query, from) => {
    if (isAboutIpv4(query)) onQuestion(server);
    const { answer: current } = server;
    if (current !== 'silence') socket.send(answerTo(query, current), from.port, from.address);
  });
  return server;
}

function questionOf(query: Buffer): Buffer {
  return query.subarray(HEADER_BYTES, query.indexOf(0, HEADER_BYTES) + 5);
}

function isAboutIpv4(query: Buffer): boolean {
  const question = questionOf(query);
  return question.readUInt16BE(question.length - 4) === TYPE_A;
}

function answerTo(query: Buffer, answer: Exclude<DnsAnswer, 'silence'>): Buffer {
  const question = questionOf(query);
  const code = typeof answer === 'string' ? RESPONSE_CODES[answer] : 0;
  const addresses = isAboutIpv4(query) && typeof answer !== 'string' ? answer : [];
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(RESPONSE_FLAGS | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  return Buffer.concat([header, question, ...addresses.map(recordOf)]);
}

function recordOf(address: string): Buffer {
  const record = Buffer.alloc(16);
  record.writeUInt16BE(POINTER_TO_QUESTION, 0);
  record.writeUInt16BE(TYPE_A, 2);
  record.writeUInt16BE(CLASS_IN, 4);
  record.writeUInt32BE(TTL_SECONDS, 6);
  record.writeUInt16BE(4, 10);
  record.set(address.split('.').map(Number), 12);
  return record;
}
