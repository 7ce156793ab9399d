import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import {
  IPV4_RESPONSE,
  IPV6_RESPONSE,
  LONG_TERM_REQUEST,
  REQUEST,
  USERHASH_REQUEST,
} from '../../../test/fixtures/stun-vectors.ts';
import { validMessages } from '../../../test/support/core/hostile-messages.ts';
import { channelData, TestClient } from '../../../test/support/core/test-client.ts';
import { parseAddress, TurnDriver } from '../../../test/support/core/turn-driver.ts';
import { dtlsHello, dtlsHelloWithCookie } from '../../../test/support/dtls-hello.ts';
import { proxyLine, proxyV2, proxyV2Of } from '../../../test/support/proxy-header.ts';
import { putUint16 } from '../../../src/stun/big-endian.ts';
import type { Corpus } from './byte-mutator.ts';
import type { ParserName } from './parser-targets.ts';

/** Real messages for each parser to begin with. */
export function parserCorpus(): Readonly<Record<ParserName, Corpus>> {
  const messages = [REQUEST, IPV4_RESPONSE, IPV6_RESPONSE, LONG_TERM_REQUEST, USERHASH_REQUEST];
  messages.push(...validMessages(new TestClient(new TurnDriver())));
  const stun = { messages, repair: repairStun };
  return {
    'stun-decode': stun,
    'stun-reencode': stun,
    'stun-integrity': stun,
    'stream-framer': { messages: streams(messages) },
    'dtls-hello': { messages: [dtlsHello(), dtlsHelloWithCookie(COOKIE)], repair: repairDtls },
    'tls-hello': { messages: [tlsHello(), SERVER_NAME, ALPN] },
    'proxy-header': { messages: proxyHeaders(), repair: repairProxy },
  };
}

const COOKIE = new Uint8Array(32).fill(9);
const SERVER_NAME = Buffer.from('\0\x13\0\0\x10turn.example.org', 'latin1');
const ALPN = Buffer.from('\0\x1d\x09stun.turn\x12stun.nat-discovery', 'latin1');

function repairStun(bytes: Uint8Array, length: number): void {
  if (length >= 20) putUint16(bytes, 2, length - 20);
}

/** Lengths of the record, of the handshake message and of its only fragment. */
function repairDtls(bytes: Uint8Array, length: number): void {
  if (length < 25) return;
  putUint16(bytes, 11, length - 13);
  for (const at of [14, 22]) {
    bytes[at] = 0;
    putUint16(bytes, at + 1, length - 25);
  }
}

/** Length of a version 2 header. */
function repairProxy(bytes: Uint8Array, length: number): void {
  if (bytes[0] === 0x0d && length >= 16) putUint16(bytes, 14, length - 16);
}

/** Messages one after another, as they come over TCP. */
function streams(messages: readonly Uint8Array[]): Uint8Array[] {
  const data = channelData(0x4000, Buffer.from('five.'));
  const padded = Buffer.concat([data, Buffer.alloc(-data.length & 3)]);
  return messages
    .filter((each) => each[0]! < 4 && each.length < 400)
    .map((each, index) => Buffer.concat([each, padded, messages[index % 5]!]));
}

function proxyHeaders(): Uint8Array[] {
  const [ipv4, ipv6] = [parseAddress('192.0.2.1', 40_000), parseAddress('2001:db8::1', 443)];
  const tlvs = Buffer.from([0x03, 0, 4, 1, 2, 3, 4, 0x20, 0, 5, 1, 0, 0, 0, 0]);
  return [
    proxyLine(ipv4, ipv4),
    proxyLine(ipv6, ipv6),
    Buffer.from('PROXY UNKNOWN whatever\r\n'),
    proxyV2(ipv4, ipv4),
    proxyV2(ipv6, ipv6, tlvs),
    proxyV2Of(0x20, 0, new Uint8Array(0)),
    proxyV2Of(0x21, 0x31, new Uint8Array(216)),
  ];
}

/** The first thing that the TLS of Node.js sends. */
function tlsHello(): Uint8Array {
  let sent: Uint8Array = new Uint8Array(0);
  const nowhere = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      sent = chunk;
      done();
    },
  });
  const client = connect({
    socket: nowhere,
    servername: 'turn.example.org',
    ALPNProtocols: ['stun.turn'],
  });
  client.on('error', () => undefined);
  client.destroy();
  return sent;
}
