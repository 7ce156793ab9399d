import t from 'tap';
import {
  ClientHello,
  hasForgedRecord,
  isClientHello,
  recordLength,
  writeHelloVerifyRequest,
} from '../../src/net/reactor/secure/client-hello.ts';
import { DtlsCookies } from '../../src/net/reactor/secure/dtls-cookies.ts';
import {
  readAlpnProtocols,
  readServerName,
} from '../../src/net/reactor/secure/hello-extensions.ts';
import { HelloLength } from '../../src/net/reactor/secure/hello-length.ts';
import { HandshakeGate } from '../../src/net/shared/handshake-gate.ts';
import { HANDSHAKES_PENDING_MAX } from '../../src/limits.ts';
import type { MonotonicMs } from '../../src/turn/policy.ts';
import { addressFrom } from '../support/turn-client.ts';

const NOW = 1_000_000 as MonotonicMs;
const CLIENT = addressFrom('192.0.2.1', 5000);
const COOKIE = '00112233445566778899aabbccddeeff';

/** What OpenSSL 3.0 sends first, then again with the cookie of the answer between them. */
const FIRST_HELLO =
  '16feff000000000000000000870100007b000000000000007bfefdc12cfa81c98c7a7f99d4d54f25bee237' +
  '8200b7a0ddaf9388a2afc319fe9f1a3a00000004c02b00ff0100004d0000001500130000107475726e2e65' +
  '78616d706c652e6f7267000b000403000102000a00040002001d002300000010000c000a097374756e2e74' +
  '75726e0016000000170000000d000400020403';
const HELLO_VERIFY_REQUEST = `16feff0000000000000000001f030000130000000000000013feff10${COOKIE}`;
const SECOND_HELLO =
  '16feff000000000000000100970100008b000100000000008bfefdc12cfa81c98c7a7f99d4d54f25bee237' +
  `8200b7a0ddaf9388a2afc319fe9f1a3a0010${COOKIE}0004c02b00ff0100004d0000001500130000107475` +
  '726e2e6578616d706c652e6f7267000b000403000102000a00040002001d002300000010000c000a097374' +
  '756e2e7475726e0016000000170000000d000400020403';
const RANDOM = 'c12cfa81c98c7a7f99d4d54f25bee2378200b7a0ddaf9388a2afc319fe9f1a3a';

t.test('ClientHello: vectors', (t) => {
  const first = helloFrom(FIRST_HELLO)!;
  t.equal(first.cookieLength, 0);
  t.equal(Buffer.from(first.copyRandom()).toString('hex'), RANDOM);
  const second = helloFrom(SECOND_HELLO)!;
  t.equal(cookieOf(second), COOKIE);
  t.equal(Buffer.from(second.copyRandom()).toString('hex'), RANDOM);
  t.end();
});

t.test('ClientHello: what is not one, or not one in one piece', (t) => {
  const whole = Buffer.from(SECOND_HELLO, 'hex');
  for (let length = 0; length < whole.length; length++) {
    t.notOk(new ClientHello().read(whole, 0, length), `cut at ${length}`);
  }
  const followed = Buffer.concat([whole, Buffer.from('17fefd00010000000000010001ff', 'hex')]);
  t.ok(isClientHello(followed, 0, followed.length));
  t.notOk(new ClientHello().read(followed, 0, followed.length), 'followed by another record');
  t.ok(new ClientHello().read(followed, 0, whole.length), 'alone');
  for (const [name, offset, value] of [
    ['application data', 0, 23],
    ['encrypted', 4, 1],
    ['another handshake message', 13, 2],
  ] as const) {
    const changed = Buffer.from(whole);
    changed[offset] = value;
    t.notOk(isClientHello(changed, 0, changed.length), name);
    t.notOk(new ClientHello().read(changed, 0, changed.length), name);
  }
  const longSession = Buffer.from(whole);
  longSession[13 + 12 + 34] = 255;
  t.notOk(
    new ClientHello().read(longSession, 0, longSession.length),
    'a session id beyond the end',
  );
  const longCookie = Buffer.from(whole);
  longCookie[13 + 12 + 35] = 255;
  t.notOk(new ClientHello().read(longCookie, 0, longCookie.length), 'a cookie beyond the end');
  t.end();
});

t.test('HelloVerifyRequest: vector', (t) => {
  const into = Buffer.alloc(100, 0xee);
  const hello = helloFrom(FIRST_HELLO)!;
  const length = writeHelloVerifyRequest(into, 10, hello, Buffer.from(COOKIE, 'hex'));
  t.equal(into.subarray(10, 10 + length).toString('hex'), HELLO_VERIFY_REQUEST);
  t.equal(recordLength(into, 10), length);
  t.ok(length < 13 + 12 + 2 + 32 + 1 + 1 + 4 + 2, 'shorter than the shortest hello');
  t.end();
});

t.test('hasForgedRecord', (t) => {
  const record = (type: number, epoch: number, length: number): Buffer =>
    Buffer.concat([
      Buffer.of(type, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 1, 0, length),
      Buffer.alloc(length),
    ]);
  const min = 24;
  const [alert, handshake, whole, short] = [
    record(21, 0, 2),
    record(22, 0, 12),
    record(23, 1, min),
    record(23, 1, min - 1),
  ];
  const cases: [string, readonly Uint8Array[], boolean][] = [
    ['nothing', [], false],
    ['a handshake record', [handshake], false],
    ['an alert without protection', [alert], true],
    ['behind a handshake record', [handshake, alert], true],
    ['behind an encrypted record', [whole, alert], true],
    ['in front of an encrypted record', [alert, whole], true],
    ['an encrypted alert', [record(21, 1, min)], false],
    ['an encrypted record that is too short', [short], true],
    ['one without content', [record(23, 1, 0)], true],
    ['of a later epoch', [record(23, 2, min - 1)], true],
    ['behind two that are not', [handshake, whole, short], true],
    ['encrypted records', [whole, whole, record(22, 1, 200)], false],
    ['less than the header of a record', [alert.subarray(0, 12)], false],
    ['an alert that is cut off', [whole, alert.subarray(0, 13)], true],
    ['a record that claims more than there is', [record(23, 1, 60).subarray(0, 30), alert], false],
  ];
  for (const [what, records, isForged] of cases) {
    const bytes = Buffer.concat([Buffer.alloc(2, 0xee), ...records, alert]);
    const length = bytes.length - 2 - alert.length;
    t.equal(hasForgedRecord(bytes, 2, length, min), isForged, what);
  }
  t.end();
});

t.test('HelloLength', (t) => {
  const hello = (length: number): Buffer => {
    const header = Buffer.from('1603010200010000000303', 'hex');
    header.writeUIntBE(length, 6, 3);
    return Buffer.concat([header, Buffer.alloc(100, 0xff)]);
  };
  for (const [length, isAdmitted] of [
    [0, true],
    [508, true],
    [16 * 1024, true],
    [16 * 1024 + 1, false],
    [131_000, false],
    [0xffffff, false],
  ] as const) {
    for (const size of [1, 2, 5, 8, 9, 10, 1000]) {
      t.equal(admitsInPieces(hello(length), size), isAdmitted, `${length} in pieces of ${size}`);
    }
  }
  const length = new HelloLength();
  t.ok(length.admits(hello(508), 0, 11));
  t.ok(length.admits(hello(131_000), 0, 11), 'what comes behind the hello does not matter');
  t.end();
});

t.test('DtlsCookies: for one client, one hello and a minute at most', (t) => {
  const cookies = new DtlsCookies();
  const hello = helloFrom(FIRST_HELLO)!;
  const cookie = Buffer.from(cookies.issue(CLIENT, hello, NOW)).toString('hex');
  const answer = helloFrom(SECOND_HELLO.replace(COOKIE, cookie))!;
  const later = (ms: number): MonotonicMs => (NOW + ms) as MonotonicMs;
  t.ok(cookies.verify(CLIENT, answer, NOW), 'at once');
  t.ok(cookies.verify(CLIENT, answer, later(30_000)), 'in the next window');
  t.notOk(cookies.verify(CLIENT, answer, later(60_000)), 'after that');
  t.notOk(cookies.verify(addressFrom('192.0.2.1', 5001), answer, NOW), 'another port');
  t.notOk(cookies.verify(addressFrom('192.0.2.2', 5000), answer, NOW), 'another address');
  t.notOk(new DtlsCookies().verify(CLIENT, answer, NOW), 'of another server');
  const other = helloFrom(SECOND_HELLO.replace(COOKIE, cookie).replace(RANDOM, '11'.repeat(32)))!;
  t.notOk(cookies.verify(CLIENT, other, NOW), 'another hello');
  t.notOk(cookies.verify(CLIENT, helloFrom(FIRST_HELLO)!, NOW), 'none');
  t.notOk(cookies.verify(CLIENT, helloFrom(SECOND_HELLO)!, NOW), 'a wrong one');
  t.end();
});

t.test('readServerName', (t) => {
  const cases: [string, string | undefined][] = [
    ['00130000105475726e2e6578616d706c652e6f7267', 'turn.example.org'],
    ['', undefined],
    ['0000', undefined],
    ['00130100107475726e2e6578616d706c652e6f7267', undefined],
    ['0013000011747572', undefined],
  ];
  for (const [hex, name] of cases) t.equal(readServerName(Buffer.from(hex, 'hex')), name, hex);
  t.equal(readServerName(undefined), undefined);
  t.end();
});

t.test('readAlpnProtocols', (t) => {
  const cases: [string, string[]][] = [
    ['000a097374756e2e7475726e', ['stun.turn']],
    ['000d097374756e2e7475726e026832', ['stun.turn', 'h2']],
    ['', []],
    ['0000', []],
    ['000a097374756e', []],
    ['000100', ['']],
  ];
  for (const [hex, names] of cases) {
    const extension = Buffer.from(hex, 'hex');
    const protocols = readAlpnProtocols(extension);
    t.strictSame(
      protocols.map(({ name }) => name),
      names,
      hex,
    );
    for (const { name, offset } of protocols) {
      t.equal(extension.toString('latin1', offset, offset + name.length), name);
    }
  }
  t.end();
});

t.test('HandshakeGate: so many at a time', (t) => {
  const gate = new HandshakeGate(HANDSHAKES_PENDING_MAX * 2, HANDSHAKES_PENDING_MAX * 2);
  for (let count = 0; count < HANDSHAKES_PENDING_MAX; count++) {
    if (!gate.enter(CLIENT, NOW)) t.fail(`refused after ${count}`);
  }
  t.notOk(gate.enter(CLIENT, NOW), 'one too many');
  gate.leave();
  t.equal(gate.pending, HANDSHAKES_PENDING_MAX - 1);
  t.ok(gate.enter(CLIENT, NOW), 'once another is over');
  t.end();
});

t.test('HandshakeGate: so many per second', (t) => {
  const gate = new HandshakeGate(100, 5);
  const entered = Array.from({ length: 10 }, () => gate.enter(CLIENT, NOW)).filter(Boolean);
  t.equal(entered.length, 5);
  t.ok(gate.enter(addressFrom('192.0.2.2', 1), NOW), 'another client');
  t.ok(gate.enter(CLIENT, (NOW + 1000) as MonotonicMs), 'a second later');
  t.equal(gate.pending, 7, 'what was refused does not count');
  t.end();
});

/** True when every piece is admitted. */
function admitsInPieces(bytes: Buffer, size: number): boolean {
  const length = new HelloLength();
  for (let at = 0; at < bytes.length; at += size) {
    if (!length.admits(bytes, at, Math.min(size, bytes.length - at))) return false;
  }
  return true;
}

function helloFrom(hex: string): ClientHello | undefined {
  const bytes = Buffer.from(`eeee${hex}`, 'hex');
  const hello = new ClientHello();
  return hello.read(bytes, 2, bytes.length - 2) ? hello : undefined;
}

function cookieOf({ bytes, cookieOffset, cookieLength }: ClientHello): string {
  return Buffer.from(bytes.subarray(cookieOffset, cookieOffset + cookieLength)).toString('hex');
}
