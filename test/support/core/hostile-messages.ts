import { putUint16, uint16At } from '../../../src/stun/big-endian.ts';
import type { StunWriter } from '../../../src/stun/message-writer.ts';
import { ATTRIBUTE, CLASS, METHOD } from '../../../src/stun/registry.ts';
import type { SeededRandom } from './seeded-random.ts';
import {
  channelBind,
  channelData,
  sendIndication,
  transport,
  unsigned,
  type SigningOptions,
  type TestClient,
  type Write,
} from './test-client.ts';
import { parseAddress } from './turn-driver.ts';

const METHODS = [...Object.values(METHOD), 0x000, 0x002, 0x0ff];
const TYPES = [...Object.values(ATTRIBUTE), 0x0000, 0x7fff, 0x8fff, 0xffff];
const LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 20, 21, 32, 33, 763, 764];
const PEERS = [
  '10.0.0.1',
  '10.2.0.1',
  '127.0.0.1',
  '169.254.169.254',
  'fd00::1',
  '::ffff:127.0.0.1',
  '0.0.0.0',
];
const PORTS = [0, 1, 1000, 4000, 65_535];

/** Valid messages of every method for one client, as they are and signed in every way. */
export function validMessages(client: TestClient): Uint8Array[] {
  const peer: Write = (w) => w.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, parseAddress('10.0.0.1', 0));
  const requests: [method: number, write?: Write][] = [
    [METHOD.ALLOCATE, transport],
    [
      METHOD.ALLOCATE,
      (w) => transport(w).uint8(ATTRIBUTE.EVEN_PORT, 0x80).uint32(ATTRIBUTE.LIFETIME, 3600),
    ],
    [METHOD.ALLOCATE, (w) => transport(w).uint8(ATTRIBUTE.ADDITIONAL_ADDRESS_FAMILY, 2, 4)],
    [
      METHOD.ALLOCATE,
      (w) => transport(w).attribute(ATTRIBUTE.RESERVATION_TOKEN, new Uint8Array(8)),
    ],
    [
      METHOD.ALLOCATE,
      (w) =>
        transport(w).flag(ATTRIBUTE.DONT_FRAGMENT).uint8(ATTRIBUTE.REQUESTED_ADDRESS_FAMILY, 2, 4),
    ],
    [METHOD.REFRESH],
    [METHOD.REFRESH, (w) => w.uint32(ATTRIBUTE.LIFETIME, 0)],
    [
      METHOD.REFRESH,
      (w) => w.uint32(ATTRIBUTE.LIFETIME, 0).uint8(ATTRIBUTE.REQUESTED_ADDRESS_FAMILY, 1, 4),
    ],
    [METHOD.CREATE_PERMISSION, peer],
    [
      METHOD.CREATE_PERMISSION,
      (w) => [peer(w), w.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, parseAddress('fd00::1', 9))],
    ],
    [METHOD.CHANNEL_BIND, channelBind(0x4000, '10.0.0.1', 1000)],
    [METHOD.CHANNEL_BIND, channelBind(0x7ffe, 'fd00::1', 1000)],
  ];
  const signings: SigningOptions[] = [
    {},
    { algorithm: 'MD5' },
    { algorithm: 'SHA-256', user: 'hash', fingerprint: true },
    { algorithm: 'SHA-256', integrity: 'both' },
  ];
  const id = client.nextTransactionId();
  const data = [
    sendIndication(id, '10.0.0.1', 1000, Buffer.from('payload')),
    sendIndication(id, 'fd00::1', 1000, new Uint8Array(0), (w) =>
      w.flag(ATTRIBUTE.DONT_FRAGMENT).fingerprint(),
    ),
    channelData(0x4000, Buffer.from('payload')),
    channelData(0x7ffe, new Uint8Array(0)),
  ];
  return [
    ...requests.flatMap(([method, write]) =>
      signings.map((signing) => client.build(method, write, signing)),
    ),
    unsigned(METHOD.BINDING, id),
    unsigned(METHOD.BINDING, id, (w) => w.text(ATTRIBUTE.SOFTWARE, 'client').fingerprint()),
    unsigned(METHOD.BINDING, id, undefined, CLASS.INDICATION),
    unsigned(METHOD.ALLOCATE, id, transport),
    unsigned(METHOD.ALLOCATE, id, (w) => w.errorCode(400), CLASS.ERROR),
    unsigned(
      METHOD.BINDING,
      id,
      (w) => w.xorAddress(ATTRIBUTE.XOR_MAPPED_ADDRESS, parseAddress('::1', 1)),
      CLASS.SUCCESS,
    ),
    // Several times, to have as much of it as of requests.
    ...data.flatMap((bytes) => Array.from({ length: 6 }, () => bytes)),
  ];
}

/** A message with random attributes of random, often wrong lengths, but signed as it should be. */
export function signedNonsense(client: TestClient, random: SeededRandom): Uint8Array {
  const count = random.below(6);
  const write: Write = (writer) => {
    if (random.below(3) > 0) transport(writer);
    for (let index = 0; index < count; index++) someAttribute(writer, random);
  };
  const algorithm = random.pick([undefined, 'MD5', 'SHA-256'] as const);
  return client.build(random.pick(METHODS.slice(0, 8)), write, {
    ...(algorithm && { algorithm }),
    fingerprint: random.below(4) === 0,
    user: random.below(4) === 0 ? 'hash' : 'name',
    messageClass: random.below(20) === 0 ? random.pick(Object.values(CLASS)) : CLASS.REQUEST,
  });
}

/** A message changed in one to four places. */
export function mutated(corpus: readonly Uint8Array[], random: SeededRandom): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(random.pick(corpus));
  for (let count = random.below(4) + 1; count > 0; count--)
    bytes = mutateOnce(bytes, corpus, random);
  return bytes;
}

/** Bytes of any kind. */
export function noise(random: SeededRandom): Uint8Array {
  const bytes = new Uint8Array(random.below(random.below(20) === 0 ? 2000 : 120));
  random.fill(bytes);
  if (bytes.length > 0 && random.below(2) === 0) bytes[0] = random.below(4);
  if (bytes.length > 8 && random.below(2) === 0) bytes.set([0x21, 0x12, 0xa4, 0x42], 4);
  return bytes;
}

function someAttribute(writer: StunWriter, random: SeededRandom): void {
  if (random.below(3) === 0) {
    writer.xorAddress(
      ATTRIBUTE.XOR_PEER_ADDRESS,
      parseAddress(random.pick(PEERS), random.pick(PORTS)),
    );
    return;
  }
  if (random.below(4) === 0) {
    writer.uint16(
      ATTRIBUTE.CHANNEL_NUMBER,
      random.pick([0x3fff, 0x4000, 0x4001, 0x5000, 0x7fff]),
      4,
    );
    return;
  }
  const type = random.pick(TYPES);
  // What has to come last, or would make the message somebody else's, is left to the mutations.
  if (type === ATTRIBUTE.FINGERPRINT || type === ATTRIBUTE.USERNAME || type === ATTRIBUTE.NONCE)
    return;
  const value = new Uint8Array(random.pick(LENGTHS));
  random.fill(value);
  if (random.below(2) === 0) value.fill(random.below(4), 0, 2);
  writer.attribute(type, value);
}

function mutateOnce(
  bytes: Uint8Array,
  corpus: readonly Uint8Array[],
  random: SeededRandom,
): Uint8Array {
  const at = random.below(Math.max(1, bytes.length));
  switch (random.below(9)) {
    case 0:
      bytes[at]! ^= 1 << random.below(8);
      return bytes;
    case 1:
      bytes[at] = random.pick([0, 1, 3, 4, 0x3f, 0x40, 0x7f, 0x80, 0xff]);
      return bytes;
    case 2:
      return bytes.slice(0, at);
    case 3:
      return fixLength(bytes.slice(0, at & ~3));
    case 4: {
      const tail = new Uint8Array(random.below(40));
      random.fill(tail);
      return fixLength(Buffer.concat([bytes, tail]));
    }
    case 5: {
      const other = random.pick(corpus);
      return fixLength(
        Buffer.concat([
          bytes.subarray(0, at & ~3),
          other.subarray(random.below(other.length) & ~3),
        ]),
      );
    }
    case 6:
      if (bytes.length > 24)
        putUint16(bytes, attributeAt(bytes, random) + 2, random.pick([...LENGTHS, 0xffff, 0xfffc]));
      return bytes;
    case 7:
      if (bytes.length > 24) putUint16(bytes, attributeAt(bytes, random), random.pick(TYPES));
      return bytes;
    default:
      if (bytes.length > 4)
        putUint16(bytes, 2, random.pick([0, 4, 8, bytes.length, 0x7ffc, 0xfffc, 0xffff]));
      return bytes;
  }
}

/** Makes the header's length agree again, so that the mutation gets further. */
function fixLength(bytes: Uint8Array): Uint8Array {
  if (bytes.length >= 20) putUint16(bytes, 2, (bytes.length - 20) & 0xffff);
  return Uint8Array.from(bytes);
}

/** Where some attribute of a message begins, going by its lengths. */
function attributeAt(bytes: Uint8Array, random: SeededRandom): number {
  let at = 20;
  for (let steps = random.below(6); steps > 0; steps--) {
    const next = at + 4 + ((uint16At(bytes, at + 2) + 3) & ~3);
    if (next + 4 > bytes.length) break;
    at = next;
  }
  return at;
}
