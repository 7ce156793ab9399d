import * as fc from 'fast-check';
import t from 'tap';
import {
  readAddress,
  readBytes,
  readErrorCode,
  readPasswordAlgorithms,
  readText,
  readUint16,
  readUint32,
  readUint8,
  readUnknownAttributes,
  readXorAddress,
} from '../../src/stun/attributes.ts';
import { verifyIntegrity, verifyIntegritySha256 } from '../../src/stun/integrity.ts';
import { StunWriter } from '../../src/stun/message-writer.ts';
import { StunMessage } from '../../src/stun/message.ts';
import { ATTRIBUTE, CLASS, METHOD } from '../../src/stun/registry.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';
import {
  hex,
  IPV4_RESPONSE,
  IPV6_RESPONSE,
  LONG_TERM_REQUEST,
  REQUEST,
  toHex,
  USERHASH_REQUEST,
} from '../fixtures/stun-vectors.ts';
import { collectGarbage } from '../support/heap.ts';

const vectors = [REQUEST, IPV4_RESPONSE, IPV6_RESPONSE, LONG_TERM_REQUEST, USERHASH_REQUEST];
const message = new StunMessage();
const KEY = new Uint8Array(16);
const HEADER = '2112a442 000102030405060708090a0b';

t.test('what is not a STUN message', (t) => {
  const cases: [string, string, string | undefined][] = [
    ['nothing', '', 'tooShort'],
    ['19 bytes', '0001 0000 2112a442 000102030405060708090a', 'tooShort'],
    ['header only', `0001 0000 ${HEADER}`, undefined],
    ['first bits 01', `4001 0000 ${HEADER}`, 'notStun'],
    ['first bits 10', `8001 0000 ${HEADER}`, 'notStun'],
    ['first bits 11', `c001 0000 ${HEADER}`, 'notStun'],
    ['classic STUN', '0001 0000 2112a443 000102030405060708090a0b', 'badCookie'],
    ['length not of 4', `0001 0003 ${HEADER} 800000`, 'badLength'],
    ['trailing byte', `0001 0000 ${HEADER} 00`, 'badLength'],
    ['length too large', `0001 0008 ${HEADER} 80000000`, 'badLength'],
    ['length 0xfffc', `0001 fffc ${HEADER} 80000000`, 'badLength'],
    ['length too small', `0001 0000 ${HEADER} 80000000`, 'badLength'],
    ['empty attribute', `0001 0004 ${HEADER} 80000000`, undefined],
    ['value beyond the end', `0001 0004 ${HEADER} 80000001`, 'badAttributeLength'],
    ['value of 0xffff', `0001 0004 ${HEADER} 8000ffff`, 'badAttributeLength'],
    [
      'second beyond the end',
      `0001 000c ${HEADER} 80000001ff000000 80000001`,
      'badAttributeLength',
    ],
    ['padding that is not zero', `0001 0008 ${HEADER} 80000001ffffffff`, undefined],
    ['fingerprint wrong', `0001 0008 ${HEADER} 8028000400000000`, 'badFingerprint'],
    ['fingerprint empty', `0001 0004 ${HEADER} 80280000`, 'badFingerprint'],
    ['fingerprint of 3', `0001 0008 ${HEADER} 8028000300000000`, 'badFingerprint'],
    ['fingerprint of 8', `0001 000c ${HEADER} 802800080000000000000000`, 'badFingerprint'],
  ];
  for (const [name, text, failure] of cases) {
    const bytes = hex(text);
    t.equal(message.decode(bytes, 0, bytes.length), failure, name);
    if (failure !== undefined) t.equal(message.attributeCount, 0);
  }
  const bytes = hex(`0001 0000 ${HEADER}`);
  t.equal(message.decode(bytes, 1, 20), 'tooShort', 'never reads beyond the array');
  t.equal(message.decode(bytes, 0, 21), 'tooShort');
  t.end();
});

t.test('FINGERPRINT is the last attribute', (t) => {
  const writer = new StunWriter(new Uint8Array(64));
  const begin = (): StunWriter => writer.begin(METHOD.BINDING, CLASS.REQUEST, new Uint8Array(12));
  begin().fingerprint();
  t.equal(message.decode(writer.written(), 0, 28), undefined);
  t.equal(message.hasFingerprint, true);
  t.equal(message.find(ATTRIBUTE.FINGERPRINT), 0);

  begin();
  t.equal(message.decode(writer.written(), 0, 20), undefined);
  t.equal(message.hasFingerprint, false, 'of the last message only');

  // FINGERPRINT is made for the header's final length, as a careful attacker would.
  const followed = begin().fingerprint().flag(0x8000).written();
  t.equal(message.decode(followed, 0, followed.length), 'badFingerprint');
  followed.set(fingerprintFor(followed, 20), 24);
  t.equal(message.decode(followed, 0, followed.length), 'attributeAfterFingerprint');
  t.end();
});

t.test('the number of attributes is bounded', (t) => {
  const bounded = new StunMessage(3);
  const writer = new StunWriter(new Uint8Array(64));
  writer.begin(METHOD.BINDING, CLASS.REQUEST, new Uint8Array(12));
  for (const expected of [undefined, undefined, undefined, 'tooManyAttributes']) {
    writer.flag(0x8000);
    t.equal(bounded.decode(writer.written(), 0, writer.finish()), expected);
  }
  t.equal(bounded.attributeCount, 0);
  const hidden = new StunWriter(new Uint8Array(64))
    .begin(METHOD.BINDING, CLASS.REQUEST, new Uint8Array(12))
    .integrity(new Uint8Array(1))
    .flag(0x8000)
    .flag(0x8000)
    .flag(0x8000);
  t.equal(
    bounded.decode(hidden.written(), 0, hidden.finish()),
    'tooManyAttributes',
    'ignored ones count too',
  );
  t.end();
});

t.test('duplicates: the first wins, the others can be walked', (t) => {
  const writer = new StunWriter(new Uint8Array(128))
    .begin(METHOD.CREATE_PERMISSION, CLASS.REQUEST, new Uint8Array(12))
    .uint32(ATTRIBUTE.LIFETIME, 1)
    .flag(ATTRIBUTE.DONT_FRAGMENT)
    .uint32(ATTRIBUTE.LIFETIME, 2)
    .uint32(ATTRIBUTE.LIFETIME, 3);
  message.decode(writer.written(), 0, writer.finish());
  const seen: (number | undefined)[] = [];
  let index = message.find(ATTRIBUTE.LIFETIME);
  for (; index >= 0; index = message.findNext(ATTRIBUTE.LIFETIME, index)) {
    seen.push(readUint32(message, index));
  }
  t.same(seen, [1, 2, 3]);
  t.equal(message.find(ATTRIBUTE.DONT_FRAGMENT), 1);
  t.equal(message.valueLength(1), 0);
  t.equal(message.find(ATTRIBUTE.DATA), -1);
  for (const absent of [-1, 4, 127, 128]) {
    t.equal(message.typeAt(absent), -1);
    t.equal(message.valueOffset(absent), -1);
    t.equal(message.valueLength(absent), -1);
    t.equal(readUint32(message, absent), undefined);
    t.equal(readBytes(message, absent), undefined);
    t.equal(readText(message, absent, 9), undefined);
    t.equal(readAddress(message, absent, new TransportAddress()), false);
  }
  t.end();
});

t.test('every unknown comprehension-required type is listed once', (t) => {
  const types = [0x7fff, 0x8000, 0x0001, 0x0000, 0x7fff, 0xffff, 0x0006, 0x7ffe, 0x0000];
  const writer = new StunWriter(new Uint8Array(128));
  writer.begin(METHOD.ALLOCATE, CLASS.REQUEST, new Uint8Array(12));
  for (const type of types) writer.flag(type);
  message.decode(writer.written(), 0, writer.finish());
  const known = new Set<number>([ATTRIBUTE.MAPPED_ADDRESS, ATTRIBUTE.USERNAME]);
  t.same(
    message.unknownComprehensionRequired((type) => known.has(type)),
    [0x7fff, 0x0000, 0x7ffe],
  );
  t.same(
    message.unknownComprehensionRequired(() => true),
    [],
  );
  t.end();
});

t.test('the view copies what it calls a copy', (t) => {
  const bytes = Buffer.from(REQUEST);
  message.decode(bytes, 0, bytes.length);
  const id = message.copyTransactionId();
  const view = readBytes(message, 0);
  bytes.fill(0);
  t.equal(toHex(id), toHex(REQUEST.subarray(8, 20)));
  t.equal(toHex(view ?? id), '00'.repeat(16));
  t.end();
});

t.test('what is written is decoded again', (t) => {
  const attribute = fc.record({
    type: fc
      .integer({ min: 0, max: 0xffff })
      .filter((type) => type !== 0x0008 && type !== 0x001c && type !== 0x8028),
    value: fc.uint8Array({ maxLength: 70 }),
  });
  const property = fc.property(
    fc.integer({ min: 0, max: 0xfff }),
    fc.constantFrom(...Object.values(CLASS)),
    fc.uint8Array({ minLength: 12, maxLength: 12 }),
    fc.array(attribute, { maxLength: 12 }),
    fc.record({ sha1: fc.boolean(), sha256: fc.boolean(), fingerprint: fc.boolean() }),
    fc.integer({ min: 0, max: 9 }),
    fc.integer({ min: 0, max: 255 }),
    (method, messageClass, id, attributes, end, offset, dirt) => {
      const target = new Uint8Array(1200).fill(dirt);
      const key = id.subarray(0, 7);
      const writer = new StunWriter(target, offset).begin(method, messageClass, id);
      for (const { type, value } of attributes) writer.attribute(type, value);
      if (end.sha1) writer.integrity(key);
      if (end.sha256) writer.integritySha256(key);
      if (end.fingerprint) writer.fingerprint();
      const length = writer.finish();
      const same =
        message.decode(target, offset, length) === undefined &&
        message.method === method &&
        message.messageClass === messageClass &&
        Buffer.compare(message.copyTransactionId(), id) === 0 &&
        message.hasFingerprint === end.fingerprint &&
        verifyIntegrity(message, key) === end.sha1 &&
        verifyIntegritySha256(message, key) === end.sha256 &&
        attributes.every(({ type, value }, index) => {
          const start = message.valueOffset(index);
          const padding = target.subarray(start + value.length).subarray(0, -value.length & 3);
          return (
            message.typeAt(index) === type &&
            Buffer.compare(readBytes(message, index) ?? id, value) === 0 &&
            padding.every((byte) => byte === 0)
          );
        }) &&
        message.attributeCount ===
          attributes.length + Number(end.sha1) + Number(end.sha256) + Number(end.fingerprint);
      const outside = [...target.subarray(0, offset), ...target.subarray(offset + length)];
      return same && outside.every((byte) => byte === dirt);
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 1000 }));
  t.end();
});

t.test('any bytes are decoded or refused, never thrown at', (t) => {
  const property = fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    readEverything(bytes);
    return true;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 5000 }));

  const random = generator(0x7e57ab1e);
  let accepted = 0;
  let refused = 0;
  t.doesNotThrow(() => {
    for (let round = 0; round < 120_000; round++) {
      if (readEverything(mutant(random))) accepted++;
      else refused++;
    }
  });
  t.ok(accepted > 10_000, `${accepted} accepted`);
  t.ok(refused > 10_000, `${refused} refused`);
  t.end();
});

t.test('decoding and writing a Data indication create no object', (t) => {
  const writer = new StunWriter(new Uint8Array(200));
  const peer = new TransportAddress().setIpv6(1, 2, 3, 4, 5);
  const decode = (round: number): void => {
    const bytes = vectors[round % vectors.length] ?? REQUEST;
    if (message.decode(bytes, 0, bytes.length) !== undefined) throw new Error('refused');
    if (message.find(ATTRIBUTE.DATA) !== -1) throw new Error('found');
  };
  const write = (): void => {
    writer
      .begin(METHOD.DATA, CLASS.INDICATION, REQUEST, 8)
      .xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer)
      .attribute(ATTRIBUTE.DATA, REQUEST, 7, 61)
      .uint32(ATTRIBUTE.LIFETIME, 0xffffffff);
  };
  const copy = (): unknown => message.copyTransactionId();
  const heapBytesPerRound = (run: (round: number) => unknown): number => {
    const rounds = 20_000;
    let fewest = Infinity;
    for (let attempt = 0; attempt < 8 && fewest > 1; attempt++) {
      collectGarbage();
      const before = process.memoryUsage().heapUsed;
      for (let round = 0; round < rounds; round++) run(round);
      fewest = Math.min(fewest, (process.memoryUsage().heapUsed - before) / rounds);
    }
    return fewest;
  };
  t.ok(heapBytesPerRound(decode) <= 1, 'decode');
  t.ok(heapBytesPerRound(write) <= 1, 'write');
  t.ok(heapBytesPerRound(copy) > 16, 'a method that does create an object is noticed');
  t.end();
});

/** Reads each attribute in every way; true when the bytes are a message. Throws when a reader breaks its contract. */
function readEverything(bytes: Uint8Array): boolean {
  const copy = bytes.slice();
  const isMessage = message.decode(copy, 0, copy.length) === undefined;
  const address = new TransportAddress();
  for (let index = -1; index <= message.attributeCount; index++) {
    readUint8(message, index);
    readUint16(message, index);
    readUint32(message, index);
    readText(message, index, 763);
    readErrorCode(message, index);
    readUnknownAttributes(message, index);
    readPasswordAlgorithms(message, index);
    readXorAddress(message, index, address);
    if (readAddress(message, index, address) && address.port > 0xffff) throw new Error('port');
    const value = readBytes(message, index);
    if (value !== undefined && message.valueOffset(index) + value.length > copy.length) {
      throw new Error('value outside of the message');
    }
  }
  verifyIntegrity(message, KEY);
  verifyIntegritySha256(message, KEY);
  if (Buffer.compare(copy, bytes) !== 0) throw new Error('the borrowed bytes were written');
  return isMessage;
}

/** A vector with a few bytes changed behind its cookie, cut or stretched, with its FINGERPRINT put right now and then. */
function mutant(random: (below: number) => number): Uint8Array {
  const vector = vectors[random(vectors.length)] ?? REQUEST;
  const length = random(4) === 0 ? vector.length + (random(9) - 4) * 4 : vector.length;
  const bytes = new Uint8Array(Math.max(length, 20));
  bytes.set(vector.subarray(0, bytes.length));
  for (let change = random(4); change > 0; change--) {
    bytes[random(bytes.length)] = random(3) === 0 ? random(256) : random(32);
  }
  if (random(2) === 0) bytes[3] = bytes.length - 20;
  if (random(2) === 0) {
    const at = bytes.length - 8;
    if (bytes[at] === 0x80 && bytes[at + 1] === 0x28) bytes.set(fingerprintFor(bytes, at), at + 4);
  }
  return bytes;
}

/** The FINGERPRINT that `bytes` need at `at`, computed bit by bit as an oracle. */
function fingerprintFor(bytes: Uint8Array, at: number): Uint8Array {
  let remainder = 0xffffffff;
  for (const byte of bytes.subarray(0, at)) {
    remainder ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      remainder = (remainder >>> 1) ^ (remainder & 1 ? 0xedb88320 : 0);
    }
  }
  const value = Buffer.alloc(4);
  value.writeInt32BE(~remainder ^ 0x5354554e);
  return value;
}

/** Deterministic integers in [0, below): xorshift32. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
