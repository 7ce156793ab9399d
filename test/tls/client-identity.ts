import { X509Certificate } from 'node:crypto';
import type { JsonNameParams } from '@peculiar/x509';
import t from 'tap';
import type { ClientIdentity } from '../../src/config/gateway-config.ts';
import { identifyClient } from '../../src/tls/client-identity.ts';
import { CertificateAuthority, type CertificateOptions } from '../support/certificate-authority.ts';

const authority = await CertificateAuthority.create();

async function client(options: CertificateOptions): Promise<X509Certificate> {
  return new X509Certificate((await authority.issueClient(options)).certificatePem);
}

function matches(subject: string, certificate: X509Certificate): boolean {
  const identity: ClientIdentity = { subject, userId: undefined, routes: undefined };
  return identifyClient([identity], certificate) !== undefined;
}

const alice = await client({
  subject: 'CN=alice,O=Example\\, Inc.,OU=edge,OU=lab,C=DE,0.9.2342.19200300.100.1.1=u17',
  names: ['edge.example.org', '*.lab.example.org', '192.0.2.1'],
  otherNames: [
    { type: 'url', value: 'spiffe://example.org/edge' },
    { type: 'email', value: 'alice@example.org' },
    { type: 'email', value: '"a,b\\c"@example.org' },
  ],
});

t.test('what a subject says of a certificate', (t) => {
  const cases: readonly [string, boolean][] = [
    ['*', true],
    ['CN=alice', true],
    [' CN=alice ', true],
    ['cn=alice', true],
    ['2.5.4.3=alice', true],
    ['CN=Alice', false],
    ['CN=ali', false],
    ['CN=alice2', false],
    ['CN=', false],
    ['OU=edge', true],
    ['OU=lab', true],
    ['OU=edge,OU=lab', true],
    ['OU=edge,OU=other', false],
    ['CN=alice,OU=edge,C=DE', true],
    ['CN=alice, OU=edge', true],
    ['CN=alice,C=FR', false],
    ['UID=u17', true],
    ['O=Example\\, Inc.', true],
    ['O=Example', false],
    ['O=Example\\\\, Inc.', false],
    ['O=Example\\, Inc., CN=alice', true],
    ['C\\N=alice', true],
    ['CN=alice\\', false],
    ['*, CN=alice', false],
    ['title=x', false],
    ['DNS:edge.example.org', true],
    ['DNS:EDGE.example.org', true],
    ['DNS:*.lab.example.org', true],
    ['DNS:a.lab.example.org', false],
    ['DNS:192.0.2.1', false],
    ['DNS:alice', false],
    ['URI:spiffe://example.org/edge', true],
    ['URI:spiffe://example.org/', false],
    ['email:alice@example.org', true],
    ['email:edge.example.org', false],
    ['email:"a\\,b\\\\c"@example.org', true],
    ['email:"a,b\\\\c"@example.org', false],
    ['CN=alice,DNS:edge.example.org,URI:spiffe://example.org/edge', true],
    // What is no item never holds: a slip of the pen must not let everybody in.
    ['', false],
    [',', false],
    ['CN=alice,', false],
    ['alice', false],
    ['IP:192.0.2.1', false],
    ['constructor=alice', false],
    ['=alice', false],
  ];
  for (const [subject, expected] of cases) {
    t.equal(matches(subject, alice), expected, `${subject} is ${expected}`);
  }
  t.end();
});

t.test('the first identity that fits counts', (t) => {
  const identities: readonly ClientIdentity[] = [
    { subject: 'CN=bob', userId: 'bob', routes: ['b'] },
    { subject: 'OU=edge', userId: 'edge-{CN}-{CN}', routes: ['media'] },
    { subject: '*', userId: undefined, routes: undefined },
  ];
  t.same(identifyClient(identities, alice), { userId: 'edge-alice-alice', routes: ['media'] });
  t.equal(identifyClient(identities.slice(0, 1), alice), undefined, 'none fits');
  t.equal(identifyClient([], alice), undefined, 'no identities');
  const others = identities.slice(2);
  t.same(identifyClient(others, alice), { userId: undefined, routes: undefined }, 'any');
  const nobody = { userId: undefined, routes: [] };
  t.strictSame(identifyClient(others, { raw: Buffer.from('nonsense') }), nobody, 'no certificate');
  t.strictSame(identifyClient(others, { raw: Buffer.alloc(0) }), nobody, 'nothing');
  t.end();
});

t.test('values cannot forge further items', async (t) => {
  const forgeries: readonly CertificateOptions[] = [
    { subject: [{ O: [{ utf8String: 'x\nCN=alice' }] }] },
    { subject: [{ O: [{ utf8String: 'x, CN=alice' }] }] },
    { subject: [{ O: [{ utf8String: 'x,CN=alice' }] }] },
    { subject: [{ O: [{ utf8String: 'x+CN=alice' }] }] },
    { subject: [{ O: [{ utf8String: '"x", CN="alice"' }] }] },
    { subject: [{ O: [{ utf8String: 'x\\' }] }, { OU: [{ utf8String: ', CN=alice' }] }] },
    { subject: [{ CN: [{ utf8String: 'alice\0.evil' }] }] },
    { subject: [{ CN: [{ utf8String: 'alice,OU=edge' }] }] },
    { subject: 'CN=x', names: ['x, DNS:edge.example.org'] },
    { subject: 'CN=x', names: ['x,DNS:edge.example.org'] },
    { subject: 'CN=x', names: ['"x", DNS:edge.example.org'] },
    { subject: 'CN=x', names: ['edge.example.org\0.evil.net'] },
    { subject: 'CN=x', otherNames: [{ type: 'email', value: 'x, DNS:edge.example.org' }] },
    { subject: 'CN=x', otherNames: [{ type: 'url', value: 'DNS:edge.example.org' }] },
    { subject: 'CN=x', otherNames: [{ type: 'dn', value: 'CN=alice' }] },
  ];
  const wanted = ['CN=alice', 'OU=edge', 'CN=alice,OU=edge', 'DNS:edge.example.org'];
  for (const options of forgeries) {
    const certificate = await client(options);
    for (const subject of wanted) {
      t.equal(matches(subject, certificate), false, `${JSON.stringify(options)} is not ${subject}`);
    }
  }
  const comma = await client({ subject: [{ CN: [{ utf8String: 'alice,OU=edge' }] }] });
  t.ok(matches('CN=alice\\,OU=edge', comma), 'an escaped comma belongs to the value');
});

t.test('a user id from the common name', async (t) => {
  const identity: ClientIdentity = { subject: '*', userId: 'cert:{CN}', routes: undefined };
  const cases: readonly [string, JsonNameParams, string | undefined][] = [
    ['plain', [{ CN: ['bob'] }], 'cert:bob'],
    ['not ASCII', [{ CN: [{ utf8String: 'Zoë 漢' }] }], 'cert:Zoë 漢'],
    ['with a pattern of replacements', [{ CN: [{ utf8String: "$&$'$1" }] }], "cert:$&$'$1"],
    ['with the placeholder', [{ CN: [{ utf8String: '{CN}' }] }], 'cert:{CN}'],
    ['in two-byte characters', [{ CN: [{ bmpString: 'bob' }] }], 'cert:bob'],
    ['none', [{ O: ['Example'] }], undefined],
    ['two', [{ CN: ['bob'] }, { CN: ['eve'] }], undefined],
    ['a line break', [{ CN: [{ utf8String: 'bob\neve' }] }], undefined],
    ['a zero byte', [{ CN: [{ utf8String: 'bob\0' }] }], undefined],
    ['text that runs backwards', [{ CN: [{ utf8String: 'bob\u202Eeve' }] }], undefined],
    ['too long', [{ CN: [{ utf8String: 'b'.repeat(252) }] }], undefined],
    ['as long as may be', [{ CN: [{ utf8String: 'b'.repeat(251) }] }], `cert:${'b'.repeat(251)}`],
  ];
  for (const [what, subject, userId] of cases) {
    const certificate = await client({ subject });
    const identified = identifyClient([identity], certificate);
    t.equal(identified?.userId, userId, what);
    const routes = userId === undefined ? [] : undefined;
    t.strictSame(identified?.routes, routes, `${what}: nobody may go anywhere`);
  }
});
