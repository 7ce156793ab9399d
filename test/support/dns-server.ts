import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const TYPE_A = 1;
const CLASS_IN = 1;
const HEADER_BYTES = 12;
/** RFC 1035 §4.1.1: QR and RA; the response code is in the low bits. */
const RESPONSE_FLAGS = 0x8080;
/** RFC 1035 §4.1.1: server failure. */
const SERVER_FAILURE = 2;
/** RFC 1035 §4.1.4: a pointer to the name of the question. */
const POINTER_TO_QUESTION = 0xc000 | HEADER_BYTES;
const TTL_SECONDS = 1;

/** IPv4 addresses, or a failure. */
export type DnsAnswer = readonly string[] | 'SERVFAIL';

/** A DNS server on IPv4 loopback that gives one answer to every question about IPv4 addresses. */
export interface DnsServer {
  /** `address:port`, as `setServers` of `node:dns` takes it. */
  readonly address: string;
  /** IPv4 addresses to answer with, or a failure; AAAA questions get an empty answer or the same failure. */
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
    socket.send(answerTo(query, server.answer), from.port, from.address);
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

function answerTo(query: Buffer, answer: DnsAnswer): Buffer {
  const question = questionOf(query);
  const addresses = isAboutIpv4(query) && answer !== 'SERVFAIL' ? answer : [];
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(RESPONSE_FLAGS | (answer === 'SERVFAIL' ? SERVER_FAILURE : 0), 2);
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
