import t from 'tap';
import { bigAddress } from '../support/big-address.ts';
import { SeededRandom } from '../support/core/seeded-random.ts';
import { isNeverPeer } from '../support/peer-oracle.ts';
import { tryMemberships, tryVerdicts } from '../support/route-trials.ts';

const COUNT = 10_000;
const SEED = Number(process.env['TURNPIKE_SEED'] ?? 20_261);

t.test('the oracle itself', (t) => {
  const never = ['0.0.0.0', '127.0.0.1', '169.254.169.254', '255.255.255.255', '::', '::1']
    .concat(['fe80::1', 'ff02::1', '::ffff:10.0.0.1', '64:ff9b::127.0.0.1', '2002:a00:1::'])
    .concat(['64:ff9b:1:7f00:0:100::', '64:ff9b:1:127f:0:1::', '2001:db8::200:5efe:127.0.0.1']);
  for (const text of never) t.equal(isNeverPeer(bigAddress(text)), true, text);
  const peers = ['10.0.0.1', '128.0.0.0', '169.253.255.255', '223.255.255.255', 'fd00::1']
    .concat(['64:ff9b::10.0.0.1', '64:ff9b:1:a00:0:100::', '2001:db8::5efe:10.0.0.1'])
    .concat(['2001:1::7f00:1', 'fe7f:ffff::']);
  for (const text of peers) t.equal(isNeverPeer(bigAddress(text)), false, text);
  t.end();
});

t.test('verdicts are those of the oracle', (t) => {
  const { wrong, yes, count } = tryVerdicts(COUNT, new SeededRandom(SEED));
  t.same(wrong, [], `${count} addresses, seed ${SEED}`);
  t.ok(yes > count / 10 && yes < (count * 9) / 10, `${yes} of them peers`);
  t.end();
});

t.test('endpoints contain what big integers say', (t) => {
  const { wrong, yes, count } = tryMemberships(COUNT, new SeededRandom(SEED));
  t.same(wrong, [], `${count} addresses and ports, seed ${SEED}`);
  t.ok(yes > count / 10 && yes < (count * 9) / 10, `${yes} of them inside`);
  t.end();
});
