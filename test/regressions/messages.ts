import type { Test } from 'tap';
import { readErrorCode } from '../../src/stun/attributes.ts';
import { paddedLength, putUint16 } from '../../src/stun/big-endian.ts';
import { StunMessage } from '../../src/stun/message.ts';
import { StunWriter } from '../../src/stun/message-writer.ts';
import { ATTRIBUTE, CLASS, METHOD } from '../../src/stun/registry.ts';
import { StreamFramer } from '../../src/turn/stream-framer.ts';
import { validMessages } from '../support/core/hostile-messages.ts';
import { SeededRandom } from '../support/core/seeded-random.ts';
import { channelData, TestClient, transport, unsigned } from '../support/core/test-client.ts';
import { parseAddress, TurnDriver } from '../support/core/turn-driver.ts';
import { testDefects } from '../support/known-defect.ts';

const ID = new Uint8Array(12).fill(9);
const HEADER_BYTES = 20;
const FRAME_BYTES_MAX = 4096;
const RESPONSES = 10_000;

await testDefects([
  {
    id: 'CVE-2020-6061',
    cause: 'an HTTP POST on the TURN port was parsed beyond its end',
    check: (t) => {
      const body = 'Content-Length: 4294967295\r\n\r\nuname=';
      expectBroken(t, `POST /login HTTP/1.1\r\n${body}`);
      expectBroken(t, 'POST');
    },
  },
  {
    id: 'CVE-2020-6062',
    cause: 'an HTTP POST without what was expected of it ended the process',
    check: (t) => expectBroken(t, 'POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n'),
  },
  {
    id: 'CVE-2018-4056',
    cause: 'the web page for administrators on the TURN port put what was sent into SQL',
    check: (t) => {
      expectBroken(t, "GET /?uname=' OR 1=1 -- HTTP/1.1\r\n\r\n");
      const driver = new TurnDriver();
      const client = new TestClient(driver);
      for (const username of ["' OR 1=1 --", "alice';--", 'alice"', "alice' UNION SELECT 1"]) {
        t.equal(client.allocate(undefined, { username })?.outcome, 401, username);
      }
    },
  },
  {
    id: 'CVE-2020-4067',
    cause: 'padding of answers held what was in the buffer before',
    check: (t) => {
      const driver = new TurnDriver();
      const client = new TestClient(driver);
      // Long messages without a zero byte first, which a buffer that is used again would remember.
      const noise = 'x'.repeat(700);
      for (let count = 0; count < 20; count++) client.allocate(undefined, { username: noise });
      for (const message of validMessages(client)) client.receive(message);
      client.allocate();
      for (let index = 0; index < 20; index++) client.request(METHOD.REFRESH, (w) => w.flag(index));
      let padded = 0;
      const dirty = driver.sent.filter(({ bytes }) => {
        const padding = paddingOf(bytes);
        padded += padding.length;
        return padding.some((byte) => byte !== 0);
      });
      t.same(dirty, [], `${padded} bytes of padding`);
      t.ok(padded > 20, 'there was padding');
    },
  },
  {
    id: 'CVE-2026-40613',
    cause: 'words were read where they did not lie on a multiple of their size',
    check: (t) => {
      const bytes = new TestClient(new TurnDriver()).build(METHOD.ALLOCATE, transport);
      for (let shift = 0; shift < 8; shift++) {
        const memory = new Uint8Array(bytes.length + 16).fill(0xee);
        memory.set(bytes, shift);
        const message = new StunMessage();
        t.equal(message.decode(memory, shift, bytes.length), undefined, `at ${shift}`);
        t.strictSame(message.copyTransactionId(), bytes.slice(8, HEADER_BYTES));
      }
    },
  },
  {
    id: 'CVE-2026-43994',
    cause: 'a length inside of an access token was believed before the token was authentic',
    check: (t) => {
      const client = new TestClient(new TurnDriver());
      for (const length of [0, 1, 2, 3, 0xff, 0xffff]) {
        const token = new Uint8Array(40).fill(0xff);
        putUint16(token, 0, length);
        const answer = client.allocate((w) => w.attribute(ATTRIBUTE.ACCESS_TOKEN, token));
        t.equal(answer?.outcome, 420, `a token that claims a nonce of ${length} bytes`);
        t.strictSame(answer?.unknownAttributes, [ATTRIBUTE.ACCESS_TOKEN]);
      }
    },
  },
  {
    id: 'coturn ab762f33',
    cause: 'attributes behind MESSAGE-INTEGRITY were obeyed, which anybody can append',
    check: (t) => {
      const client = new TestClient(new TurnDriver());
      client.allocate();
      const peer = parseAddress('10.0.0.1', 0);
      const appended = appendTo(client.build(METHOD.CREATE_PERMISSION), (w) =>
        w.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer),
      );
      t.equal(client.send(appended)?.outcome, 400, 'as if it were not there');
      t.equal(client.allocation!.permissionByPeer.size, 0);
      const ended = appendTo(client.build(METHOD.REFRESH), (w) => w.uint32(ATTRIBUTE.LIFETIME, 0));
      t.equal(client.send(ended)?.outcome, 'success');
      t.ok(client.allocation, 'nor does it end an allocation');
    },
  },
  {
    id: 'Cisco Expressway 2020',
    cause: 'an attribute longer than its message was answered with memory',
    check: (t) => {
      const client = new TestClient(new TurnDriver());
      client.allocate();
      client.permit('10.0.0.1');
      client.bindChannel(0x4000, '10.0.0.1', 5000);
      for (const claimed of [5, 8, 64, 1024, 0xffff]) {
        const frame = channelData(0x4000, Buffer.from('data'), claimed);
        t.equal(client.receive(frame).relayed, undefined, `ChannelData of ${claimed} bytes`);
      }
      for (const message of validMessages(client)) {
        const lying = Uint8Array.from(message);
        if (lying[0]! >= 0x40 || lying.length === HEADER_BYTES) continue;
        putUint16(lying, HEADER_BYTES + 2, 0xfff0);
        const { answers, relayed } = client.receive(lying);
        if (answers.length > 0 || relayed !== undefined) t.fail('a lying length was believed');
      }
    },
  },
  {
    id: 'CVE-2021-37706',
    cause: 'four was taken from the length of an ERROR-CODE that was shorter',
    check: (t) => {
      for (let length = 0; length < 4; length++) {
        const bytes = unsigned(
          METHOD.ALLOCATE,
          ID,
          (w) => w.attribute(ATTRIBUTE.ERROR_CODE, new Uint8Array(length).fill(4)),
          CLASS.ERROR,
        );
        const message = new StunMessage();
        t.equal(message.decode(bytes, 0, bytes.length), undefined);
        const index = message.find(ATTRIBUTE.ERROR_CODE);
        t.equal(readErrorCode(message, index), undefined, `${length} bytes`);
      }
    },
  },
  {
    id: 'CVE-2022-23537',
    cause: 'a message that ended inside of an attribute was read beyond its end',
    check: (t) => {
      const client = new TestClient(new TurnDriver());
      const message = client.build(METHOD.ALLOCATE, transport);
      const memory = new Uint8Array(message.length * 2).fill(0xff);
      memory.set(message);
      for (let length = 0; length < message.length; length++) {
        const cut = new StunMessage();
        if (cut.decode(memory, 0, length) === undefined) t.fail(`decoded ${length} bytes`);
      }
      t.equal(new StunMessage().decode(memory, 0, message.length), undefined, 'only the whole');
    },
  },
  {
    id: 'CVE-2022-31031',
    cause: 'texts of a challenge longer than the buffer for them',
    check: (t) => {
      const client = new TestClient(new TurnDriver());
      client.challenge();
      for (const bytes of [764, 2000, 60_000]) {
        const long = 'x'.repeat(bytes);
        t.equal(client.allocate(undefined, { username: long })?.outcome, 400, `USERNAME ${bytes}`);
        t.equal(client.allocate(undefined, { realm: long })?.outcome, 400, `REALM ${bytes}`);
        const answer = client.allocate(undefined, { nonce: long });
        t.ok(answer?.outcome === 400 || answer?.outcome === 438, `NONCE ${bytes}`);
      }
    },
  },
  {
    id: 'CVE-2024-2169',
    cause: 'servers that answer errors with errors kept each other busy for ever',
    check: (t) => {
      const driver = new TurnDriver();
      const client = new TestClient(driver);
      const random = new SeededRandom(3);
      const methods = Object.values(METHOD);
      for (let count = 0; count < RESPONSES; count++) {
        const kind = random.pick([CLASS.ERROR, CLASS.SUCCESS, CLASS.INDICATION]);
        client.receive(unsigned(random.pick(methods), ID, (w) => w.errorCode(400), kind));
      }
      t.equal(driver.sent.length, 0, `${RESPONSES} responses and indications get no answer`);
      const answer = client.challenge();
      client.receive(answer.bytes);
      t.equal(driver.sent.length, 1, 'an answer sent back gets none');
    },
  },
]);

/** What is no STUN ends a connection and is not looked at further. */
function expectBroken(t: Test, text: string): void {
  const framer = new StreamFramer();
  framer.frameBytesMax = FRAME_BYTES_MAX;
  const bytes = Buffer.from(text);
  framer.push(bytes, 0, bytes.length);
  t.equal(framer.next(), false, 'no message');
  t.equal(framer.isBroken, true, 'the connection ends');
}

function paddingOf(bytes: Uint8Array): number[] {
  const message = new StunMessage(256);
  if (message.decode(bytes, 0, bytes.length) !== undefined) throw new Error('not a message');
  return Array.from({ length: message.attributeCount }, (_, index) => {
    const end = message.valueOffset(index) + message.valueLength(index);
    return [
      ...bytes.subarray(
        end,
        end + paddedLength(message.valueLength(index)) - message.valueLength(index),
      ),
    ];
  }).flat();
}

function appendTo(message: Uint8Array, write: (writer: StunWriter) => void): Uint8Array {
  const tail = unsigned(METHOD.BINDING, ID, write).subarray(HEADER_BYTES);
  const whole = new Uint8Array(message.length + tail.length);
  whole.set(message);
  whole.set(tail, message.length);
  putUint16(whole, 2, whole.length - HEADER_BYTES);
  return whole;
}
