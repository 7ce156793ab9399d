import t from 'tap';
import { RouteTable } from '../../src/route/route-table.ts';
import { paddedLength } from '../../src/stun/big-endian.ts';
import { ATTRIBUTE, CLASS, METHOD } from '../../src/stun/registry.ts';
import { ChannelBinding } from '../../src/turn/channel-binding.ts';
import { Permission } from '../../src/turn/permission.ts';
import {
  DATA_INDICATION_HEADROOM_BYTES,
  DATA_INDICATION_PAYLOAD_BYTES_MAX,
  DataIndicationWriter,
} from '../../src/turn/data-indication.ts';
import { writeChannelDataHeader } from '../../src/turn/channel-data.ts';
import {
  CHANNELS_PER_ALLOCATION_MAX_DEFAULT as CHANNELS_PER_ALLOCATION_MAX,
  PERMISSIONS_PER_ALLOCATION_MAX_DEFAULT as PERMISSIONS_PER_ALLOCATION_MAX,
} from '../../src/limits.ts';
import { Answer } from '../support/core/answer.ts';
import {
  channelBind,
  channelData,
  TestClient,
  unsigned,
  type Write,
} from '../support/core/test-client.ts';
import {
  cluster,
  LISTENER,
  parseAddress,
  ROUTES,
  TurnDriver,
  type DriverOptions,
} from '../support/core/turn-driver.ts';

const DATA = Buffer.from('hello');
const DUAL: Write = (w) => w.uint8(ATTRIBUTE.ADDITIONAL_ADDRESS_FAMILY, 2, 4);
const peer =
  (ip: string, port = 0): Write =>
  (w) =>
    w.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, parseAddress(ip, port));

/** A client with a dual allocation. */
function allocated(
  options?: DriverOptions,
  user = 'alice',
): { driver: TurnDriver; client: TestClient } {
  const driver = new TurnDriver(options);
  const client = new TestClient(driver, { user });
  client.allocate(DUAL);
  return { driver, client };
}

/** How a packet of a peer reaches the client. */
function comesAs(client: TestClient, ip: string, port: number): string {
  const under = client.driver.peerSends(client.relay(ip.includes(':') ? 2 : 1), ip, port);
  if (under instanceof ChannelBinding) return `channel ${under.channelNumber.toString(16)}`;
  return under instanceof Permission ? 'data' : 'dropped';
}

t.test('RFC 8656 §10.2: CreatePermission', (t) => {
  const malformed: Write = (w) => w.attribute(ATTRIBUTE.XOR_PEER_ADDRESS, new Uint8Array(8));
  const rows: [name: string, write: Write[], outcome: 'success' | number][] = [
    ['no peer', [], 400],
    ['one peer', [peer('10.0.0.1')], 'success'],
    ['the port is ignored', [peer('10.0.0.1', 65_535)], 'success'],
    ['both families', [peer('10.0.0.1'), peer('fd00::1')], 'success'],
    ['one malformed peer of three', [peer('10.0.0.1'), malformed, peer('10.0.0.2')], 400],
    ['an empty peer', [(w) => w.flag(ATTRIBUTE.XOR_PEER_ADDRESS)], 400],
    ['a forbidden peer of three', [peer('10.0.0.1'), peer('10.0.0.2'), peer('127.0.0.1')], 403],
    ['a peer without a route', [peer('10.0.0.1'), peer('192.168.0.1')], 403],
    ['a tunnelled peer', [peer('2002:a00:1::1')], 403],
    ['an embedded loopback', [peer('::ffff:127.0.0.1')], 403],
    ['multicast', [peer('224.0.0.1')], 403],
    ['as many as fit', numbered(PERMISSIONS_PER_ALLOCATION_MAX), 'success'],
    ['one too many', numbered(PERMISSIONS_PER_ALLOCATION_MAX + 1), 508],
    [
      'the same peer a hundred times',
      Array.from({ length: 100 }, () => peer('10.0.0.1')),
      'success',
    ],
    ['more attributes than are read', Array.from({ length: 130 }, () => peer('10.0.0.1')), -1],
  ];
  for (const [name, writes, outcome] of rows) {
    const { client } = allocated();
    const answer = client.request(METHOD.CREATE_PERMISSION, (w) =>
      writes.forEach((write) => write(w)),
    );
    t.equal(answer?.outcome ?? -1, outcome, name);
    if (outcome !== 'success')
      t.equal(client.allocation!.permissionByPeer.size, 0, `${name}: none installed`);
    else
      t.strictSame(
        answer!.types,
        [ATTRIBUTE.MESSAGE_INTEGRITY],
        'nothing is required in the answer',
      );
  }
  const { client } = allocated();
  client.request(METHOD.CREATE_PERMISSION, (w) =>
    numbered(PERMISSIONS_PER_ALLOCATION_MAX).forEach((write) => write(w)),
  );
  t.equal(client.permit('10.0.0.1', '10.0.0.2')!.outcome, 'success', 'a refresh needs no room');
  t.equal(client.permit('10.0.0.1', '10.0.2.2')!.outcome, 508);
  t.equal(
    client.bindChannel(0x4000, '10.0.2.2', 5)!.outcome,
    508,
    '§12.2: a channel needs a permission',
  );
  t.equal(client.bindChannel(0x4000, '10.0.0.1', 5)!.outcome, 'success');

  const single = new TestClient(new TurnDriver());
  single.allocate();
  t.equal(
    single.permit('10.0.0.1', 'fd00::1')!.outcome,
    443,
    '§10.2: a family that was not allocated',
  );
  t.equal(single.allocation!.permissionByPeer.size, 0);
  t.equal(single.bindChannel(0x4000, 'fd00::1', 5)!.outcome, 443);
  t.equal(single.sendIndication('fd00::1', 5, DATA), undefined);
  t.equal(single.driver.drops.noRelayOfFamily, 1);

  const carol = allocated({}, 'carol').client;
  t.equal(carol.permit('10.0.0.1')!.outcome, 403, 'a user confined to another route');
  t.equal(carol.permit('10.1.0.1')!.outcome, 'success');
  t.end();

  function numbered(count: number): Write[] {
    return Array.from({ length: count }, (_, index) => peer(`10.0.0.${index + 1}`));
  }
});

t.test('RFC 8656 §12.2: ChannelBind', (t) => {
  const strict: DriverOptions = { rules: { strictChannelNumbers: true } };
  const lenient: DriverOptions = {};
  const numbers: [options: DriverOptions, number: number, outcome: 'success' | number][] = [
    [strict, 0, 400],
    [strict, 0x3fff, 400],
    [strict, 0x4000, 'success'],
    [strict, 0x4fff, 'success'],
    [strict, 0x5000, 400],
    [strict, 0x7ffe, 400],
    [strict, 0x7fff, 400],
    [strict, 0x8000, 400],
    [strict, 0xffff, 400],
    [lenient, 0, 400],
    [lenient, 0x3fff, 400],
    [lenient, 0x4000, 'success'],
    [lenient, 0x5000, 'success'],
    [lenient, 0x7ffe, 'success'],
    [lenient, 0x7fff, 400],
    [lenient, 0x8000, 400],
    [lenient, 0xffff, 400],
  ];
  for (const [options, number, outcome] of numbers) {
    const { client } = allocated(options);
    const name = `${options === strict ? 'strict' : 'lenient'} 0x${number.toString(16)}`;
    t.equal(client.bindChannel(number, '10.0.0.1', 1000)!.outcome, outcome, name);
    const isRelayed = client.channelData(number, DATA)?.peer === '10.0.0.1:1000';
    t.equal(isRelayed, outcome === 'success', `data on ${name}`);
  }
  const number: Write = (w) => w.uint16(ATTRIBUTE.CHANNEL_NUMBER, 0x4000, 4);
  const rows: [name: string, write: Write[], outcome: 'success' | number][] = [
    ['no number', [peer('10.0.0.1', 1)], 400],
    ['no peer', [number], 400],
    [
      'a number of 2 bytes',
      [(w) => w.uint16(ATTRIBUTE.CHANNEL_NUMBER, 0x4000), peer('10.0.0.1', 1)],
      400,
    ],
    [
      'reserved bytes are ignored',
      [
        (w) => w.attribute(ATTRIBUTE.CHANNEL_NUMBER, Uint8Array.of(0x40, 0, 9, 9)),
        peer('10.0.0.1', 1),
      ],
      'success',
    ],
    [
      'a malformed peer',
      [number, (w) => w.attribute(ATTRIBUTE.XOR_PEER_ADDRESS, new Uint8Array(20))],
      400,
    ],
    ['port 0', [number, peer('10.0.0.1', 0)], 400],
    ['a forbidden peer', [number, peer('127.0.0.1', 1)], 403],
    ['no route', [number, peer('10.9.0.1', 1)], 403],
    ['a port that is not routed', [number, peer('10.2.0.1', 3999)], 403],
    ['a port that is routed', [number, peer('10.2.0.1', 4000)], 'success'],
    ['an address of our own', [number, peer('10.0.9.9', 3478)], 403],
    ['another port of the same host', [number, peer('10.0.9.9', 3479)], 'success'],
  ];
  for (const [name, writes, outcome] of rows) {
    const { client } = allocated();
    const answer = client.request(METHOD.CHANNEL_BIND, (w) => writes.forEach((write) => write(w)))!;
    t.equal(answer.outcome, outcome, name);
    if (outcome === 'success') continue;
    t.strictSame(
      [client.allocation!.channelByNumber.size, client.allocation!.permissionByPeer.size],
      [0, 0],
      name,
    );
  }
  const { client, driver } = allocated();
  t.equal(client.bindChannel(0x4000, '10.0.0.1', 1000)!.outcome, 'success');
  t.equal(client.bindChannel(0x4000, '10.0.0.1', 1000)!.outcome, 'success', 'a refresh');
  t.equal(driver.channels.size, 1, 'is no new channel');
  t.equal(
    client.bindChannel(0x4000, '10.0.0.1', 1001)!.outcome,
    400,
    'the number has another port',
  );
  t.equal(
    client.bindChannel(0x4000, '10.0.0.2', 1000)!.outcome,
    400,
    'the number has another address',
  );
  t.equal(
    client.bindChannel(0x4001, '10.0.0.1', 1000)!.outcome,
    400,
    'the peer has another number',
  );
  t.equal(client.bindChannel(0x4001, '10.0.0.1', 1001)!.outcome, 'success');
  t.equal(client.bindChannel(0x4000, '10.0.0.1', 1001)!.outcome, 400, 'both are taken, by others');
  t.equal(client.bindChannel(0x4000, 'fd00::1', 1000)!.outcome, 400);
  t.equal(client.bindChannel(0x4002, 'fd00::1', 1000)!.outcome, 'success');

  const full = allocated().client;
  for (let index = 0; index < CHANNELS_PER_ALLOCATION_MAX; index++)
    full.bindChannel(0x4000 + index, '10.0.0.1', 1000 + index);
  t.equal(full.allocation!.channelByNumber.size, CHANNELS_PER_ALLOCATION_MAX);
  t.equal(full.bindChannel(0x4f00, '10.0.0.1', 9000)!.outcome, 508);
  t.equal(
    full.bindChannel(0x4000, '10.0.0.1', 1000)!.outcome,
    'success',
    'a refresh needs no room',
  );
  t.end();
});

t.test('RFC 8656 §9, §12: lifetimes of permissions and channels', (t) => {
  const { driver, client } = allocated();
  client.allocate();
  client.refresh(3600);
  client.permit('10.0.0.1');
  client.permit('10.0.0.2');
  driver.advance(200);
  client.permit('10.0.0.2');
  for (let second = 200; second < 299; second++) {
    driver.advance(1);
    client.sendIndication('10.0.0.1', 5, DATA);
    comesAs(client, '10.0.0.1', 5);
  }
  t.equal(comesAs(client, '10.0.0.1', 5), 'data', 'one second before');
  driver.advance(2);
  t.equal(comesAs(client, '10.0.0.1', 5), 'dropped', 'one second after, whatever was sent');
  t.equal(client.sendIndication('10.0.0.1', 5, DATA), undefined);
  t.equal(comesAs(client, '10.0.0.2', 5), 'data', 'a refresh gives all of it again');
  driver.advance(200);
  t.equal(comesAs(client, '10.0.0.2', 5), 'dropped');

  client.bindChannel(0x4000, '10.0.0.3', 7);
  driver.advance(299);
  t.equal(comesAs(client, '10.0.0.3', 7), 'channel 4000');
  driver.advance(2);
  t.equal(
    comesAs(client, '10.0.0.3', 7),
    'dropped',
    'the permission of a channel lasts 300 seconds too',
  );
  t.ok(client.channelData(0x4000, DATA), '§12.6: the channel does not end with it');
  client.permit('10.0.0.3');
  t.equal(comesAs(client, '10.0.0.3', 7), 'channel 4000', '§12.7');
  driver.advance(298);
  t.ok(client.channelData(0x4000, DATA), 'one second before');
  driver.advance(2);
  t.equal(client.channelData(0x4000, DATA), undefined, 'one second after');
  t.equal(driver.channels.size, 0);
  t.equal(
    client.bindChannel(0x4000, '10.0.0.4', 7)!.outcome,
    'success',
    '§12: the number is free again',
  );
  t.equal(client.bindChannel(0x4001, '10.0.0.3', 7)!.outcome, 'success', 'and so is the peer');
  driver.advance(590);
  t.equal(client.bindChannel(0x4001, '10.0.0.3', 7)!.outcome, 'success');
  driver.advance(299);
  t.equal(
    comesAs(client, '10.0.0.3', 7),
    'channel 4001',
    '§12.2: a refresh gives both their whole time',
  );
  driver.advance(299);
  t.ok(client.channelData(0x4001, DATA));

  const other = new TestClient(driver, { port: 40_001 });
  other.allocate();
  t.equal(comesAs(other, '10.0.0.3', 7), 'dropped', '§9: another allocation, other permissions');
  other.permit('10.0.0.3');
  other.bindChannel(0x4000, '10.0.0.3', 7);
  other.refresh(0);
  t.strictSame(
    [...driver.channels].map(({ allocation }) => allocation),
    [client.allocation],
  );
  other.allocate();
  t.equal(comesAs(other, '10.0.0.3', 7), 'dropped', 'nothing is inherited');
  t.equal(other.channelData(0x4000, DATA), undefined);
  t.end();
});

t.test('RFC 8656 §11.2: Send indications', (t) => {
  const { driver, client } = allocated();
  client.permit('10.0.0.1', '10.2.0.1', 'fd00::1');
  const sent = client.sendIndication('10.0.0.1', 1234, DATA)!;
  t.strictSame(
    [sent.peer, Buffer.from(sent.payload).toString(), sent.dontFragment],
    ['10.0.0.1:1234', 'hello', false],
  );
  t.equal(sent.relay, client.relay(1));
  t.equal(client.sendIndication('fd00::1', 1, DATA)!.relay, client.relay(2));
  t.equal(
    client.sendIndication('10.0.0.1', 1, new Uint8Array(0))!.payload.length,
    0,
    'an empty datagram',
  );
  for (const length of [1, 2, 3, 4, 5, 1472, 65_000]) {
    const payload = new Uint8Array(length).fill(length);
    t.strictSame(
      client.sendIndication('10.0.0.1', 1, payload)!.payload,
      payload,
      `${length} bytes, none of the padding`,
    );
  }
  t.equal(
    client.sendIndication('10.0.0.1', 1, DATA, (w) => w.flag(ATTRIBUTE.DONT_FRAGMENT))!
      .dontFragment,
    true,
  );
  t.equal(client.sendIndication('10.0.0.1', 1, DATA)!.dontFragment, false, 'for one datagram only');
  const overIpv6 = new TestClient(new TurnDriver(), { ip: '2001:db8::1' });
  overIpv6.allocate();
  overIpv6.permit('10.0.0.1');
  t.equal(
    overIpv6.sendIndication('10.0.0.1', 1, DATA, (w) => w.flag(ATTRIBUTE.DONT_FRAGMENT))!
      .dontFragment,
    false,
    'RFC 8656 §13: ignored between families',
  );
  t.ok(
    client.sendIndication('10.0.0.1', 1, DATA, (w) => w.flag(0x8888).fingerprint()),
    'optional attributes',
  );
  t.ok(client.sendIndication('10.2.0.1', 4999, DATA));

  const write = (...writes: Write[]): Uint8Array =>
    unsigned(
      METHOD.SEND,
      new Uint8Array(12),
      (w) => writes.forEach((one) => one(w)),
      CLASS.INDICATION,
    );
  const data: Write = (w) => w.attribute(ATTRIBUTE.DATA, DATA);
  const silent: [name: string, bytes: Uint8Array, reason: keyof typeof driver.drops][] = [
    ['no peer', write(data), 'malformedIndication'],
    ['no data', write(peer('10.0.0.1', 1)), 'malformedIndication'],
    [
      'a malformed peer',
      write(data, (w) => w.attribute(ATTRIBUTE.XOR_PEER_ADDRESS, DATA)),
      'malformedIndication',
    ],
    ['port 0', write(data, peer('10.0.0.1', 0)), 'malformedIndication'],
    [
      '§6.3.2 unknown attribute',
      write(data, peer('10.0.0.1', 1), (w) => w.flag(0x7777)),
      'malformedIndication',
    ],
    ['no permission', write(data, peer('10.0.0.2', 1)), 'noPermission'],
    ['no permission for loopback', write(data, peer('127.0.0.1', 1)), 'noPermission'],
    ['a port that is not routed', write(data, peer('10.2.0.1', 5000)), 'peerNotAdmitted'],
    ['another one', write(data, peer('10.2.0.1', 5001)), 'peerNotAdmitted'],
    ['the first again', write(data, peer('10.2.0.1', 5000)), 'peerNotAdmitted'],
  ];
  for (const [name, bytes, reason] of silent) {
    const before = driver.drops[reason];
    const { relayed, answers } = client.receive(bytes);
    t.strictSame([relayed, answers], [undefined, []], `silence: ${name}`);
    t.equal(driver.drops[reason], before + 1, `${name} counts as ${reason}`);
  }
  const denials = driver.events.filter((event) => event.kind === 'peerDenied');
  t.equal(denials.length, 1, 'reported once, not for each packet or port');
  t.match(denials[0], { port: 5000, verdict: 'portNotRouted', request: 'Send' });

  const noDf = allocated({ server: { isDontFragmentSupported: false } }).client;
  noDf.permit('10.0.0.1');
  t.equal(
    noDf.sendIndication('10.0.0.1', 1, DATA, (w) => w.flag(ATTRIBUTE.DONT_FRAGMENT)),
    undefined,
  );
  t.ok(noDf.sendIndication('10.0.0.1', 1, DATA));
  t.end();
});

t.test('RFC 8656 §12.4 to §12.6: ChannelData', (t) => {
  const { driver, client } = allocated();
  client.bindChannel(0x4000, '10.0.0.1', 1000);
  client.bindChannel(0x4001, 'fd00::1', 1000);
  const relayed = client.channelData(0x4000, DATA)!;
  t.strictSame(
    [relayed.peer, Buffer.from(relayed.payload).toString(), relayed.dontFragment],
    ['10.0.0.1:1000', 'hello', false],
  );
  t.equal(client.channelData(0x4001, DATA)!.relay, client.relay(2));
  t.equal(
    client.channelData(0x4000, new Uint8Array(0))!.payload.length,
    0,
    '§12.6: an empty datagram',
  );
  t.equal(client.channelData(0x4000, new Uint8Array(65_507))!.payload.length, 65_507);
  const padded = client.receive(channelData(0x4000, Buffer.from('hello\0\0\0'), 5)).relayed!;
  t.equal(Buffer.from(padded.payload).toString(), 'hello', '§12.5: padding over UDP');
  const rows: [name: string, bytes: Uint8Array, reason: keyof typeof driver.drops][] = [
    ['shorter than claimed', channelData(0x4000, DATA, 6), 'malformedChannelData'],
    ['claimed 65535', channelData(0x4000, DATA, 65_535), 'malformedChannelData'],
    ['only a number', Uint8Array.of(0x40, 0), 'notStunNorChannelData'],
    ['three bytes', Uint8Array.of(0x40, 0, 0), 'notStunNorChannelData'],
    ['an unbound number', channelData(0x4002, DATA), 'unknownChannel'],
    ['0x7fff', channelData(0x7fff, DATA), 'unknownChannel'],
    ['0x8000', channelData(0x8000, DATA), 'notStunNorChannelData'],
    ['0xffff', channelData(0xffff, DATA), 'notStunNorChannelData'],
    ['nothing', new Uint8Array(0), 'notStunNorChannelData'],
  ];
  for (const [name, bytes, reason] of rows) {
    const before = driver.drops[reason];
    const { relayed: data, answers } = client.receive(bytes);
    t.strictSame([data, answers], [undefined, []], `silence: ${name}`);
    t.equal(driver.drops[reason], before + 1, `${name} counts as ${reason}`);
  }
  client.sendIndication('10.0.0.1', 1000, DATA, (w) => w.flag(ATTRIBUTE.DONT_FRAGMENT));
  t.equal(
    client.channelData(0x4000, DATA)!.dontFragment,
    false,
    'not left over from a Send indication',
  );
  t.end();
});

t.test('RFC 8656 §11.3, §12.7: data from peers', (t) => {
  const { driver, client } = allocated();
  t.equal(comesAs(client, '10.0.0.1', 1000), 'dropped', '§9: no permission');
  client.permit('10.0.0.1', '10.2.0.1', 'fd00::1');
  t.equal(comesAs(client, '10.0.0.1', 1000), 'data');
  t.equal(comesAs(client, '10.0.0.1', 65_535), 'data', '§9: whatever the port');
  t.equal(comesAs(client, '10.0.0.2', 1000), 'dropped');
  t.equal(comesAs(client, 'fd00::1', 1000), 'data');
  t.equal(comesAs(client, 'fd00::2', 1000), 'dropped');
  t.equal(comesAs(client, '10.2.0.1', 4000), 'data');
  t.equal(comesAs(client, '10.2.0.1', 3999), 'dropped', 'a port outside the route');
  client.bindChannel(0x4000, '10.0.0.1', 1000);
  t.equal(comesAs(client, '10.0.0.1', 1000), 'channel 4000', 'MUST use the channel');
  t.equal(comesAs(client, '10.0.0.1', 1001), 'data', 'a channel is bound to one port');
  const { noPermission, peerNotAdmitted } = driver.drops;
  t.strictSame([noPermission, peerNotAdmitted], [3, 1]);
  t.strictSame(driver.sent.slice(-1)[0]!.client, '198.51.100.1:40000');
  const relay = client.relay(1);
  client.refresh(0);
  t.equal(
    driver.peerSends(relay, '10.0.0.1', 1000),
    undefined,
    'a packet that was under way at the end',
  );
  t.end();
});

t.test('RFC 8656 §11.3: Data indications written in place', (t) => {
  const writer = new DataIndicationWriter(
    Uint8Array.from({ length: 12 }, (_, index) => 0xf0 + index),
  );
  const ids = new Set<string>();
  const lengths = [0, 1, 2, 3, 4, 5, 1471, 1472, 65_503, DATA_INDICATION_PAYLOAD_BYTES_MAX];
  for (const ip of [
    '10.0.0.1',
    '255.255.255.255',
    'fd00::1',
    'ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe',
  ]) {
    for (const [index, length] of lengths.entries()) {
      const from = parseAddress(ip, (index * 7919) & 0xffff);
      const bytes = new Uint8Array(DATA_INDICATION_HEADROOM_BYTES + length + 3).fill(0xee);
      const start = writer.wrap(bytes, DATA_INDICATION_HEADROOM_BYTES, length, from);
      t.ok(start >= 0, 'within the headroom');
      const end = DATA_INDICATION_HEADROOM_BYTES + paddedLength(length);
      const answer = new Answer(bytes.slice(start, end));
      t.equal(answer.outcome, 'indication');
      t.equal(answer.message.method, METHOD.DATA);
      t.strictSame(answer.types, [ATTRIBUTE.XOR_PEER_ADDRESS, ATTRIBUTE.DATA]);
      t.strictSame(answer.addresses(ATTRIBUTE.XOR_PEER_ADDRESS), [from.toString()]);
      t.strictSame(
        answer.value(ATTRIBUTE.DATA),
        new Uint8Array(length).fill(0xee),
        `${length} bytes from ${ip}`,
      );
      const padding = bytes.subarray(DATA_INDICATION_HEADROOM_BYTES + length, end);
      t.ok(
        padding.every((byte) => byte === 0),
        'padding is zero',
      );
      ids.add(Buffer.from(answer.message.copyTransactionId()).toString('hex'));
    }
  }
  t.equal(ids.size, 4 * lengths.length, 'a transaction id of its own each');
  const header = new Uint8Array(6).fill(0xee);
  writeChannelDataHeader(header, 1, 0x4abc, 0xfedc);
  t.strictSame([...header], [0xee, 0x4a, 0xbc, 0xfe, 0xdc, 0xee], '§12.4');
  t.end();
});

t.test('RFC 8656 §11.5, §18.13: ICMP', (t) => {
  const { driver, client } = allocated();
  client.permit('10.0.0.1', 'fd00::1');
  const report = (
    ip: string,
    type: number,
    code: number,
    errorData: number,
  ): Answer | undefined => {
    const relay = client.relay(ip.includes(':') ? 2 : 1);
    driver.server.handlePeerError(relay, parseAddress(ip, 1234), type, code, errorData);
    const [bytes] = driver.drain('198.51.100.1:40000');
    return bytes && new Answer(bytes);
  };
  for (let type = 0; type < 256; type++) {
    t.equal(
      report('10.0.0.1', type, 0, 0) !== undefined,
      type === 3 || type === 11,
      `ICMPv4 type ${type}`,
    );
    t.equal(
      report('fd00::1', type, 0, 0) !== undefined,
      type >= 1 && type <= 3,
      `ICMPv6 type ${type}`,
    );
  }
  const answer = report('10.0.0.1', 3, 4, 1400)!;
  t.strictSame(answer.types, [ATTRIBUTE.XOR_PEER_ADDRESS, ATTRIBUTE.ICMP], 'no DATA');
  t.strictSame(answer.addresses(ATTRIBUTE.XOR_PEER_ADDRESS), ['10.0.0.1:1234']);
  t.equal(
    answer.hex(ATTRIBUTE.ICMP),
    '0000060400000578',
    '16 reserved bits, 7 of type, 9 of code, 32 of data',
  );
  t.equal(answer.message.method, METHOD.DATA);
  t.equal(report('fd00::1', 2, 0, 0xffffffff)!.hex(ATTRIBUTE.ICMP), '00000400ffffffff');
  t.equal(report('10.0.0.2', 3, 3, 0), undefined, 'no permission for the destination');
  const relay = client.relay(1);
  client.refresh(0);
  driver.server.handlePeerError(relay, parseAddress('10.0.0.1', 1234), 3, 3, 0);
  t.strictSame(driver.drain('198.51.100.1:40000'), [], 'after the end');
  t.end();
});

t.test('a change of routes cuts what it denies', (t) => {
  const { driver, client } = allocated();
  client.permit('10.0.0.1', '10.2.0.1');
  client.bindChannel(0x4000, '10.0.0.1', 1000);
  client.bindChannel(0x4001, '10.2.0.1', 4000);
  client.bindChannel(0x4002, '10.2.0.1', 4999);
  client.sendIndication('10.2.0.1', 4999, DATA);
  comesAs(client, '10.2.0.1', 4999);
  driver.forget();
  const narrowed = { ...ROUTES, clusters: [cluster('narrow', ['10.2.0.0', 16, 4000, 4500])] };
  driver.replace({ peers: new RouteTable(narrowed) });
  t.strictSame([...client.allocation!.channelByNumber.keys()], [0x4001], 'channels');
  t.strictSame(
    [...driver.channels].map(({ channelNumber }) => channelNumber),
    [0x4001],
    'announced',
  );
  t.equal(comesAs(client, '10.0.0.1', 1000), 'dropped');
  t.equal(client.channelData(0x4000, DATA), undefined);
  t.equal(client.sendIndication('10.0.0.1', 1000, DATA), undefined);
  t.equal(comesAs(client, '10.2.0.1', 4999), 'dropped', 'a port that passed before');
  t.equal(client.sendIndication('10.2.0.1', 4999, DATA), undefined);
  t.equal(comesAs(client, '10.2.0.1', 4000), 'channel 4001');
  t.ok(client.channelData(0x4001, DATA));
  const denied = driver.events.flatMap((event) =>
    event.kind === 'peerDenied' && event.request === 'routeChange'
      ? [`${event.peer.ip()} ${event.port} ${event.verdict}`]
      : [],
  );
  t.strictSame(denied, [
    '10.0.0.1 1000 noRoute',
    '10.2.0.1 4999 portNotRouted',
    '10.0.0.1 undefined noRoute',
  ]);
  driver.replace({
    peers: new RouteTable({ ...ROUTES, listeners: [{ name: LISTENER, routes: [] }] }),
  });
  t.strictSame(
    [client.allocation!.channelByNumber.size, client.allocation!.permissionByPeer.size],
    [0, 0],
  );
  driver.replace({ peers: new RouteTable(ROUTES) });
  t.equal(
    comesAs(client, '10.0.0.1', 1000),
    'dropped',
    'what was cut does not come back by itself',
  );
  t.equal(
    client.request(METHOD.CHANNEL_BIND, channelBind(0x4000, '10.0.0.1', 1000))!.outcome,
    'success',
  );
  t.end();
});
