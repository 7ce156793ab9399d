import type { FastifyInstance } from 'fastify';
import t from 'tap';
import { createAdminApp } from '../../src/http/admin/app.ts';
import {
  formatAddress,
  formatAge,
  formatBitRate,
  formatBytes,
  formatCount,
  formatForeign,
  formatMilliseconds,
  formatMoment,
  formatNumberOf,
  formatShare,
} from '../../src/http/console/pages/format.ts';
import { candidatesOf } from '../../src/http/console/pages/candidates.ts';
import { figuresOf } from '../../src/http/console/pages/echo-figures.ts';
import {
  outageWords,
  reasonWords,
  refusalWords,
  routeVerdict,
} from '../../src/http/console/pages/words.ts';
import { reloadWords } from '../../src/http/console/pages/reload-words.ts';
import {
  explainGathering,
  explainNoEcho,
  obstacleOf,
} from '../../src/http/console/pages/test-words.ts';
import { CONNECTION_REFUSALS } from '../../src/net/shared/transport-event.ts';
import { ALLOCATION_REFUSALS, AUTHENTICATION_FAILURES } from '../../src/turn/commands.ts';
import { PEER_DENIALS } from '../../src/turn/policy.ts';
import { MemoryGateway } from './fixtures/memory-gateway.ts';

function open(): FastifyInstance {
  return createAdminApp({ control: new MemoryGateway(), token: 'canary-token' });
}

t.test('the pages', async (t) => {
  const app = open();
  const paths = ['/', '/test', '/console/console.css', '/console/icon.svg'];
  for (const path of paths) {
    const { statusCode, headers, body } = await app.inject(path);
    t.equal(statusCode, 200, `${path} needs no token`);
    t.notMatch(body, /canary/, path);
    const policy = String(headers['content-security-policy']);
    t.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/, path);
    t.match(policy, /frame-ancestors 'none'; require-trusted-types-for 'script'/, path);
    t.notMatch(policy, /unsafe|https?:|\*/, path);
    t.equal(headers['x-content-type-options'], 'nosniff', path);
    t.equal(headers['referrer-policy'], 'no-referrer', path);
    t.equal(headers['cross-origin-opener-policy'], 'same-origin', path);
    t.equal(headers['set-cookie'], undefined, 'no cookie that a browser would send unasked');
  }
  t.match((await app.inject('/')).headers['content-type'], 'text/html');
  t.equal((await app.inject({ method: 'HEAD', url: '/test' })).statusCode, 200);
});

t.test('nothing on them is inline or comes from elsewhere', async (t) => {
  const app = open();
  for (const path of ['/', '/test', '/console/console.css']) {
    const { body } = await app.inject(path);
    t.notMatch(body, /https?:\/\//, path);
    t.notMatch(
      body,
      /<style|<script(?![^>]* src=)|\sstyle=|\son\w+=|javascript:|@import|url\(/i,
      path,
    );
  }
});

t.test('nothing but the pages is served', async (t) => {
  const app = open();
  const paths = [
    '/console/',
    '/console/nope.js',
    '/console/../routes.ts',
    '/console/%2e%2e/routes.ts',
    '/console/..%2froutes.ts',
    '/console/..%5croutes.ts',
    '/console//etc/passwd',
    '/index.html',
    '/test/',
  ];
  for (const path of paths) {
    const { statusCode, body } = await app.inject(path);
    t.ok([400, 403, 404].includes(statusCode), `${path}: ${statusCode}`);
    t.notMatch(body, /import|root:/, path);
  }
  t.equal((await app.inject({ method: 'POST', url: '/' })).statusCode, 405);
});

t.test('numbers for people', (t) => {
  const table: readonly [string, string][] = [
    [formatCount(1_234_567), '1,234,567'],
    [formatBytes(0), '0 B'],
    [formatBytes(999), '999 B'],
    [formatBytes(1_234_567), '1.2 MB'],
    [formatBytes(123_456_789), '123 MB'],
    [formatBytes(2e18), '2000 PB'],
    [formatBitRate(0), '0 bit/s'],
    [formatBitRate(125_000), '1.0 Mbit/s'],
    [formatMilliseconds(0.84), '0.8 ms'],
    [formatMilliseconds(12.4), '12 ms'],
    [formatShare(0), '0 %'],
    [formatShare(0.024), '2.4 %'],
    [formatShare(1), '100 %'],
    [formatAge(-3), '0 s'],
    [formatAge(59.9), '59 s'],
    [formatAge(61), '1 min'],
    [formatAge(3600), '1 h'],
    [formatAge(18_720), '5 h 12 min'],
    [formatAge(273_600), '3 d 4 h'],
    [formatForeign('zo\u00EB \u202Ecod\u0007'), 'zo\u00EB \\u{202e}cod\\u{7}'],
    [formatNumberOf(1, 'change'), '1 change'],
    [formatNumberOf(0, 'entry', 'entries'), '0 entries'],
    [formatAddress('10.0.0.5', 3500), '10.0.0.5:3500'],
    [formatAddress('2001:db8::1', 3501), '[2001:db8::1]:3501'],
    [formatMoment('2030-01-31T14:03:59', new Date('2030-01-31T00:00:00')), '14:03:59'],
    [formatMoment('2030-01-31T14:03:59', new Date('2030-02-01T00:00:00')), '31 Jan 2030, 14:03:59'],
  ];
  for (const [found, expected] of table) t.equal(found, expected);
  t.end();
});

t.test('every reason that the gateway gives has words', (t) => {
  const reasons = [
    ...PEER_DENIALS,
    ...AUTHENTICATION_FAILURES,
    ...ALLOCATION_REFUSALS,
    ...CONNECTION_REFUSALS,
  ];
  t.ok(reasons.length > 15);
  for (const reason of reasons) t.match(reasonWords(reason), / /, reason);
  t.equal(reasonWords('unheard of'), 'unheard of', 'one of a later version stays as it is');
  const denied = { reason: 'forbiddenPeer', forbidden: 'loopback', nearestRoute: 'none' };
  t.equal(
    refusalWords(denied),
    'the address is on the hard deny list (loopback); it has no routes',
  );
  t.equal(refusalWords({ reason: 'noRoute', nearestRoute: 'a 10.0.0.1: why' }).split('; ')[1], 'nearest: a 10.0.0.1: why'); // prettier-ignore
  t.equal(refusalWords({ reason: 5 }), '');
  t.end();
});

t.test('reloads and outages in words', (t) => {
  const none = { at: '', milliseconds: 1, problems: [], kept: [], changes: [] };
  const change = (path: string, effect: 'update' | 'restart') => ({
    path,
    effect,
    before: 1,
    after: 2,
  });
  const changes = [change('auth.realm', 'update'), change('relay.workers', 'restart')];
  const kept = ['relay.workers'];
  const restart = 'A restart is needed for relay.workers.';
  const table: readonly [Parameters<typeof reloadWords>[0], string][] = [
    [{ ...none, outcome: 'unchanged' }, 'The file says what is in force already.'],
    [{ ...none, outcome: 'applied', changes, kept }, `1 change came into force. ${restart}`],
    [
      { ...none, outcome: 'applied', changes: changes.slice(1), kept },
      `Nothing came into force. ${restart}`,
    ],
    [
      { ...none, outcome: 'dryRun', changes, kept },
      `The file can be used. A reload would make 1 change. ${restart}`,
    ],
    [{ ...none, outcome: 'dryRun' }, 'The file can be used. A reload would change nothing.'],
    [
      { ...none, outcome: 'failed', problems: ['f:1:2: bad'] },
      'The file has 1 problem; everything is as before.',
    ],
  ];
  for (const [result, expected] of table) t.equal(reloadWords(result), expected);
  t.match(
    outageWords(0, 'no answer'),
    /^The gateway does not answer\. What you see is from before/,
  );
  t.match(outageWords(403, 'not this host'), /^The gateway refuses this page: not this host\./);
  t.match(outageWords(500, 'internal'), /^The gateway has failed \(500\): internal\./);
  t.match(outageWords(404, 'gone'), /^The gateway has not done it \(404\): gone\./);
  t.equal(outageWords(undefined, 'x is undefined'), 'This page has failed: x is undefined.');
  t.end();
});

t.test('routes in words', (t) => {
  const about = { listener: 'udp', peer: '10.0.0.5:5004' };
  t.strictSame(
    routeVerdict({ ...about, verdict: 'admitted', cluster: 'media', endpoint: '10.0.0.0/24' }),
    {
      isAdmitted: true,
      text: 'Yes. 10.0.0.5:5004 is relayed by cluster media, endpoint 10.0.0.0/24.',
      advice: '',
    },
  );
  const nearest = { nearest: 'media 10.0.0.6', why: 'the address is outside the endpoint' };
  const refused = routeVerdict({ ...about, verdict: 'noRoute', ...nearest });
  t.notOk(refused.isAdmitted);
  t.equal(
    refused.text,
    'No. udp does not relay to 10.0.0.5:5004: no route of the listener contains the address.',
  );
  t.match(refused.advice, /^The nearest route is media 10\.0\.0\.6: the address is outside/);
  t.match(refused.advice, /endpoints of a cluster that the routes of udp name, then reload\.$/);
  const forbidden = routeVerdict({ ...about, verdict: 'forbiddenPeer', forbidden: 'loopback' });
  t.match(forbidden.text, /hard deny list \(loopback\)\.$/);
  t.match(forbidden.advice, /^The listener has no endpoints at all\. Only dangerously_allow/);
  t.match(
    routeVerdict({ ...about, verdict: 'admitted', forbidden: 'loopback' }).text,
    /on the hard deny list \(loopback\), and the cluster makes an exception\.$/,
  );
  t.end();
});

t.test('what the test page explains', (t) => {
  const udp = { name: 'udp', protocol: 'udp', uri: 'turn:192.0.2.1:3478', isSelfSigned: false };
  const tls = { ...udp, protocol: 'tls', uri: 'turns:192.0.2.1:443?transport=tcp' };
  const silence = [{ code: 701, text: 'timed out' }];
  const table: readonly [ReturnType<typeof explainGathering>, RegExp][] = [
    [explainGathering(udp, [...silence, { code: 401, text: '' }]), /credential is refused \(401\)/],
    [explainGathering(udp, [{ code: 486, text: '' }]), /quota is used up/],
    [explainGathering(udp, [{ code: 599, text: 'Odd' }]), /answers 599 Odd/],
    [explainGathering(udp, silence), /Nobody answers over UDP/],
    [explainGathering(tls, []), /does not trust the certificate/],
    [explainGathering({ ...tls, isSelfSigned: true }, []), /has made itself at its start/],
    [explainGathering({ ...udp, uri: 'turn:0.0.0.0:3478?transport=udp' }, []), /names no address/],
  ];
  for (const [{ problem, advice }, expected] of table) {
    t.match(problem, expected);
    t.match(advice, /\.$|\?$/, problem);
  }
  t.match(explainGathering(udp, silence).advice, /UDP port 3478/);
  t.match(explainNoEcho('GW_ERR_ECHO', 'down'), { problem: /: down\.$/, advice: /Start turnpike/ });
  t.match(explainNoEcho('GW_ERR_ECHO_BUSY', 'full'), { problem: /: full\.$/, advice: /--ports/ });
  t.equal(explainNoEcho('API_ERR_INTERNAL', 'failed'), undefined, 'that is not for the echo');
  t.match(obstacleOf({ ...udp, protocol: 'dtls' })?.problem, /DTLS/);
  t.equal(obstacleOf(udp), undefined);
  t.end();
});

t.test('candidates and figures', (t) => {
  const sdp = [
    'v=0',
    'a=candidate:1 1 udp 2130706431 10.0.0.5 3500 typ host generation 0',
    'a=candidate:2 1 UDP 1 2001:db8::1 3501 typ relay raddr 0.0.0.0 rport 0',
    'a=candidate:3 1 tcp 1 10.0.0.5 9 typ host tcptype active',
  ].join('\r\n');
  const candidates = candidatesOf(sdp);
  t.strictSame(candidates, [
    { address: '10.0.0.5', port: 3500, type: 'host' },
    { address: '2001:db8::1', port: 3501, type: 'relay' },
  ]);
  t.strictSame(figuresOf([30, 10, 20], 4), { sent: 4, received: 3, medianMs: 20, slowestMs: 30 });
  t.strictSame(figuresOf([], 4), {
    sent: 4,
    received: 0,
    medianMs: undefined,
    slowestMs: undefined,
  });
  t.end();
});
