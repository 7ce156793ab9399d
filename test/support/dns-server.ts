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

/** A DNS server on IPv4 loopback that gives one answer to every question about IPv4 addresses. */
export interface DnsServer {
  /** `address:port`, as `setServers` of `node:dns` takes it. */
  readonly address: string;
  /** IPv4 addresses to answer with, or a failure; AAAA questions get an empty answer or the same failure. */
  answer: readonly string[] | 'SERVFAIL';
  close(): void;
}

/** Opens a DNS server. */
export async function openDnsServer(answer: DnsServer['answer']): Promise<DnsServer> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const server: DnsServer = {
    address: `127.0.0.1:${socket.address().port}`,
    answer,
    close: () => socket.close(),
  };
  socket.on('message', (query, from) => {
    socket.send(answerTo(query, server.answer), from.port, from.address);
  });
  return server;
}

function answerTo(query: Buffer, answer: DnsServer['answer']): Buffer {
  const questionEnd = query.indexOf(0, HEADER_BYTES) + 5;
  const question = query.subarray(HEADER_BYTES, questionEnd);
  const isIpv4 = question.readUInt16BE(question.length - 4) === TYPE_A;
  const addresses = isIpv4 && answer !== 'SERVFAIL' ? answer : [];
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
