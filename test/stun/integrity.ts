import { createHash, createHmac } from 'node:crypto';
import { crc32 as zlibCrc32 } from 'node:zlib';
import t from 'tap';
import {
  readText,
  readUint32,
  readXorAddress,
  readBytes,
  readPasswordAlgorithms,
} from '../../src/stun/attributes.ts';
import { crc32 } from '../../src/stun/fingerprint.ts';
import {
  equalBytes,
  hmacSha1,
  hmacSha256,
  longTermKey,
  sha256,
  userhash,
  verifyIntegrity,
  verifyIntegritySha256,
} from '../../src/stun/integrity.ts';
import { StunWriter } from '../../src/stun/message-writer.ts';
import { StunMessage } from '../../src/stun/message.ts';
import { ATTRIBUTE, CLASS, METHOD } from '../../src/stun/registry.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';
import {
  hex,
  IPV4_RESPONSE,
  IPV6_RESPONSE,
  LONG_TERM_PASSWORD,
  LONG_TERM_REALM,
  LONG_TERM_REQUEST,
  LONG_TERM_USERNAME,
  REQUEST,
  SHORT_TERM_PASSWORD,
  toHex,
  USERHASH_NONCE,
  USERHASH_REQUEST,
  USERHASH_REQUEST_AS_PRINTED,
} from '../fixtures/stun-vectors.ts';

type Verify = (message: StunMessage, key: Uint8Array) => boolean;
const shortTermKey = new TextEncoder().encode(SHORT_TERM_PASSWORD);
const md5Key = longTermKey(LONG_TERM_USERNAME, LONG_TERM_REALM, LONG_TERM_PASSWORD, 'MD5');
const sha256Key = longTermKey(LONG_TERM_USERNAME, LONG_TERM_REALM, LONG_TERM_PASSWORD, 'SHA-256');
const vectors: { name: string; bytes: Uint8Array; key: Uint8Array; verify: Verify }[] = [
  { name: 'RFC 5769 §2.1', bytes: REQUEST, key: shortTermKey, verify: verifyIntegrity },
  { name: 'RFC 5769 §2.2', bytes: IPV4_RESPONSE, key: shortTermKey, verify: verifyIntegrity },
  { name: 'RFC 5769 §2.3', bytes: IPV6_RESPONSE, key: shortTermKey, verify: verifyIntegrity },
  { name: 'RFC 5769 §2.4', bytes: LONG_TERM_REQUEST, key: md5Key, verify: verifyIntegrity },
  {
    name: 'RFC 8489 B.1, erratum 6268',
    bytes: USERHASH_REQUEST,
    key: sha256Key,
    verify: verifyIntegritySha256,
  },
];
const message = new StunMessage();

for (const { name, bytes, key, verify } of vectors) {
  t.test(`${name}: genuine, and only with its key`, (t) => {
    const before = bytes.slice();
    t.equal(decode(bytes), undefined);
    t.equal(verify(message, key), true);
    t.equal(verify(message, key.slice(1)), false);
    t.equal(verify(message, new Uint8Array(0)), false);
    t.same(bytes, before, 'the borrowed bytes are not written');
    const shifted = new Uint8Array(bytes.length + 12).fill(0xff);
    shifted.set(bytes, 5);
    t.equal(message.decode(shifted, 5, bytes.length), undefined);
    t.equal(verify(message, key), true, 'at another offset');
    t.end();
  });

  t.test(`${name}: every flipped bit is noticed`, (t) => {
    const bare = withoutFingerprint(bytes);
    const unnoticed: number[] = [];
    for (let bit = 0; bit < bare.length * 8; bit++) {
      if (decode(flip(bare, bit)) === undefined && verify(message, key)) unnoticed.push(bit);
    }
    t.equal(decode(bare) === undefined && verify(message, key), true);
    t.same(unnoticed, [], 'by the integrity attribute');

    for (let bit = 0; bit < bytes.length * 8; bit++) {
      if (decode(flip(bytes, bit)) === undefined && verify(message, key)) unnoticed.push(bit);
    }
    // FINGERPRINT's own type is outside of everything: with another one it is an attribute to ignore.
    const fingerprintType = Array.from({ length: 16 }, (_, bit) => bare.length * 8 + bit);
    t.same(unnoticed, bare.length === bytes.length ? [] : fingerprintType);
    t.end();
  });

  t.test(`${name}: no truncation is accepted`, (t) => {
    for (let length = 0; length < bytes.length; length++) {
      const expected = length < 20 ? 'tooShort' : 'badLength';
      t.equal(message.decode(bytes, 0, length), expected);
      t.equal(message.attributeCount, 0);
    }
    t.end();
  });
}

t.test('content of the RFC 5769 vectors', (t) => {
  decode(REQUEST);
  t.equal(message.method, METHOD.BINDING);
  t.equal(message.messageClass, CLASS.REQUEST);
  t.equal(message.hasFingerprint, true);
  t.equal(message.attributeCount, 6);
  t.same(message.copyTransactionId(), hex('b7e7a701bc34d686fa87dfae'));
  t.equal(readText(message, message.find(ATTRIBUTE.SOFTWARE), 128), 'STUN test client');
  t.equal(readText(message, message.find(ATTRIBUTE.USERNAME), 128), 'evtj:h6vY');
  t.equal(readUint32(message, message.find(ATTRIBUTE.PRIORITY)), 0x6e0001ff);
  t.same(readBytes(message, message.find(ATTRIBUTE.ICE_CONTROLLED)), hex('932ff9b151263b36'));

  const address = new TransportAddress();
  decode(IPV4_RESPONSE);
  t.equal(message.messageClass, CLASS.SUCCESS);
  t.equal(readText(message, message.find(ATTRIBUTE.SOFTWARE), 128), 'test vector');
  t.ok(readXorAddress(message, message.find(ATTRIBUTE.XOR_MAPPED_ADDRESS), address));
  t.equal(address.toString(), '192.0.2.1:32853');
  decode(IPV6_RESPONSE);
  t.ok(readXorAddress(message, message.find(ATTRIBUTE.XOR_MAPPED_ADDRESS), address));
  t.equal(address.toString(), '[2001:db8:1234:5678:11:2233:4455:6677]:32853');

  decode(LONG_TERM_REQUEST);
  t.equal(message.hasFingerprint, false);
  t.equal(readText(message, message.find(ATTRIBUTE.USERNAME), 508), LONG_TERM_USERNAME);
  t.equal(readText(message, message.find(ATTRIBUTE.NONCE), 508), 'f//499k954d6OL34oL9FSTvy64sA');
  t.equal(readText(message, message.find(ATTRIBUTE.REALM), 508), LONG_TERM_REALM);
  t.end();
});

t.test('vectors are written as printed', (t) => {
  const id = hex('78ad3433c6ad72c029da412e');
  const writer = new StunWriter(new Uint8Array(256).fill(0xff));
  writer
    .begin(METHOD.BINDING, CLASS.REQUEST, id)
    .text(ATTRIBUTE.USERNAME, LONG_TERM_USERNAME)
    .text(ATTRIBUTE.NONCE, 'f//499k954d6OL34oL9FSTvy64sA')
    .text(ATTRIBUTE.REALM, LONG_TERM_REALM)
    .integrity(md5Key);
  t.same(writer.written(), LONG_TERM_REQUEST);
  writer
    .begin(METHOD.BINDING, CLASS.REQUEST, id)
    .attribute(ATTRIBUTE.USERHASH, hex(userhash(LONG_TERM_USERNAME, LONG_TERM_REALM)))
    .text(ATTRIBUTE.NONCE, USERHASH_NONCE)
    .text(ATTRIBUTE.REALM, LONG_TERM_REALM)
    .passwordAlgorithm('SHA-256')
    .integritySha256(sha256Key);
  t.same(writer.written(), USERHASH_REQUEST);
  decode(USERHASH_REQUEST);
  t.same(readPasswordAlgorithms(message, message.find(ATTRIBUTE.PASSWORD_ALGORITHM)), [
    { number: 2, parameters: new Uint8Array(0) },
  ]);
  // The printed vectors pad with spaces, so that only FINGERPRINT over their bytes can be repeated.
  for (const bytes of [REQUEST, IPV4_RESPONSE, IPV6_RESPONSE]) {
    const copy = bytes.slice();
    const again = new StunWriter(copy).begin(METHOD.BINDING, bytes[0] === 1 ? 2 : 0, bytes, 8);
    again.reserve(0, bytes.length - 20 - 8 - 4);
    copy.set(bytes.subarray(20, -8), 20);
    t.same(again.fingerprint().written(), bytes);
  }
  t.end();
});

t.test('RFC 8489 B.1 as printed holds for its wrong length only', (t) => {
  const bytes = USERHASH_REQUEST_AS_PRINTED;
  t.equal(decode(bytes), 'badLength');
  t.equal(toHex(hmacSha256(sha256Key, bytes.subarray(0, -36))), toHex(bytes.subarray(-32)));
  t.equal(userhash(LONG_TERM_USERNAME, LONG_TERM_REALM), toHex(bytes.subarray(24, 56)));
  t.end();
});

t.test('long-term keys', (t) => {
  const hexKey = (...[username, realm, password, algorithm]: Parameters<typeof longTermKey>) =>
    toHex(longTermKey(username, realm, password, algorithm));
  t.equal(hexKey('user', 'realm', 'pass', 'MD5'), '8493fbc53ba582fb4c044c456bdc40eb');
  const oracle = createHash('sha256').update('user:realm:pass').digest('hex');
  t.equal(hexKey('user', 'realm', 'pass', 'SHA-256'), oracle);

  const printable = String.fromCharCode(...Array.from({ length: 95 }, (_, index) => index + 32));
  const raw = createHash('md5').update(`${printable}:${printable}:${printable}`).digest('hex');
  t.equal(hexKey(printable, printable, printable, 'MD5'), raw, 'ASCII is taken as it is');

  const same: [string, string, string][] = [
    ['decomposed', 'e\u0301', '\u00e9'],
    ['no-break space', 'a\u00a0b', 'a b'],
    ['ideographic space', 'a\u3000b', 'a b'],
  ];
  for (const [name, text, prepared] of same) {
    for (const algorithm of ['MD5', 'SHA-256'] as const) {
      const expected = hexKey(prepared, prepared, prepared, algorithm);
      t.equal(hexKey(text, text, text, algorithm), expected, name);
    }
    t.equal(userhash(text, text), userhash(prepared, prepared), name);
  }
  t.not(hexKey('\u2168', 'r', 'p', 'MD5'), hexKey('IX', 'r', 'p', 'MD5'), 'NFC, not NFKC');
  t.not(hexKey('U', 'r', 'p', 'MD5'), hexKey('u', 'r', 'p', 'MD5'), 'case is kept');
  t.end();
});

t.test('hashes and comparison', (t) => {
  const key = hex('0b0b');
  const data = new TextEncoder().encode('data');
  t.same(hmacSha1(key, data), createHmac('sha1', key).update(data).digest());
  t.same(hmacSha1('key', 'data'), createHmac('sha1', 'key').update('data').digest());
  t.same(hmacSha256(key, data), createHmac('sha256', key).update(data).digest());
  t.same(sha256(data), createHash('sha256').update('data').digest());
  t.equal(equalBytes(hex('0102'), hex('0102')), true);
  t.equal(equalBytes(hex('0102'), hex('0103')), false);
  t.equal(equalBytes(hex('0102'), hex('010203')), false);
  t.equal(equalBytes(hex(''), hex('')), true);
  t.end();
});

t.test('CRC-32', (t) => {
  const digits = new TextEncoder().encode('x123456789x');
  t.equal(crc32(digits, 1, 10) >>> 0, 0xcbf43926, 'check value');
  t.equal(crc32(digits, 0, 0), 0);
  for (const { bytes } of vectors) {
    t.equal(crc32(bytes, 0, bytes.length) >>> 0, zlibCrc32(bytes));
  }
  t.end();
});

t.test('an integrity attribute of another length never verifies', (t) => {
  const writer = new StunWriter(new Uint8Array(512));
  const cases = [
    { type: ATTRIBUTE.MESSAGE_INTEGRITY, verify: verifyIntegrity, hash: 'sha1' },
    { type: ATTRIBUTE.MESSAGE_INTEGRITY_SHA256, verify: verifyIntegritySha256, hash: 'sha256' },
  ] as const;
  for (const { type, verify, hash } of cases) {
    const accepted: number[] = [];
    for (let length = 0; length <= 64; length++) {
      writer.begin(METHOD.ALLOCATE, CLASS.REQUEST, new Uint8Array(12)).text(ATTRIBUTE.REALM, 'r');
      writer.reserve(type, length);
      const bytes = writer.written();
      const start = bytes.length - ((length + 3) & ~3);
      const mac = createHmac(hash, md5Key)
        .update(bytes.subarray(0, start - 4))
        .digest();
      bytes.set(mac.subarray(0, length), start);
      t.equal(decode(bytes), undefined);
      if (verify(message, md5Key)) accepted.push(length);
    }
    t.same(accepted, [hash === 'sha1' ? 20 : 32]);
  }
  t.end();
});

t.test('only what an integrity attribute covers, and the one behind it, is visible', (t) => {
  const { MESSAGE_INTEGRITY: sha1, MESSAGE_INTEGRITY_SHA256: sha2 } = ATTRIBUTE;
  const smuggled = (writer: StunWriter): StunWriter =>
    writer
      .uint32(ATTRIBUTE.LIFETIME, 0)
      .xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, new TransportAddress())
      .uint16(ATTRIBUTE.CHANNEL_NUMBER, 0x4000, 4)
      .errorCode(500)
      .flag(0x7fff);
  const cases: [string, (writer: StunWriter) => StunWriter, number[], [boolean, boolean]][] = [
    ['sha1', (w) => smuggled(w.integrity(md5Key)), [sha1], [true, false]],
    ['sha256', (w) => smuggled(w.integritySha256(md5Key)), [sha2], [false, true]],
    [
      'both',
      (w) => smuggled(smuggled(w.integrity(md5Key)).integritySha256(md5Key)),
      [sha1, sha2],
      [true, true],
    ],
    ['wrong order', (w) => w.integritySha256(md5Key).integrity(md5Key), [sha2], [false, true]],
    [
      'sha256 twice',
      (w) => w.integritySha256(md5Key).integritySha256(md5Key),
      [sha2],
      [false, true],
    ],
    ['twice', (w) => w.integrity(md5Key).integrity(md5Key), [sha1], [true, false]],
    [
      'fake first',
      (w) => w.attribute(sha1, new Uint8Array(20)).integrity(md5Key),
      [sha1],
      [false, false],
    ],
  ];
  for (const [name, add, types, verified] of cases) {
    for (const hasFingerprint of [false, true]) {
      const writer = new StunWriter(new Uint8Array(512).fill(0xaa));
      add(
        writer
          .begin(METHOD.REFRESH, CLASS.REQUEST, new Uint8Array(12))
          .text(ATTRIBUTE.USERNAME, 'user'),
      );
      if (hasFingerprint) writer.fingerprint();
      t.equal(decode(writer.written()), undefined, name);
      const seen = Array.from({ length: message.attributeCount }, (_, i) => message.typeAt(i));
      const end = hasFingerprint ? [ATTRIBUTE.FINGERPRINT] : [];
      t.same(seen, [ATTRIBUTE.USERNAME, ...types, ...end], name);
      t.equal(message.hasFingerprint, hasFingerprint);
      t.same([verifyIntegrity(message, md5Key), verifyIntegritySha256(message, md5Key)], verified);
      t.equal(message.find(ATTRIBUTE.LIFETIME), -1);
      t.same(
        message.unknownComprehensionRequired(() => true),
        [],
      );
      t.notOk(message.unknownComprehensionRequired(() => false).includes(0x7fff));
    }
  }
  t.end();
});

function decode(bytes: Uint8Array): string | undefined {
  return message.decode(bytes, 0, bytes.length);
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3]! ^= 0x80 >> (bit & 7);
  return copy;
}

function withoutFingerprint(bytes: Uint8Array): Uint8Array {
  decode(bytes);
  if (!message.hasFingerprint) return bytes;
  const copy = bytes.slice(0, -8);
  copy[3]! -= 8;
  return copy;
}
