import t from 'tap';
import { DATAGRAM_CASES, STREAM_CASES } from '../../bench/cases/relay-cases.ts';
import { relayFigures } from '../../bench/cases/relay-figures.ts';
import { PacketNumbers, PacketTally } from '../../bench/load/numbered-packets.ts';
import type { TrafficResult } from '../../bench/load/protocol.ts';
import { turnpike } from '../../bench/servers/turnpike.ts';

const relayCase = STREAM_CASES[0]!;

t.test(
  'figures are medians of the rounds, and ratios compare servers within a round',
  async (t) => {
    const ours = [round(10), round(40), round(30)];
    const coturn = [round(20), round(50), round(30)];
    const figures = relayFigures(relayCase, turnpike, ours, coturn);
    t.match(figures, {
      case: relayCase.name,
      server: 'turnpike',
      rounds: 3,
      receivedPerSecond: 500,
      lossPercent: 20,
      cpuMicrosecondsPerPacket: 30,
      cpuToCoturn: 0.8,
      userPercent: 25,
      generatorPercent: 50,
    });
    t.equal(relayFigures(relayCase, turnpike, ours, undefined).cpuToCoturn, null);
  },
);

t.test('every case has a name of its own', async (t) => {
  const names = [...DATAGRAM_CASES, ...STREAM_CASES].map(({ name }) => name);
  t.strictSame(names, [...new Set(names)]);
});

t.test('packets of the run are counted, and late ones noticed for each client', async (t) => {
  const numbers = new PacketNumbers(7, 2);
  const [first, second, other, foreign] = Array.from({ length: 4 }, () => new Uint8Array(16));
  numbers.write(first!, 4, 0);
  numbers.write(second!, 4, 0);
  numbers.write(other!, 4, 1);
  new PacketNumbers(6, 2).write(foreign!, 4, 0);
  const tally = new PacketTally(7, 2);
  for (const packet of [second, other, first, foreign]) tally.count(packet!, 4);
  t.equal(tally.received, 3);
  t.equal(tally.reordered, 1);
});

function round(microsecondsPerPacket: number): Map<typeof relayCase, TrafficResult> {
  const microseconds = 1000 * microsecondsPerPacket;
  const cpu = { microseconds, busiestMicroseconds: microseconds, busiestUserShare: 0.25 };
  const result = { sent: 1250, received: 1000, reordered: 0, seconds: 2, generatorBusyShare: 0.5 };
  return new Map([[relayCase, { ...result, cpu }]]);
}
