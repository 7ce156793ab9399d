import t from 'tap';
import { blocksOf, inability } from '../../bench/cases/block.ts';
import { directCases } from '../../bench/cases/direct-way.ts';
import { orderOf } from '../../bench/cases/order.ts';
import { HIGHEST_CASES, RELAY_CASES, selectCases } from '../../bench/cases/relay-cases.ts';
import { GROUPS, readOptions } from '../../bench/options.ts';
import { coturn } from '../../bench/servers/coturn.ts';
import { nodeTurn } from '../../bench/servers/node-turn.ts';
import { turnpike } from '../../bench/servers/turnpike.ts';

const all = [...RELAY_CASES, ...HIGHEST_CASES];

t.test('every case has a name of its own and a group that can be asked for', async (t) => {
  const names = all.map(({ name }) => name);
  t.strictSame(names, [...new Set(names)]);
  for (const { group, name } of all) {
    t.ok(
      GROUPS.some((known) => known === group),
      `${name}: ${group}`,
    );
  }
});

t.test('the headline groups are the default, and a quick run has one rate of each', async (t) => {
  const groups = new Set(selectCases(all, readOptions([])).map(({ group }) => group));
  t.strictSame([...groups], ['paced', 'saturated', 'bursts']);
  const quick = selectCases(all, readOptions(['--quick']));
  t.ok(quick.length <= 8);
  t.ok(quick.some(({ burst }) => burst > 1));
  t.strictSame(
    selectCases(all, readOptions(['--groups', 'all', '--cases', 'udp up 200 B 60 k/s, 8 flows'])),
    RELAY_CASES.filter(({ clients }) => clients === 8).filter(
      ({ direction }) => direction === 'up',
    ),
  );
});

t.test('options that make no sense are refused', async (t) => {
  for (const args of [
    ['--groups', 'slow'],
    ['--rounds', '0'],
    ['--seed', 'x'],
    ['--network', 'tin'],
    ['--what'],
  ]) {
    t.throws(() => readOptions(args), args.join(' '));
  }
});

t.test('one start of a server serves cases that need the same of it', async (t) => {
  const blocks = blocksOf(RELAY_CASES, true);
  t.strictSame(
    blocks.flatMap(({ cases }) => cases).length,
    RELAY_CASES.length,
    'no case is left out',
  );
  for (const { cases, wishes } of blocks) {
    t.ok(cases.every(({ routes }) => routes === wishes.routes));
    t.ok(cases.every(({ workers }) => workers === wishes.workers));
    t.ok(cases.every(({ transport }) => wishes.transports.includes(transport)));
    const datagramAllocations = cases
      .filter(({ transport }) => transport === 'udp')
      .map(({ allocations }) => allocations);
    t.ok(new Set(datagramAllocations).size <= 1, 'none is left over from another case');
  }
  t.ok(blocksOf(RELAY_CASES, false).length < blocks.length);
});

t.test('a server takes part in what it is able to do', async (t) => {
  t.ok(RELAY_CASES.every((relayCase) => inability(turnpike, relayCase) === undefined));
  const refused = RELAY_CASES.filter((relayCase) => inability(coturn, relayCase) !== undefined);
  t.ok(refused.length > 0 && refused.every(({ routes }) => routes > 1));
  const left = RELAY_CASES.filter((relayCase) => inability(nodeTurn, relayCase) === undefined);
  t.ok(left.every(({ transport, workers }) => transport === 'udp' && workers === 1));
});

t.test('each load goes the direct way once', async (t) => {
  const direct = directCases(RELAY_CASES);
  t.ok(direct.every(({ transport }) => transport === 'udp'));
  t.ok(direct.every(({ packetsPerSecond }) => packetsPerSecond !== null));
  const usual = direct.filter(
    ({ clients, packetsPerSecond, direction, payloadBytes, burst }) =>
      clients === 100 &&
      packetsPerSecond === 60_000 &&
      direction === 'up' &&
      payloadBytes === 200 &&
      burst === 1,
  );
  t.equal(usual.length, 1);
});

t.test('clients send what their server relays', async (t) => {
  const usual = RELAY_CASES[0]!;
  t.match(orderOf(usual, turnpike, 1), { framing: 'channelData', expected: 'channelData' });
  t.match(orderOf(usual, nodeTurn, 1), { framing: 'sendIndication', expected: 'channelData' });
});
