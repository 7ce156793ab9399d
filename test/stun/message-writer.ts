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
import { StunWriter } from '../../src/stun/message-writer.ts';
import { StunMessage } from '../../src/stun/message.ts';
import { ATTRIBUTE, CLASS, ERROR_REASON, METHOD } from '../../src/stun/registry.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';
import { hex } from '../fixtures/stun-vectors.ts';

const ID = hex('000102030405060708090a0b');
const message = new StunMessage();

t.test('each attribute has the bytes that its RFC draws', (t) => {
  const ipv4 = TransportAddress.parse('192.0.2.1', 32853)!;
  const ipv6 = TransportAddress.parse('2001:db8::1', 1)!;
  const cases: [string, (writer: StunWriter) => StunWriter, string][] = [
    ['flag', (w) => w.flag(ATTRIBUTE.DONT_FRAGMENT), '001a 0000'],
    ['uint8', (w) => w.uint8(ATTRIBUTE.EVEN_PORT, 0x80), '0018 0001 80 000000'],
    ['uint8 of 4', (w) => w.uint8(ATTRIBUTE.REQUESTED_TRANSPORT, 17, 4), '0019 0004 11 000000'],
    ['uint16', (w) => w.uint16(ATTRIBUTE.RESPONSE_PORT, 0xffff), '0027 0002 ffff 0000'],
    ['uint16 of 4', (w) => w.uint16(ATTRIBUTE.CHANNEL_NUMBER, 0x4001, 4), '000c 0004 4001 0000'],
    ['uint32', (w) => w.uint32(ATTRIBUTE.LIFETIME, 0xffffffff), '000d 0004 ffffffff'],
    ['text', (w) => w.text(ATTRIBUTE.SOFTWARE, 'h\u00e9'), '8022 0003 68c3a9 00'],
    ['empty text', (w) => w.text(ATTRIBUTE.REALM, ''), '0014 0000'],
    ['value', (w) => w.attribute(ATTRIBUTE.DATA, hex('0102030405')), '0013 0005 0102030405 000000'],
    ['part', (w) => w.attribute(ATTRIBUTE.DATA, hex('0102030405'), 1, 3), '0013 0003 020304 00'],
    ['rest', (w) => w.attribute(ATTRIBUTE.DATA, hex('0102030405'), 3), '0013 0002 0405 0000'],
    ['IPv4', (w) => w.address(ATTRIBUTE.MAPPED_ADDRESS, ipv4), '0001 0008 0001 8055 c0000201'],
    [
      'IPv6',
      (w) => w.address(ATTRIBUTE.MAPPED_ADDRESS, ipv6),
      '0001 0014 0002 0001 20010db8 00000000 00000000 00000001',
    ],
    [
      'XOR IPv4',
      (w) => w.xorAddress(ATTRIBUTE.XOR_MAPPED_ADDRESS, ipv4),
      '0020 0008 0001 a147 e112a643',
    ],
    [
      'XOR IPv6',
      (w) => w.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, ipv6),
      '0012 0014 0002 2113 0113a9fa 00010203 04050607 08090a0a',
    ],
    ['error', (w) => w.errorCode(438), '0009 000f 00000426 5374616c65204e6f6e6365 00'],
    ['error, own reason', (w) => w.errorCode(699, 'x'), '0009 0005 00000663 78 000000'],
    ['error, no reason', (w) => w.errorCode(300, ''), '0009 0004 00000300'],
    ['unknown error', (w) => w.errorCode(555), '0009 0004 00000537'],
    ['unknown', (w) => w.unknownAttributes([0x7fff, 1, 2]), '000a 0006 7fff 0001 0002 0000'],
    ['none unknown', (w) => w.unknownAttributes([]), '000a 0000'],
    [
      'algorithms',
      (w) => w.passwordAlgorithms(['SHA-256', 'MD5']),
      '8002 0008 0002 0000 0001 0000',
    ],
    ['algorithm', (w) => w.passwordAlgorithm('MD5'), '001d 0004 0001 0000'],
  ];
  for (const [name, add, expected] of cases) {
    const dirty = new Uint8Array(200).fill(0xff);
    const writer = add(new StunWriter(dirty).begin(METHOD.BINDING, CLASS.SUCCESS, ID));
    const bytes = writer.written();
    const length = hex(expected).length.toString(16).padStart(4, '0');
    t.same(bytes, hex(`0101 ${length} 2112a442 000102030405060708090a0b ${expected}`), name);
    t.equal(writer.finish(), bytes.length);
    t.equal(message.decode(bytes, 0, bytes.length), undefined);
    t.ok(
      dirty.subarray(bytes.length).every((byte) => byte === 0xff),
      'nothing behind is touched',
    );
  }
  t.end();
});

t.test('readers give back what was written', (t) => {
  const writer = new StunWriter(new Uint8Array(1000));
  writer
    .begin(METHOD.ALLOCATE, CLASS.ERROR, ID)
    .uint8(ATTRIBUTE.EVEN_PORT, 0x80)
    .uint8(ATTRIBUTE.REQUESTED_TRANSPORT, 17, 4)
    .uint16(ATTRIBUTE.CHANNEL_NUMBER, 0x4fff, 4)
    .uint32(ATTRIBUTE.LIFETIME, 0x80000000)
    .text(ATTRIBUTE.USERNAME, '\ufeff\u30de\ud83d\ude00')
    .unknownAttributes([1, 0x7fff])
    .passwordAlgorithms(['MD5', 'SHA-256'])
    .attribute(ATTRIBUTE.RESERVATION_TOKEN, ID, 0, 8);
  message.decode(writer.written(), 0, writer.finish());
  const at = (name: keyof typeof ATTRIBUTE): number => message.find(ATTRIBUTE[name]);
  t.equal(readUint8(message, at('EVEN_PORT')), 0x80);
  t.equal(readUint8(message, at('EVEN_PORT'), 4), undefined);
  t.equal(readUint8(message, at('REQUESTED_TRANSPORT'), 4), 17);
  t.equal(readUint8(message, at('REQUESTED_TRANSPORT')), undefined);
  t.equal(readUint16(message, at('CHANNEL_NUMBER'), 4), 0x4fff);
  t.equal(readUint16(message, at('CHANNEL_NUMBER')), undefined);
  t.equal(readUint32(message, at('LIFETIME')), 0x80000000);
  t.equal(readUint32(message, at('EVEN_PORT')), undefined);
  t.equal(readText(message, at('USERNAME'), 10), '\ufeff\u30de\ud83d\ude00');
  t.equal(readText(message, at('USERNAME'), 9), undefined);
  t.same(readUnknownAttributes(message, at('UNKNOWN_ATTRIBUTES')), [1, 0x7fff]);
  t.same(
    readPasswordAlgorithms(message, at('PASSWORD_ALGORITHMS'))?.map(({ number }) => number),
    [1, 2],
  );
  t.same(readBytes(message, at('RESERVATION_TOKEN')), ID.subarray(0, 8));

  for (const [code, reason] of Object.entries(ERROR_REASON)) {
    writer.begin(METHOD.ALLOCATE, CLASS.ERROR, ID).errorCode(Number(code));
    message.decode(writer.written(), 0, writer.finish());
    t.same(readErrorCode(message, 0), { code: Number(code), reason });
  }
  const addresses = ['0.0.0.0', '255.255.255.255', '33.18.164.66', '::', '::1', 'ff02::fb'];
  for (const ip of [...addresses, '::ffff:192.0.2.1', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff']) {
    for (const port of [0, 1, 0x2112, 0xffff]) {
      const address = TransportAddress.parse(ip, port)!;
      writer.begin(METHOD.BINDING, CLASS.SUCCESS, ID.toReversed());
      writer.address(1, address).xorAddress(2, address);
      message.decode(writer.written(), 0, writer.finish());
      const plain = new TransportAddress();
      const masked = new TransportAddress().setIpv6(9, 9, 9, 9, 9);
      t.ok(readAddress(message, 0, plain) && plain.equals(address));
      t.ok(readXorAddress(message, 1, masked) && masked.equals(address), address.toString());
    }
  }
  t.end();
});

t.test('malformed values are refused', (t) => {
  const into = TransportAddress.parse('192.0.2.9', 9)!;
  type Read = (index: number) => unknown;
  const error: Read = (index) => readErrorCode(message, index);
  const unknown: Read = (index) => readUnknownAttributes(message, index);
  const algorithms: Read = (index) => readPasswordAlgorithms(message, index);
  const text: Read = (index) => readText(message, index, 763);
  const xor: Read = (index) => readXorAddress(message, index, into) || undefined;
  const plain: Read = (index) => readAddress(message, index, into) || undefined;
  const cases: [string, Read, string][] = [
    ['error too short', error, '000004'],
    ['error class 2', error, '00000200'],
    ['error class 7', error, '00000700'],
    ['error number 100', error, '00000464'],
    ['error reason not UTF-8', error, '00000400ff'],
    ['unknown odd', unknown, '000100'],
    ['algorithms empty', algorithms, ''],
    ['algorithm cut off', algorithms, '0001'],
    ['parameters cut off', algorithms, '0001000401'],
    ['second algorithm cut off', algorithms, '000100000002'],
    ['overlong UTF-8', text, 'c080'],
    ['surrogate', text, 'eda080'],
    ['cut off UTF-8', text, 'e383'],
    ['Latin-1', text, 'e9'],
    ['764 bytes', text, '61'.repeat(764)],
    ['empty address', plain, ''],
    ['IPv4 of 7', plain, '00010000010203'],
    ['IPv4 of 12', xor, '000100000102030400000000'],
    ['IPv4 of 20', xor, `00010000${'00'.repeat(16)}`],
    ['IPv6 of 8', xor, '0002000001020304'],
    ['IPv6 of 24', plain, `00020000${'00'.repeat(20)}`],
    ['family 0', xor, '0000000001020304'],
    ['family 3', plain, `00030000${'00'.repeat(16)}`],
  ];
  const writer = new StunWriter(new Uint8Array(900));
  for (const [name, read, value] of cases) {
    writer.begin(METHOD.ALLOCATE, CLASS.REQUEST, ID).attribute(0x7000, hex(value));
    message.decode(writer.written(), 0, writer.finish());
    t.equal(message.attributeCount, 1);
    t.equal(read(0), undefined, name);
  }
  t.equal(into.toString(), '192.0.2.9:9', 'a refused address changes nothing');

  const tolerated: [string, Read, string, unknown][] = [
    ['reserved bits of ERROR-CODE', error, 'fffffd0061', { code: 500, reason: 'a' }],
    ['first byte of an address', plain, 'ff01000101020304', true],
    ['763 bytes', text, '61'.repeat(763), 'a'.repeat(763)],
    ['no bytes', text, '', ''],
    [
      'unknown algorithm with parameters, padded',
      algorithms,
      '00090001aa000000 00020000',
      [
        { number: 9, parameters: hex('aa') },
        { number: 2, parameters: hex('') },
      ],
    ],
    ['last parameters unpadded', algorithms, '00090001aa', [{ number: 9, parameters: hex('aa') }]],
  ];
  for (const [name, read, value, expected] of tolerated) {
    writer.begin(METHOD.ALLOCATE, CLASS.REQUEST, ID).attribute(0x7000, hex(value));
    message.decode(writer.written(), 0, writer.finish());
    t.same(read(0), expected, name);
  }
  t.end();
});

t.test('nothing is written beyond the target', (t) => {
  const bytes = new Uint8Array(64).fill(0xee);
  const room: [number, (writer: StunWriter) => void][] = [
    [20, () => undefined],
    [24, (w) => w.flag(1)],
    [28, (w) => w.uint8(1, 1)],
    [28, (w) => w.uint32(1, 1)],
    [28, (w) => w.attribute(1, ID, 0, 1)],
    [32, (w) => w.xorAddress(1, new TransportAddress())],
    [44, (w) => w.integrity(ID)],
    [56, (w) => w.integritySha256(ID)],
    [28, (w) => w.fingerprint()],
    [28, (w) => w.text(1, 'abc')],
    [28, (w) => w.unknownAttributes([1])],
    [28, (w) => w.passwordAlgorithms(['MD5'])],
    [36, (w) => w.errorCode(400, 'Bad requ')],
  ];
  for (const [length, add] of room) {
    const end = 3 + length;
    const write = (writer: StunWriter): void => add(writer.begin(1, CLASS.REQUEST, ID));
    write(new StunWriter(bytes, 3, end));
    t.throws(() => write(new StunWriter(bytes, 3, end - 1)), RangeError);
    t.ok(bytes.subarray(end).every((byte) => byte === 0xee));
    t.same(bytes.subarray(0, 3), hex('eeeeee'));
    bytes.fill(0xee);
  }
  t.throws(() => new StunWriter(bytes, 0, 65), RangeError);
  t.throws(() => new StunWriter(bytes, -1), RangeError);
  t.end();
});

t.test('values that do not fit their field are bugs', (t) => {
  const large = new StunWriter(new Uint8Array(200_000));
  const begin = (): StunWriter => large.begin(METHOD.BINDING, CLASS.REQUEST, ID);
  const wrongPort = new TransportAddress().setIpv4(0, 65536);
  const cases: (() => unknown)[] = [
    () => large.begin(0x1000, CLASS.REQUEST, ID),
    () => large.begin(-1, CLASS.REQUEST, ID),
    () => large.begin(1, CLASS.REQUEST, ID, 1),
    () => large.begin(1, CLASS.REQUEST, new Uint8Array(11)),
    () => begin().flag(0x10000),
    () => begin().uint8(1, 256),
    () => begin().uint8(1, -1),
    () => begin().uint8(1, 1, 0),
    () => begin().uint16(1, 0x10000),
    () => begin().uint16(1, 1, 1),
    () => begin().uint32(1, 2 ** 32),
    () => begin().uint32(1, Number.NaN),
    () => begin().unknownAttributes([1, 0x10000]),
    () => begin().errorCode(299),
    () => begin().errorCode(700),
    () => begin().address(1, wrongPort),
    () => begin().xorAddress(1, wrongPort),
    () => begin().attribute(1, ID, 6, 7),
    () => begin().attribute(1, ID, -1, 2),
    () => begin().attribute(1, ID, 13),
    () => begin().attribute(1, new Uint8Array(0x10000)),
    () => begin().reserve(1, -1),
    () => begin().attribute(1, new Uint8Array(0xffff)),
    () => begin().attribute(1, new Uint8Array(65_528)).flag(1),
  ];
  for (const use of cases) t.throws(use, RangeError, String(use));

  const full = new StunWriter(new Uint8Array(24)).begin(1, CLASS.REQUEST, ID).flag(1);
  t.throws(() => full.integrity(ID), RangeError);
  t.throws(() => full.fingerprint(), RangeError);
  t.throws(() => full.attribute(1, new Uint8Array(1)), RangeError);
  t.same(full.written(), hex(`0001 0004 2112a442 000102030405060708090a0b 00010000`), 'unchanged');
  begin().attribute(1, new Uint8Array(65_528));
  t.equal(large.finish(), 20 + 65_532);
  t.equal(message.decode(large.written(), 0, large.finish()), undefined);
  t.end();
});

t.test('the target may be an arena that also holds the payload', (t) => {
  const arena = Buffer.alloc(300, 0xdd);
  arena.set(hex('0102030405'), 200);
  const writer = new StunWriter(new Uint8Array(0)).target(arena, 40, 120);
  writer.begin(METHOD.DATA, CLASS.INDICATION, arena, 40).attribute(ATTRIBUTE.DATA, arena, 200, 5);
  t.equal(message.decode(arena, 40, writer.finish()), undefined);
  t.same(readBytes(message, 0), Buffer.from('0102030405', 'hex'));

  const at = writer.begin(METHOD.DATA, CLASS.INDICATION, ID).reserve(ATTRIBUTE.DATA, 3);
  t.equal(at, 64);
  t.same([...arena.subarray(at, at + 4)], [1, 2, 3, 0], 'a reserved value stays, its padding not');
  const written = writer.written();
  arena.fill(0);
  t.same(written.subarray(0, 4), hex('0017 0008'), 'written() is a copy even of a Buffer');
  t.end();
});
