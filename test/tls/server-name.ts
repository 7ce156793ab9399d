import fc from 'fast-check';
import t from 'tap';
import { selectCertificate, selectChallenge } from '../../src/tls/server-name.ts';

interface Holder {
  readonly id: string;
  readonly names: readonly string[];
}

const certificates: readonly Holder[] = [
  { id: 'default', names: ['fallback.example.net'] },
  { id: 'wildcard', names: ['*.example.org'] },
  { id: 'exact', names: ['turn.example.org', 'example.org'] },
  { id: 'deep', names: ['*.eu.example.org'] },
  { id: 'late', names: ['turn.example.org', '*.example.org'] },
];

t.test('the certificate for a server name', (t) => {
  const cases: readonly [string | undefined, string][] = [
    [undefined, 'default'],
    ['', 'default'],
    ['fallback.example.net', 'default'],
    ['turn.example.org', 'exact'],
    ['TURN.Example.ORG', 'exact'],
    ['turn.example.org.', 'exact'],
    ['example.org', 'exact'],
    ['other.example.org', 'wildcard'],
    ['OTHER.example.org.', 'wildcard'],
    ['a.eu.example.org', 'deep'],
    ['eu.example.org', 'wildcard'],
    ['a.b.example.org', 'default'],
    ['a.b.eu.example.org', 'default'],
    ['.example.org', 'default'],
    ['xexample.org', 'default'],
    ['example.org.evil.net', 'default'],
    ['localhost', 'default'],
    ['.', 'default'],
    ['*', 'default'],
  ];
  for (const [name, id] of cases) {
    t.equal(selectCertificate(certificates, name).id, id, `${name ?? 'no name'} -> ${id}`);
  }
  t.throws(() => selectCertificate([], 'turn.example.org'), RangeError, 'none at all');
  t.end();
});

t.test('the answer to a challenge for a server name', (t) => {
  const pairOf = (name: string) => ({ certificatePem: '', keyPem: '', names: [name] });
  const challenges = [pairOf('a.example.org'), pairOf('b.example.org')];
  const cases: readonly [string | undefined, number | undefined][] = [
    ['a.example.org', 0],
    ['b.example.org', 1],
    ['B.Example.ORG.', 1],
    ['c.example.org', undefined],
    ['*.example.org', undefined],
    ['', undefined],
    [undefined, undefined],
  ];
  for (const [name, index] of cases) {
    const expected = index === undefined ? undefined : challenges[index];
    t.equal(selectChallenge(challenges, name), expected, `${name ?? 'no name'} -> ${index}`);
  }
  t.equal(selectChallenge([], 'a.example.org'), undefined, 'none at all');
  t.end();
});

/** Written the other way round: every certificate gets a mark for how well it fits. */
function oracle(holders: readonly Holder[], asked: string | undefined): string | undefined {
  const labels = (asked ?? '').toLowerCase().split('.');
  if (labels.length > 1 && labels.at(-1) === '') labels.pop();
  const mark = (pattern: string): number => {
    const wanted = pattern.split('.');
    if (wanted.length !== labels.length || labels[0] === '') return 0;
    if (wanted.slice(1).some((label, index) => label !== labels[index + 1])) return 0;
    if (wanted[0] === labels[0]) return 2;
    return wanted[0] === '*' && labels.length > 1 ? 1 : 0;
  };
  const marks = holders.map(({ names }) => Math.max(0, ...names.map(mark)));
  const best = Math.max(...marks);
  return holders[best === 0 ? 0 : marks.indexOf(best)]?.id;
}

t.test('selection agrees with a naive oracle', (t) => {
  const label = fc.constantFrom('a', 'b', 'turn');
  const suffix = fc.array(label, { minLength: 0, maxLength: 3 });
  const pattern = fc
    .tuple(fc.oneof(label, fc.constant('*')), suffix)
    .map(([first, rest]) => [first, ...rest].join('.'));
  const holders = fc
    .array(fc.array(pattern, { maxLength: 3 }), { minLength: 1, maxLength: 5 })
    .map((all) => all.map((names, index): Holder => ({ id: String(index), names })));
  const asked = fc.option(
    fc
      .tuple(fc.array(label, { minLength: 1, maxLength: 4 }), fc.boolean(), fc.boolean())
      .map(([labels, isUpper, hasDot]) => {
        const name = labels.join('.') + (hasDot ? '.' : '');
        return isUpper ? name.toUpperCase() : name;
      }),
    { nil: undefined },
  );
  fc.assert(
    fc.property(
      holders,
      asked,
      (all, name) => selectCertificate(all, name).id === oracle(all, name),
    ),
    { numRuns: 5000 },
  );
  t.pass('5000 runs');
  t.end();
});
