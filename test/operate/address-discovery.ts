import { createSocket } from 'node:dgram';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { GatewayConfig } from '../../src/config/gateway-config.ts';
import { GatewayError } from '../../src/errors.ts';
import { Log } from '../../src/log.ts';
import { AddressDiscovery, type DiscoveryTiming } from '../../src/service/address-discovery.ts';
import { StunWriter } from '../../src/stun/message-writer.ts';
import { ATTRIBUTE, CLASS } from '../../src/stun/registry.ts';
import { TestProcess } from '../support/child-process.ts';
import { configFrom } from '../support/configuration.ts';
import { freePorts } from '../support/free-ports.ts';
import { poll } from '../support/poll.ts';
import {
  bindingSuccess,
  openStunServer,
  silent,
  tells,
  type StunBehaviour,
} from '../support/stun-server.ts';

const AUTH = { type: 'none' };
const HOUR_MS = 3_600_000;
/** Silent servers are given up soon; nothing is checked again. */
const ONCE: DiscoveryTiming = {
  retransmitMs: 20,
  deadlineMs: 400,
  checkMs: HOUR_MS,
  retryMs: HOUR_MS,
};
const OFTEN: DiscoveryTiming = { ...ONCE, checkMs: 10, retryMs: 5 };

t.test('answers that count, and those that do not', async (t) => {
  const other = new Uint8Array(12).fill(1);
  const id = (request: Parameters<StunBehaviour>[0]): Uint8Array => request.copyTransactionId();
  const rows: [name: string, behaviour: StunBehaviour, outcome: string | RegExp, bind?: string][] =
    [
      ['a public address', tells('203.0.113.9'), '203.0.113.9'],
      ['a private one, as of a network of tests', tells('10.0.0.9'), '10.0.0.9'],
      ['from a wildcard', tells('203.0.113.9'), '203.0.113.9', '0.0.0.0'],
      ['no NAT at all', tells('127.0.0.1'), '127.0.0.1'],
      [
        'loopback',
        tells('127.0.0.1'),
        /127\.0\.0\.1, which is no public address \(loopback\)/,
        '0.0.0.0',
      ],
      ['loopback of another number', tells('127.0.0.2'), /\(loopback\)/],
      ['unspecified', tells('0.0.0.0'), /0\.0\.0\.0, which is no public address \(unspecified\)/],
      ['unspecified, asked from it', tells('0.0.0.0'), /\(unspecified\)/, '0.0.0.0'],
      ['multicast', tells('224.0.0.1'), /\(multicast\)/],
      ['broadcast', tells('255.255.255.255'), /no public address/],
      ['link-local', tells('169.254.1.1'), /\(linkLocal\)/],
      ['the other family', tells('2001:db8::9'), /2001:db8::9, of the other address family/],
      ['silence', silent, /no answer within 0\.4 s/],
      ['an error', answersError(420), /answers with error 420/],
      [
        'no address',
        (request, reply) =>
          reply(new StunWriter(new Uint8Array(100)).begin(1, CLASS.SUCCESS, id(request)).written()),
        /without XOR-MAPPED-ADDRESS/,
      ],
      [
        'a malformed address',
        (request, reply) =>
          reply(
            new StunWriter(new Uint8Array(100))
              .begin(1, CLASS.SUCCESS, id(request))
              .attribute(ATTRIBUTE.XOR_MAPPED_ADDRESS, new Uint8Array(8))
              .written(),
          ),
        /without XOR-MAPPED-ADDRESS/,
      ],
      [
        'another transaction first',
        (request, reply) => {
          reply(bindingSuccess(other, '203.0.113.66'));
          reply(bindingSuccess(id(request), '203.0.113.9'));
        },
        '203.0.113.9',
      ],
      [
        'noise first',
        (request, reply) => {
          for (let length = 0; length < 40; length++) reply(new Uint8Array(length).fill(length));
          reply(request.bytes.slice(0, 28));
          reply(bindingSuccess(id(request), '203.0.113.9'));
        },
        '203.0.113.9',
      ],
      [
        'only another transaction',
        (_, reply) => reply(bindingSuccess(other, '203.0.113.66')),
        /no answer/,
      ],
      ['the third request only', nth(3, tells('203.0.113.9')), '203.0.113.9'],
    ];
  for (const [name, behaviour, outcome, bind = '127.0.0.1'] of rows) {
    const server = await openStunServer(t, behaviour);
    const config = configOf([bind], [server.name]);
    if (typeof outcome === 'string') {
      const { discovery } = await start(t, config);
      t.same(discovery.resolve(config).relay.addresses, [{ bind, advertise: outcome }], name);
    } else {
      const failure = await failureOf(config);
      t.equal(failure.code, 'GW_ERR_RELAY_ADDRESS', name);
      t.match(failure.message, outcome, name);
      t.match(failure.message, `${server.name}: `, `${name}: names the server`);
      t.match(failure.message, /public address of \S+ .*set advertise of/, `${name}: what to do`);
    }
  }
});

t.test('an answer from another socket than was asked', async (t) => {
  const forger = createSocket('udp4');
  t.teardown(() => void forger.close());
  const server = await openStunServer(t, (request, _reply, from) => {
    const forged = bindingSuccess(request.copyTransactionId(), '203.0.113.66');
    forger.send(forged, from.port, from.address);
  });
  const config = configOf(['127.0.0.1'], [server.name]);
  t.match((await failureOf(config)).message, /no answer/, 'although it knows the transaction');
});

t.test('servers are asked one after the other', async (t) => {
  const [mute, liar, good, last] = await Promise.all([
    openStunServer(t, silent),
    openStunServer(t, tells('127.0.0.9')),
    openStunServer(t, tells('203.0.113.9')),
    openStunServer(t, tells('203.0.113.10')),
  ]);
  const names = ['no-such-host.invalid:3478', '[::1]:3478', mute.name, liar.name];
  const config = configOf(['127.0.0.1'], [...names, good.name, last.name]);
  const { discovery, lines } = await start(t, config);
  t.same(discovery.resolve(config).relay.addresses, [
    { bind: '127.0.0.1', advertise: '203.0.113.9' },
  ]);
  t.ok(mute.count > 1, `the request is repeated: ${mute.count}`);
  t.same([liar.count, good.count, last.count], [1, 1, 0]);
  t.match(lines(), [{ level: 'info', address: '203.0.113.9', server: good.name }]);
  const failure = await failureOf(configOf(['127.0.0.1'], names));
  for (const name of names) t.match(failure.message, `${name}: `);
  t.match(failure.message, /no IPv4 address/);
});

t.test('two families, and what listeners are called', async (t) => {
  const ipv4 = await openStunServer(t, tells('203.0.113.9'));
  const ipv6 = await openStunServer(t, tells('2001:db8::9'), '::1');
  const config = configOf(['127.0.0.1', '::1'], [ipv4.name, ipv6.name], {
    unnamed: undefined,
    four: '127.0.0.1',
    six: '::1',
  });
  const { discovery } = await start(t, config);
  const resolved = discovery.resolve(config);
  t.same(resolved.relay.addresses, [
    { bind: '127.0.0.1', advertise: '203.0.113.9' },
    { bind: '::1', advertise: '2001:db8::9' },
  ]);
  t.same(
    resolved.listeners.map(({ publicAddress }) => publicAddress),
    ['203.0.113.9', '203.0.113.9', '2001:db8::9'],
  );
  t.same({ ...resolved, relay: 0, listeners: 0 }, { ...config, relay: 0, listeners: 0 });
  t.equal(config.relay.addresses[0]!.advertise, 'discover', 'the given one is as it was');
  const fixed = configFrom(JSON.stringify({ version: 'v1', auth: AUTH }));
  t.same(discovery.resolve(fixed), fixed, 'nothing to find out');
});

t.test('a change is told, a failure is not', async (t) => {
  const server = await openStunServer(t, tells('203.0.113.9'));
  const config = configOf(['127.0.0.1'], [server.name]);
  const { discovery, lines } = await start(t, config, OFTEN);
  const seen: string[] = [];
  discovery.onChange(() => Promise.resolve(void seen.push(advertised())));
  const advertised = (): string => discovery.resolve(config).relay.addresses[0]!.advertise;
  const checks = async (more: number): Promise<void> => {
    const before = server.count;
    await poll(
      () => server.count,
      (count) => count >= before + more,
    );
  };
  const messages = (): unknown[] => lines().map(({ msg }) => msg);
  await checks(5);
  t.same(seen, [], 'the same address');
  server.behaviour = answersError(500);
  await poll(messages, (all) => all.length > 1);
  await checks(4);
  t.equal(advertised(), '203.0.113.9', 'the last one stays');
  t.same(messages(), [
    'public address found',
    'public address cannot be checked; the last one stays',
  ]);
  server.behaviour = tells('203.0.113.10');
  await poll(
    () => seen,
    (list) => list.length > 0,
  );
  await checks(3);
  t.same(seen, ['203.0.113.10'], 'told once, and known by then');
  t.same(messages().slice(2), ['public address can be checked again', 'public address changed']);
  t.match(lines().at(-1), { previous: '203.0.113.9', address: '203.0.113.10', level: 'warn' });
});

t.test('another configuration', async (t) => {
  const first = await openStunServer(t, tells('203.0.113.9'));
  const second = await openStunServer(t, tells('203.0.113.10'));
  const config = configOf(['127.0.0.1'], [first.name]);
  const next = configOf(['127.0.0.2'], [second.name]);
  const { discovery } = await start(t, config, OFTEN);
  t.throws(() => discovery.resolve(next), { code: 'GW_ERR_RELAY_ADDRESS' }, 'not known yet');
  const broken = configOf(['127.0.0.3'], ['no-such-host.invalid:3478']);
  await t.rejects(discovery.learn(broken), { code: 'GW_ERR_RELAY_ADDRESS' });
  await discovery.learn(next);
  t.equal(discovery.resolve(next).relay.addresses[0]!.advertise, '203.0.113.10');
  t.equal(discovery.resolve(config).relay.addresses[0]!.advertise, '203.0.113.9', 'both for now');
  discovery.follow(next);
  const { count } = second;
  await poll(
    () => second.count,
    (now) => now >= count + 4,
  );
  t.throws(() => discovery.resolve(config), { code: 'GW_ERR_RELAY_ADDRESS' }, 'forgotten');
  const asked = first.count;
  const later = second.count;
  await poll(
    () => second.count,
    (now) => now >= later + 4,
  );
  t.equal(first.count, asked, 'and asked no more');
});

t.test('a configuration that asks for the same puts nothing off', async (t) => {
  const server = await openStunServer(t, tells('203.0.113.9'));
  const patient = { ...ONCE, checkMs: 200, retransmitMs: HOUR_MS, deadlineMs: HOUR_MS };
  const same = (): GatewayConfig => configOf(['127.0.0.1'], [server.name]);
  const { discovery } = await start(t, same(), patient);
  const seen: string[] = [];
  discovery.onChange(() => {
    seen.push(discovery.resolve(same()).relay.addresses[0]!.advertise);
    return Promise.resolve();
  });
  const { count } = server;
  // Far more often than it is checked.
  const reloadUntil = (isExpected: () => boolean): Promise<boolean> =>
    poll(() => {
      discovery.follow(same());
      return isExpected();
    }, Boolean);
  await reloadUntil(() => server.count >= count + 2);
  let answer: (() => void) | undefined;
  server.behaviour = (request, reply) => {
    // Only the first one is ever answered.
    answer ??= () => reply(bindingSuccess(request.copyTransactionId(), '203.0.113.10'));
  };
  await reloadUntil(() => answer !== undefined);
  answer!();
  await reloadUntil(() => seen.length > 0);
  t.same(seen, ['203.0.113.10'], 'nor is a check under way thrown away');
});

t.test('advertise is pinned to what was found, and set free again', async (t) => {
  const server = await openStunServer(t, tells('203.0.113.9'));
  const config = configOf(['127.0.0.1'], [server.name]);
  const { discovery } = await start(t, config, OFTEN);
  const pinned = configFrom(
    JSON.stringify({
      version: 'v1',
      auth: AUTH,
      relay: { addresses: [{ bind: '127.0.0.1', advertise: '203.0.113.9' }] },
    }),
  );
  t.same(discovery.resolve(config).relay.addresses, pinned.relay.addresses, 'nothing to apply');
  discovery.follow(pinned);
  const other = await openStunServer(t, tells('203.0.113.9'));
  const elsewhere = configOf(['127.0.0.2'], [other.name]);
  await discovery.learn(elsewhere);
  discovery.follow(elsewhere);
  const asked = server.count;
  await poll(
    () => other.count,
    (count) => count > 4,
  );
  t.ok(server.count <= asked + 1, 'who is not followed is asked no more');
  await discovery.learn(config);
  discovery.follow(config);
  const { count } = server;
  await poll(
    () => server.count,
    (now) => now > count + 2,
  );
});

t.test('an address that cannot be put in force', async (t) => {
  const server = await openStunServer(t, tells('203.0.113.9'));
  const config = configOf(['127.0.0.1'], [server.name]);
  const { discovery, lines } = await start(t, config, OFTEN);
  const advertised = (): string => discovery.resolve(config).relay.addresses[0]!.advertise;
  const seen: string[] = [];
  const settlements: Settlement[] = [];
  discovery.onChange(() => {
    seen.push(advertised());
    const settlement = withResolvers();
    settlements.push(settlement);
    return settlement.promise;
  });
  const attempts = (count: number): Promise<number> =>
    poll(
      () => settlements.length,
      (length) => length >= count,
    );
  server.behaviour = tells('203.0.113.10');
  await attempts(1);
  t.equal(advertised(), '203.0.113.10', 'the new one while it is put in force');
  const asked = server.count;
  settlements[0]!.reject(new Error('port is taken'));
  await attempts(2);
  t.ok(server.count > asked, 'asked again before it is tried again');
  settlements[1]!.reject(new Error('port is taken'));
  await setImmediate();
  t.equal(advertised(), '203.0.113.9', 'the old one between two attempts');
  await attempts(3);
  settlements[2]!.resolve();
  const { count } = server;
  await poll(
    () => server.count,
    (now) => now >= count + 3,
  );
  t.equal(advertised(), '203.0.113.10');
  t.same(seen, ['203.0.113.10', '203.0.113.10', '203.0.113.10'], 'no more after it went well');
  t.match(lines().slice(1), [
    { level: 'warn', addresses: ['203.0.113.10'], reason: /port is taken/ },
    { level: 'warn', msg: 'public address changed', previous: '203.0.113.9' },
  ]);
  t.equal(lines().length, 3, 'a row of failures is said once');
});

t.test('another configuration while an address is put in force', async (t) => {
  const server = await openStunServer(t, tells('203.0.113.9'));
  const config = configOf(['127.0.0.1'], [server.name]);
  const { discovery } = await start(t, config, OFTEN);
  const settlement = withResolvers();
  let calls = 0;
  discovery.onChange(() => {
    calls++;
    return settlement.promise;
  });
  server.behaviour = tells('203.0.113.10');
  await poll(() => calls > 0, Boolean);
  const other = await openStunServer(t, tells('203.0.113.11'));
  const next = configOf(['127.0.0.2'], [other.name]);
  await discovery.learn(next);
  discovery.follow(next);
  settlement.resolve();
  const { count } = other;
  await poll(
    () => other.count,
    (now) => now >= count + 3,
  );
  t.equal(discovery.resolve(next).relay.addresses[0]!.advertise, '203.0.113.11');
  t.throws(() => discovery.resolve(config), { code: 'GW_ERR_RELAY_ADDRESS' }, 'forgotten');
  t.equal(calls, 1);
});

t.test('stopped while a server is asked', async (t) => {
  const server = await openStunServer(t, tells('203.0.113.9'));
  const config = configOf(['127.0.0.1'], [server.name]);
  const patient = { ...OFTEN, deadlineMs: HOUR_MS };
  const { discovery } = await start(t, config, patient);
  let changes = 0;
  discovery.onChange(() => Promise.resolve(void changes++));
  let answer: (() => void) | undefined;
  server.behaviour = (request, reply) => {
    answer = () => reply(bindingSuccess(request.copyTransactionId(), '203.0.113.10'));
  };
  await poll(
    () => answer !== undefined,
    (isAsked) => isAsked,
  );
  discovery.stop();
  answer!();
  const fresh = await start(
    t,
    configOf(['127.0.0.1'], [(await openStunServer(t, tells('10.0.0.1'))).name]),
  );
  t.ok(fresh, 'the loop goes on');
  t.equal(changes, 0);
  t.equal(discovery.resolve(config).relay.addresses[0]!.advertise, '203.0.113.9');
});

t.test('a real STUN server: coturn', async (t) => {
  const port = await freePorts();
  const folder = await mkdtemp(join(tmpdir(), 'coturn-'));
  const options = `-n --no-auth --stun-only --no-cli --no-tls --no-dtls --allow-loopback-peers
    --listening-ip=127.0.0.1 --listening-ip=::1 --listening-port=${port} --log-file=stdout`;
  const child = new TestProcess('turnserver', [
    ...options.split(/\s+/),
    `--pidfile=${join(folder, 'pid')}`,
  ]);
  t.teardown(async () => {
    await child.stop();
    await rm(folder, { recursive: true });
  });
  await child.waitForLine((line) => line.includes('IO method (admin thread)'));
  const servers = [`127.0.0.1:${port}`, `[::1]:${port}`];
  const config = configOf(['127.0.0.1', '::1'], servers);
  const { discovery } = await start(t, config, { ...ONCE, deadlineMs: 5000 });
  t.same(
    discovery.resolve(config).relay.addresses.map(({ advertise }) => advertise),
    ['127.0.0.1', '::1'],
    'no NAT',
  );
  const wildcard = await failureOf(configOf(['0.0.0.0'], servers));
  t.match(wildcard.message, /127\.0\.0\.1, which is no public address/);
});

function configOf(
  binds: readonly string[],
  servers: readonly string[],
  bindByListener: Record<string, string | undefined> = {},
): GatewayConfig {
  const listeners = Object.entries(bindByListener).map(([name, bind], index) => ({
    name,
    port: 3478 + index,
    protocol: 'UDP',
    ...(bind !== undefined && { bind }),
    public_address: 'discover',
  }));
  const addresses = binds.map((bind) => ({ bind, advertise: 'discover' }));
  const relay = { addresses, stun_servers: servers };
  return configFrom(JSON.stringify({ version: 'v1', auth: AUTH, relay, listeners }));
}

async function start(
  t: Test,
  config: GatewayConfig,
  timing = ONCE,
): Promise<{ discovery: AddressDiscovery; lines: () => Record<string, unknown>[] }> {
  let text = '';
  const options = { format: 'json', levels: { all: 'INFO' } } as const;
  const log = new Log(options, { write: (chunk) => void (text += chunk) });
  const discovery = await AddressDiscovery.start(config, log, timing);
  t.teardown(() => discovery.stop());
  const lines = (): Record<string, unknown>[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { discovery, lines };
}

async function failureOf(config: GatewayConfig): Promise<GatewayError> {
  const log = new Log({ format: 'json', levels: {} }, { write: () => undefined });
  try {
    (await AddressDiscovery.start(config, log, ONCE)).stop();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('no failure');
}

interface Settlement {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** As `Promise.withResolvers` of later Node.js versions. */
function withResolvers(): Settlement {
  let resolve!: () => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<void>((...settle) => ([resolve, reject] = settle));
  return { promise, resolve, reject };
}

/** Answers with an error response. */
function answersError(code: 420 | 500): StunBehaviour {
  return (request, reply) =>
    reply(
      new StunWriter(new Uint8Array(100))
        .begin(1, CLASS.ERROR, request.copyTransactionId())
        .errorCode(code)
        .written(),
    );
}

/** Is silent until a request has been repeated so often. */
function nth(count: number, behaviour: StunBehaviour): StunBehaviour {
  let seen = 0;
  return (...request) => {
    if (++seen === count) behaviour(...request);
  };
}
