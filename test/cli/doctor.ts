import t from 'tap';
import { parseLocal } from '../../src/cli/cat/endpoints.ts';
import { adviseOnAllocate, adviseOnPeer, adviseOnReach } from '../../src/cli/doctor/advice.ts';
import { doctorCommand } from '../../src/cli/doctor/command.ts';
import {
  relayedAddressProblem,
  relayedAddressRemark,
} from '../../src/cli/doctor/relayed-address.ts';
import { CheckList, doctorResult } from '../../src/cli/doctor/report.ts';
import { NO_COLOURS } from '../../src/cli/terminal/colours.ts';
import { credentialOf, parseUdpPeer } from '../../src/cli/turn-target.ts';
import { ClientError, ResponseError } from '../../src/client/client-error.ts';
import { RouteTable } from '../../src/route/route-table.ts';
import { iceGateway } from '../../src/service/ice-gateway.ts';
import { routeTableData } from '../../src/service/policy-data.ts';
import { configFrom } from '../support/configuration.ts';
import { ephemeralCredential } from '../support/credentials.ts';
import { addressFrom } from '../support/turn-client.ts';

t.test('relayed addresses', (t) => {
  const cases: [string, string, string, RegExp | undefined][] = [
    // relayed, our address as the gateway sees it, address of the gateway
    ['203.0.113.9', '198.51.100.7', '203.0.113.9', undefined],
    ['203.0.113.10', '198.51.100.7', '203.0.113.9', undefined],
    ['10.0.0.5', '10.0.0.6', '10.0.0.5', undefined],
    ['203.0.113.9', '10.0.0.6', '10.0.0.5', undefined],
    ['127.0.0.1', '127.0.0.1', '127.0.0.1', undefined],
    ['fd00::5', 'fd00::6', 'fd00::5', undefined],
    ['10.0.0.5', '198.51.100.7', '203.0.113.9', /is a private address; clients on the internet/],
    ['10.0.0.5', '10.0.0.6', '203.0.113.9', /is a private address/],
    ['100.64.0.1', '198.51.100.7', '203.0.113.9', /is a private address/],
    ['fd00::5', '2600::1', '2600::2', /is a private address/],
    ['127.0.0.1', '10.0.0.6', '10.0.0.5', /is a loopback address; clients on this network/],
    ['169.254.1.1', '10.0.0.6', '10.0.0.5', /is a link-local address/],
    ['0.0.0.0', '127.0.0.1', '127.0.0.1', /is no address at all/],
    ['::', '::1', '::1', /is no address at all/],
  ];
  for (const [relayed, mapped, server, words] of cases) {
    const [first, second, third] = [relayed, mapped, server].map((ip) => addressFrom(ip, 50_000));
    const problem = relayedAddressProblem(first!, { mapped: second!, server: third! });
    const name = `${relayed} for ${mapped} at ${server}`;
    if (words === undefined) t.equal(problem, undefined, name);
    else t.match(problem, { detail: words, next: /relay\.addresses/ }, name);
  }
  const own = addressFrom('203.0.113.9', 1);
  t.equal(relayedAddressRemark(own, own), undefined);
  t.match(relayedAddressRemark(addressFrom('203.0.113.10', 1), own), /another address than/);
  t.end();
});

t.test('advice for each failure', (t) => {
  const refused = (code: number, reason = '') =>
    new ResponseError('Allocate', { code, reason }, { isAuthenticated: true });
  const now = 1_700_000_000;
  const allocate: [unknown, string, RegExp, RegExp][] = [
    [refused(401), `${now - 1}:alice`, /has expired: it was valid until 2023-11-14/, /fresh/],
    [refused(401), `${now + 1}:alice`, /wrong secret/, /credentials\.secret/],
    [refused(401), 'bob', /wrong user name or password/, /auth\.users/],
    [refused(486), 'bob', /486/, /user_quota/],
    [refused(508), 'bob', /508/, /relay\.min_port/],
    [refused(440), 'bob', /440/, /relay\.addresses/],
    [refused(437), 'bob', /437/, /again/],
    [refused(438), 'bob', /438/, /affinity/],
    [refused(599, 'Odd'), 'bob', /599 Odd/, /log/],
    [new ClientError('timeout', 'Allocate: no answer'), 'bob', /no answer/, /log/],
  ];
  for (const [error, username, detail, next] of allocate) {
    t.match(adviseOnAllocate(error, username, now), { detail, next });
  }
  const alternate = { address: addressFrom('192.0.2.7', 3478), domain: undefined };
  const moved = new ResponseError(
    'Allocate',
    { code: 300, reason: '' },
    { isAuthenticated: true, alternate },
  );
  t.match(adviseOnAllocate(moved, 'bob', now), { detail: /to 192\.0\.2\.7:3478 \(300\)/ });
  t.match(adviseOnPeer(refused(508)), { next: /permissions_per_allocation_max/ });
  const reach: [ClientError, RegExp][] = [
    [new ClientError('refused', 'x'), /nothing listens on UDP port 7/],
    [new ClientError('timeout', 'x'), /no answer on UDP port 7/],
    [new ClientError('unreachable', 'x'), /^x$/],
    [new ClientError('tls', 'x'), /^x$/],
    [new ClientError('closed', 'x'), /not like a TURN server/],
  ];
  for (const [error, detail] of reach) {
    t.match(adviseOnReach(error, { transport: 'udp', port: 7 }), { detail });
  }
  t.end();
});

t.test('the verdict', (t) => {
  const format = { output: 'json', colours: NO_COLOURS } as const;
  const verdict = (build: (checks: CheckList) => void): number => {
    const checks = new CheckList();
    build(checks);
    return doctorResult([{ target: 'turn:x', checks: checks.checks }], format).exitCode;
  };
  t.equal(
    verdict((checks) => checks.ok('reach', '')),
    0,
  );
  t.equal(
    verdict((checks) => {
      checks.ok('reach', '');
      checks.skipped('echo', '');
    }),
    0,
  );
  t.equal(
    verdict((checks) => {
      checks.ok('reach', '');
      checks.failed('echo', '', '');
    }),
    1,
  );
  t.equal(
    verdict((checks) => checks.skipped('reach', '')),
    1,
    'nothing was checked',
  );
  t.equal(doctorResult([], format).exitCode, 1, 'there was nothing to check');
  t.end();
});

t.test('a listener without a public address', async (t) => {
  const config = configFrom(`
version: v1
auth: { type: ephemeral, credentials: { secret: canary-secret } }
listeners: [{ name: udp, protocol: UDP, routes: [] }, { name: dtls, protocol: DTLS, port: 5349, public_address: x.example.org, tls: { certificate: generated } }]
`);
  const routeTable = () =>
    Promise.resolve(
      new RouteTable(routeTableData(config, { own: [], addressesByName: new Map() })),
    );
  const { exitCode, stdout } = await doctorCommand(
    { config, output: 'table', colours: NO_COLOURS },
    { iceGateway, routeTable },
  );
  t.equal(exitCode, 1);
  t.match(
    stdout,
    /^udp turn:0\.0\.0\.0:3478\?transport=udp\n {2}FAILED +resolve +clients are told 0\.0\.0\.0/,
  );
  t.match(stdout, /\ndtls turns:x\.example\.org:\d+\?transport=udp\n {2}skipped reach/);
  t.notMatch(stdout, /canary/);
});

t.test('arguments', async (t) => {
  t.strictSame(parseLocal('-'), { kind: 'stdin' });
  t.strictSame(parseLocal('unix:///run/cat.sock'), { kind: 'unix', path: '/run/cat.sock' });
  t.match(parseLocal('udp://[::1]:0'), { kind: 'udp', address: { port: 0 } });
  t.equal(parseUdpPeer('udp://[fd00::7]:5004').toString(), '[fd00::7]:5004');
  t.equal(parseUdpPeer('10.0.0.7:5004').toString(), '10.0.0.7:5004');
  for (const text of ['', 'udp://', 'tcp://127.0.0.1', 'tcp://127.0.0.1:65536', 'unix://']) {
    t.throws(() => parseLocal(text), { code: 'GW_ERR_USAGE' }, text);
  }
  for (const text of ['', '10.0.0.7', '10.0.0.7:0', 'name:1', 'tcp://10.0.0.7:1']) {
    t.throws(() => parseUdpPeer(text), { code: 'GW_ERR_USAGE' }, text);
  }
  const inspection = { iceGateway, routeTable: () => Promise.reject(new Error('unused')) };
  const bad = [
    { url: 'ftp://x' },
    { url: 'http://' },
    { url: 'turn:x', peer: 'x' },
    { url: 'turn:x', ca: '/nowhere' },
    { url: 'turn:x', config: configFrom('version: v1\nauth: { type: none }\n') },
  ];
  for (const options of bad) {
    const running = doctorCommand({ ...options, output: 'json', colours: NO_COLOURS }, inspection);
    await t.rejects(running, { code: 'GW_ERR_USAGE' });
  }
});

t.test('a shared secret makes a credential as app servers do', (t) => {
  const credential = credentialOf({ kind: 'secret', secret: 's' }, 'alice');
  const expiry = Number(credential?.username.split(':')[0]);
  t.ok(expiry > Date.now() / 1000);
  t.strictSame(credential, ephemeralCredential('s', 'alice', expiry));
  t.match(credentialOf({ kind: 'user', username: 'u', password: 'p' }, ''), { username: 'u' });
  t.equal(credentialOf(undefined, ''), undefined);
  t.end();
});
