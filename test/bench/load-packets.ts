import t from 'tap';
import { DurationHistogram } from '../../bench/load/duration-histogram.ts';
import { findPayload, header } from '../../bench/load/framing.ts';
import { NUMBER_BYTES, PacketNumbers, PacketTally } from '../../bench/load/numbered-packets.ts';
import { CHANNEL } from '../../bench/load/turn-clients.ts';
import { transportAddress } from '../../bench/settings.ts';
import { StunWriter } from '../../src/stun/message-writer.ts';
import { ATTRIBUTE, CLASS, METHOD } from '../../src/stun/registry.ts';
import { DataIndicationWriter } from '../../src/turn/data-indication.ts';

const peer = transportAddress('127.0.77.2', 5004);

t.test('packets of the run are counted, and late ones noticed for each client', async (t) => {
  const numbers = new PacketNumbers(7, 2);
  const packets = Array.from({ length: 4 }, () => new Uint8Array(4 + NUMBER_BYTES));
  const [first, second, other, foreign] = packets;
  numbers.write(first!, 4, 0, 1000);
  numbers.write(second!, 4, 0, 1000);
  numbers.write(other!, 4, 1, 1000);
  new PacketNumbers(6, 2).write(foreign!, 4, 0, 1000);
  const latencies = new DurationHistogram();
  const tally = new PacketTally(7, 2, latencies);
  for (const packet of [second, other, first, foreign]) tally.count(packet!, 4, NUMBER_BYTES, 3000);
  tally.count(first!, 4, NUMBER_BYTES - 1, 3000);
  t.equal(tally.received, 3);
  t.equal(tally.reordered, 1);
  t.equal(latencies.count, 3);
  t.equal(latencies.percentiles()?.p50, 2.008, 'two microseconds, to the width of a bucket');
  tally.count(first!, 4, NUMBER_BYTES, 0);
  t.equal(latencies.count, 3, 'a packet without time of arrival has no latency');
});

t.test('application data is found in ChannelData and in Data indications', async (t) => {
  const channelData = header('channelData', peer, 200);
  t.equal(findPayload('channelData', channelData, 0, 204), 4);
  t.equal(findPayload('sendIndication', channelData, 0, 204), -1);
  const bytes = new Uint8Array(300);
  const start = new DataIndicationWriter(new Uint8Array(12)).wrap(bytes, 60, 200, peer);
  t.equal(findPayload('sendIndication', bytes, start, 260 - start), 60 - start);
  t.equal(findPayload('channelData', bytes, start, 260 - start), -1);
  const dataFirst = new StunWriter(new Uint8Array(300)).begin(
    METHOD.DATA,
    CLASS.INDICATION,
    new Uint8Array(12),
  );
  dataFirst.reserve(ATTRIBUTE.DATA, 200);
  const written = dataFirst.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer).written();
  t.equal(findPayload('sendIndication', written, 0, written.length), 24);
  const without = new StunWriter(new Uint8Array(100))
    .begin(METHOD.DATA, CLASS.INDICATION, new Uint8Array(12))
    .xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer)
    .written();
  t.equal(findPayload('sendIndication', without, 0, without.length), -1);
  t.equal(findPayload('channelData', Uint8Array.of(CHANNEL >> 8), 0, 1), -1);
});
