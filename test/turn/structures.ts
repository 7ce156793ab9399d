import fc from 'fast-check';
import t from 'tap';
import { ATTRIBUTE, METHOD } from '../../src/stun/registry.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';
import { AddressTable } from '../../src/turn/address-table.ts';
import { ExpiryWheel, type Expiring } from '../../src/turn/expiry.ts';
import { NonceIssuer } from '../../src/turn/nonce.ts';
import type { MonotonicMs } from '../../src/turn/policy.ts';
import { RelayPorts } from '../../src/turn/relay-ports.ts';
import { StreamFramer } from '../../src/turn/stream-framer.ts';
import { SeededRandom } from '../support/core/seeded-random.ts';
import { channelData, unsigned } from '../support/core/test-client.ts';
import { parseAddress } from '../support/core/turn-driver.ts';

const SEED = Number(process.env['TURNPIKE_SEED'] ?? Date.now() % 2 ** 31);
t.comment(`seed ${SEED}`);

t.test('the stream framer (RFC 8489 §6.2.2, RFC 8656 §12.5)', (t) => {
  const frames = [
    unsigned(METHOD.BINDING, new Uint8Array(12)),
    padded(channelData(0x4000, Buffer.from('hello'))),
    padded(channelData(0x7fff, new Uint8Array(0))),
    unsigned(METHOD.ALLOCATE, new Uint8Array(12), (w) =>
      w.text(ATTRIBUTE.SOFTWARE, 'x'.repeat(3001)),
    ),
    padded(channelData(0x4001, new Uint8Array(2100).fill(7))),
    unsigned(METHOD.SEND, new Uint8Array(12).fill(1)),
  ];
  const stream = Buffer.concat(frames);
  const whole = frames.map(hex);
  for (let at = 0; at <= stream.length; at++) {
    const found = cut([stream.subarray(0, at), stream.subarray(at)]);
    if (found.frames.join() !== whole.join()) t.fail(`split at ${at}`);
  }
  t.strictSame(cut([stream]).frames, whole, 'coalesced');
  t.strictSame(cut([...stream].map((byte) => Uint8Array.of(byte))).frames, whole, 'byte by byte');
  t.equal(cut([stream.subarray(0, stream.length - 1)]).pendingBytes, 19, 'the rest is kept');
  t.equal(cut([stream]).pendingBytes, 0);

  const biggest = padded(channelData(0x4000, new Uint8Array(65_535)));
  t.strictSame(cut([biggest.subarray(0, 9), biggest.subarray(9), frames[0]!]).frames, [
    hex(biggest),
    whole[0],
  ]);
  for (let first = 0; first < 256; first++) {
    const isFrame = first < 4 || (first >= 0x40 && first < 0x80);
    t.equal(cut([Uint8Array.of(first, 0, 0, 4)]).isBroken, !isFrame, `first byte ${first}`);
  }
  const odd = cut([Uint8Array.of(0, 1, 0, 5), stream]);
  t.strictSame(
    [odd.isBroken, odd.frames, odd.pendingBytes],
    [true, [], 0],
    'a STUN length that is not a multiple of 4',
  );
  const after = cut([stream, Buffer.from('\xffGET / HTTP/1.1\r\n', 'latin1'), stream]);
  t.strictSame(
    [after.isBroken, after.frames.length],
    [true, frames.length],
    'nothing is taken after garbage',
  );
  for (const split of [0, 2, 3, 4, 100]) {
    const chunks = [biggest.subarray(0, split), biggest.subarray(split, 400)];
    t.equal(cut(chunks, 4096).isBroken, true, `more than is allowed, split at ${split}`);
  }
  t.equal(
    cut([padded(channelData(0x4000, new Uint8Array(4092)))], 4096).frames.length,
    1,
    'exactly what is allowed',
  );

  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 90 }), { maxLength: 12 }),
      fc.array(fc.integer({ min: 0, max: 900 }), { maxLength: 12 }),
      (payloads, cuts) => {
        const sent = payloads.map((payload) =>
          padded(channelData(0x4000 + payload.length, payload)),
        );
        const all = Buffer.concat(sent);
        const bounds = [
          0,
          ...cuts.map((at) => Math.min(at, all.length)).toSorted((a, b) => a - b),
          all.length,
        ];
        const chunks = bounds.slice(1).map((end, index) => all.subarray(bounds[index], end));
        return cut(chunks).frames.join() === sent.map(hex).join();
      },
    ),
    { seed: SEED, numRuns: 300 },
  );
  t.end();
});

interface Entry extends Expiring {
  expiresAtMs: MonotonicMs;
  isGone: boolean;
}

t.test('the expiry wheel against a list', (t) => {
  const action = fc.oneof(
    fc.record({
      kind: fc.constant('add' as const),
      delay: fc.integer({ min: -5000, max: 9_000_000 }),
    }),
    fc.record({ kind: fc.constant('later' as const), which: fc.nat(), delay: fc.nat(4_000_000) }),
    fc.record({ kind: fc.constant('sooner' as const), which: fc.nat(), delay: fc.nat(4_000_000) }),
    fc.record({ kind: fc.constant('gone' as const), which: fc.nat() }),
    fc.record({ kind: fc.constant('remove' as const), which: fc.nat() }),
    fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.oneof(fc.nat(3000), fc.nat(5_000_000), fc.nat(20_000_000)),
    }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const wheel = new ExpiryWheel<Entry>();
      let live: Entry[] = [];
      /** When each may fire: its deadline, or when it was added if that was later. */
      const due = new Map<Entry, number>();
      let now = 12_345;
      for (const step of actions) {
        if (step.kind === 'add') {
          const entry = { expiresAtMs: (now + step.delay) as MonotonicMs, isGone: false };
          wheel.add(entry, now as MonotonicMs);
          live.push(entry);
          due.set(entry, Math.max(entry.expiresAtMs, now));
        } else if (step.kind === 'pass') {
          now += step.ms;
          const fired = new Set<Entry>();
          wheel.advance(now as MonotonicMs, (entry) => {
            if (fired.has(entry) || !live.includes(entry))
              throw new Error('fired twice or unasked');
            if (entry.expiresAtMs > now) throw new Error('fired too early');
            fired.add(entry);
          });
          live = live.filter((entry) => !fired.has(entry));
          if (live.some((entry) => !entry.isGone && due.get(entry)! <= now - 1000)) return false;
        } else if (live.length > 0) {
          const entry = live[step.which % live.length]!;
          if (step.kind === 'gone') entry.isGone = true;
          if (step.kind === 'remove') {
            wheel.remove(entry);
            live.splice(live.indexOf(entry), 1);
          }
          if (step.kind === 'later')
            entry.expiresAtMs = Math.max(entry.expiresAtMs, now + step.delay) as MonotonicMs;
          if (step.kind === 'sooner') {
            entry.expiresAtMs = (now + step.delay) as MonotonicMs;
            wheel.add(entry, now as MonotonicMs);
          }
          due.set(entry, Math.max(entry.expiresAtMs, now));
        }
        const next = wheel.nextDeadline();
        if ((next === undefined) !== (wheel.size === 0)) return false;
        if (wheel.size < live.filter((entry) => !entry.isGone).length) return false;
      }
      wheel.advance((now + 40_000_000) as MonotonicMs, (entry) =>
        live.splice(live.indexOf(entry), 1),
      );
      return wheel.size === 0 && live.every((entry) => entry.isGone);
    }),
    { seed: SEED, numRuns: 500 },
  );
  const wheel = new ExpiryWheel<Entry>();
  const entries = [1, 2, 3].map((): Entry => ({ expiresAtMs: 5000 as MonotonicMs, isGone: false }));
  for (const entry of entries) wheel.add(entry, 0 as MonotonicMs);
  const fired: number[] = [];
  wheel.advance(6000 as MonotonicMs, (entry) => {
    fired.push(entries.indexOf(entry));
    wheel.remove(entries[1]!);
    if (entry === entries[0])
      wheel.add({ expiresAtMs: 7000 as MonotonicMs, isGone: false }, 6000 as MonotonicMs);
  });
  t.strictSame([fired, wheel.size], [[0, 2], 1], 'entries removed and added while others fire');
  for (let round = 0; round < 1000; round++) {
    const entry: Entry = { expiresAtMs: 3_600_000 as MonotonicMs, isGone: false };
    wheel.add(entry, 6000 as MonotonicMs);
    wheel.remove(entry);
    wheel.remove(entry);
  }
  t.equal(wheel.size, 1, 'what was removed leaves nothing');
  t.end();
});

t.test('the address table against a Map', (t) => {
  const random = new SeededRandom(SEED);
  for (const key of ['ip', 'ipAndPort'] as const) {
    for (const spread of [3, 40, 2000]) {
      const table = new AddressTable<{ id: number }>(key);
      const model = new Map<string, { id: number }>();
      for (let step = 0; step < 20_000; step++) {
        const address = someAddress(random, spread);
        const name = key === 'ip' ? address.ip() : address.toString();
        const kind = random.below(3);
        if (kind === 0) {
          const value = { id: step };
          table.set(address, value);
          model.set(name, value);
        } else if (kind === 1) {
          const isDeleted = table.delete(address);
          if (isDeleted !== model.delete(name)) t.fail(`delete ${name}`);
        } else if (table.get(address) !== model.get(name)) {
          t.fail(`get ${name}`);
        }
        if (table.size !== model.size) t.fail(`size after ${step} steps`);
      }
      const ids = (values: Iterable<{ id: number }>): number[] =>
        [...values].map(({ id }) => id).toSorted((a, b) => a - b);
      t.strictSame(ids(table.values()), ids(model.values()), `${key}, ${spread} addresses`);
    }
  }
  t.strictSame(new AddressTable('ip').values(), []);
  t.equal(new AddressTable('ip').delete(new TransportAddress()), false);
  t.end();
});

t.test('relay ports (RFC 8656 §7.2)', (t) => {
  const count = 1000;
  const owners = new Uint8Array(count);
  const ports = new RelayPorts(49_152, owners, 3);
  const random = new SeededRandom(SEED);
  const seen = new Float64Array(count);
  let ascents = 0;
  let last = 0;
  const draws = 50_000;
  for (let draw = 0; draw < draws; draw++) {
    const port = ports.take('any', random)!;
    if (port < 49_152 || port >= 49_152 + count) t.fail(`port ${port}`);
    seen[port - 49_152]!++;
    if (port === last + 1) ascents++;
    last = port;
    ports.release(port);
  }
  const expected = draws / count;
  const chiSquare = seen.reduce((sum, times) => sum + (times - expected) ** 2 / expected, 0);
  // 999 degrees of freedom: mean 999, standard deviation 45; six of them either way.
  t.ok(
    chiSquare > 999 - 270 && chiSquare < 999 + 270,
    `chi-square ${chiSquare.toFixed(1)}, seed ${SEED}`,
  );
  t.ok(ascents < 150, `not sequential: ${ascents} of ${draws} follow their predecessor`);

  const taken = new Set(Array.from({ length: count }, () => ports.take('any', random)));
  t.equal(taken.size, count, 'every port, none twice');
  t.equal(ports.take('any', random), undefined, 'exhausted');
  t.equal(ports.take('even', random), undefined);
  for (const port of [49_153, 49_160, 49_161]) ports.release(port);
  t.equal(ports.take('evenWithNext', random), 49_160, 'the only pair left');
  t.equal(owners[9], 3);
  t.equal(ports.take('even', random), undefined, '49153 is odd');
  t.equal(ports.take('any', random), 49_153);

  const other = new RelayPorts(49_152, owners, 4);
  other.release(49_153);
  t.equal(owners[1], 3, 'nobody else can release it');
  other.adopt(49_153);
  t.equal(owners[1], 4);
  ports.release(49_153);
  t.equal(owners[1], 4, 'nor can the former owner');
  other.release(49_153);
  t.equal(owners[1], 0);

  const small = new RelayPorts(50_001, new Uint8Array(2), 1);
  t.equal(
    small.take('evenWithNext', random),
    undefined,
    'no pair reaches over the end of the range',
  );
  t.equal(small.take('any', random) !== undefined && small.take('any', random) !== undefined, true);
  t.equal(small.take('any', random), undefined, 'the failed pair is not held');
  t.end();
});

t.test('nonces are hard to guess', (t) => {
  const issuer = new NonceIssuer(new Uint8Array(32).fill(1), {
    usesPasswordAlgorithms: true,
    usesUserhash: true,
  });
  const random = new SeededRandom(SEED);
  const now = 5_000_000 as MonotonicMs;
  const client = parseAddress('198.51.100.1', 4000);
  let accepted = 0;
  for (let guess = 0; guess < 20_000; guess++) {
    const stamp = new Uint8Array(12);
    random.fill(stamp);
    stamp.set([0, 0, 0x13, 0x88]);
    if (
      issuer.verify(`obMatJos2AAAD${Buffer.from(stamp).toString('base64')}`, client, now) !==
      'foreign'
    )
      accepted++;
  }
  t.equal(accepted, 0);
  t.equal(issuer.verify(issuer.issue(client, now), client, now), 'valid');
  const spelled = issuer.issue(parseAddress('198.51.100.1', 4001), now);
  for (let port = 0; port < 500; port++) {
    const from = parseAddress('198.51.100.1', port);
    const nonce = issuer.issue(from, now);
    const urlSafe = nonce.replaceAll('+', '-').replaceAll('/', '_');
    if (urlSafe !== nonce)
      t.equal(issuer.verify(urlSafe, from, now), 'foreign', 'one spelling only');
  }
  t.equal(issuer.verify(spelled, client, now), 'foreign');
  const mac = Buffer.from(issuer.issue(client, now).slice(13), 'base64').subarray(4);
  const next = Buffer.from(
    issuer.issue(client, (now + 1000) as MonotonicMs).slice(13),
    'base64',
  ).subarray(4);
  t.notSame(mac, next);
  t.end();
});

/** Cuts chunks into frames. */
function cut(
  chunks: Uint8Array[],
  frameBytesMax?: number,
): { frames: string[]; isBroken: boolean; pendingBytes: number } {
  const framer = new StreamFramer();
  if (frameBytesMax !== undefined) framer.frameBytesMax = frameBytesMax;
  const frames: string[] = [];
  for (const chunk of chunks) {
    // What is borrowed may be anywhere and is overwritten afterwards.
    const bytes = new Uint8Array(chunk.length + 5).fill(0xff);
    bytes.set(chunk, 3);
    framer.push(bytes, 3, chunk.length);
    while (framer.next())
      frames.push(hex(framer.bytes.subarray(framer.offset, framer.offset + framer.length)));
    bytes.fill(0xff);
  }
  return { frames, isBroken: framer.isBroken, pendingBytes: framer.pendingBytes };
}

function padded(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, new Uint8Array(-bytes.length & 3)]);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function someAddress(random: SeededRandom, spread: number): TransportAddress {
  const address = new TransportAddress();
  const port = random.below(4);
  if (random.below(2) === 0) return address.setIpv4(0x0a000000 + random.below(spread), port);
  return address.setIpv6(0xfd000000, 0, random.below(2), random.below(spread), port);
}
