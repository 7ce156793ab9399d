import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import t, { type Test } from 'tap';
import type { ListenerPlan } from '../../../src/net/data-plane.ts';
import type { Session } from '../../../src/net/session.ts';
import { checkSupport } from '../../../src/sys/libc.ts';
import { CertificateAuthority } from '../../support/certificate-authority.ts';
import { DtlsClient, missingDtlsClient } from '../../support/dtls-client.ts';
import { openUdpEchoPeer, type UdpEchoPeer } from '../../support/echo-peer.ts';
import { freePorts, isPortFree } from '../../support/free-ports.ts';
import { missingBuild } from '../../support/gateway-process.ts';
import {
  CONNECTION_LIMITS,
  planOf,
  startPlane,
  USERS,
  type PlaneUnderTest,
} from '../../support/plane-under-test.ts';
import { poll } from '../../support/poll.ts';
import { tlsSettings } from '../../support/tls-settings.ts';
import { TurnClient, type TurnClientOptions } from '../../support/turn-client.ts';

const HOST = '127.0.0.1';
const CHANNEL = 0x4000;
const NAMES = ['udp', 'tcp', 'tls', 'other'];
const NO_TLS = new Map();
/** What Node.js says of a connection that the other side has closed, by the moment it is noticed. */
const CLOSED = /closed|ended by the other party|ECONNRESET|EPIPE/;
/** What becomes of new listeners once a plane is about to stop. */
const STOPPING = { code: 'GW_ERR_LISTEN', message: /: the gateway is stopping/ };
const [ALICE, BOB] = USERS;

const authority = await CertificateAuthority.create();
const certificate = await authority.issueServer();

for (const mode of ['reactor', 'portable'] as const) {
  t.test(mode, { skip: mode === 'reactor' && missingReactor() }, async (t) => {
    // One for all tests, since to start workers takes longer than everything else.
    const gateway = await startPlane(t, mode, [], NAMES);

    t.test('listeners come and go, calls over others go on', async (t) => {
      const scene = await open(t, gateway, ({ first }) => [planOf('udp', 'udp', first)]);
      const { plane, first, second, third } = scene;
      const udp = planOf('udp', 'udp', first);
      const call = await scene.call(first);
      t.equal(await connectionTo(second), 'refused');

      const settings = new Map([['tls', tlsSettings([certificate])]]);
      const all = [udp, planOf('tcp', 'tcp', second), planOf('tls', 'tls', third)];
      await plane.replaceListeners(all, settings);
      const overTcp = await scene.call(second, { transport: 'tcp' });
      const socket = connectTls({ host: HOST, port: third, rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const overTls = await scene.call(third, { connection: socket });
      for (const each of [call, overTcp, overTls]) await echo(each);

      await plane.replaceListeners([udp], NO_TLS);
      await t.rejects(overTcp.refresh(600), CLOSED);
      await t.rejects(overTls.refresh(600), CLOSED);
      t.same(scene.ends(), ['listenerClosed', 'listenerClosed']);
      t.equal(await connectionTo(second), 'refused');
      t.equal(await connectionTo(third), 'refused');
      await echo(call);
      await echo(await scene.call(first));

      await plane.replaceListeners([], NO_TLS);
      t.equal(scene.ends().length, 4, 'UDP clients are not told');
      t.ok(await isPortFree(first));
      t.equal((await plane.sessions({ limit: 10 })).total, 0);
    });

    t.test('a UDP listener moves while calls go on', async (t) => {
      const scene = await open(t, gateway, ({ first }) => [planOf('udp', 'udp', first)]);
      const { plane, first, second } = scene;
      const calls = await scene.callsOnEveryWorker(first);
      const stranger = await scene.client(first);
      await plane.replaceListeners([planOf('udp', 'udp', second)], NO_TLS);
      for (const call of calls) {
        await echo(call);
        t.equal(await call.refresh(600), 600);
      }
      await t.rejects(stranger.allocate(), { code: 508 }, 'no newcomers at the old place');
      await echo(await scene.call(second));

      await t.test('and back: newcomers are welcome again', async (t) => {
        await plane.replaceListeners([planOf('udp', 'udp', first)], NO_TLS);
        await stranger.allocate();
        t.equal(await stranger.refresh(0), 0);
        await plane.replaceListeners([planOf('udp', 'udp', second)], NO_TLS);
        await t.rejects(stranger.allocate(), { code: 508 });
      });

      // The kernel spreads clients over all sockets of a port: one that closed early would take calls of others along.
      while (calls.length > 0) {
        for (const call of calls) await echo(call);
        await calls.pop()!.refresh(0);
      }
      await poll(() => isPortFree(first), Boolean);
      t.pass('the old place is free once the last call has ended');
    });

    t.test('a TCP listener moves, its connections stay', async (t) => {
      const scene = await open(t, gateway, ({ first }) => [planOf('tcp', 'tcp', first)]);
      const { plane, first, second } = scene;
      const call = await scene.call(first, { transport: 'tcp' });
      await plane.replaceListeners([planOf('tcp', 'tcp', second)], NO_TLS);
      t.equal(await connectionTo(first), 'refused');
      await echo(call);
      await echo(await scene.call(second, { transport: 'tcp' }));
      await plane.replaceListeners([planOf('tcp', 'tcp', first)], NO_TLS);
      await echo(call);
      await echo(await scene.call(first, { transport: 'tcp' }));
      t.equal(await connectionTo(second), 'refused');
      await plane.replaceListeners([], NO_TLS);
      await t.rejects(call.refresh(600), CLOSED, 'also one that came over a place of long ago');
    });

    t.test('one that cannot be opened changes nothing', async (t) => {
      const scene = await open(t, gateway, ({ first, second }) => [
        planOf('udp', 'udp', first),
        planOf('tcp', 'tcp', second),
      ]);
      const { plane, first, second, third } = scene;
      const call = await scene.call(first);
      const overTcp = await scene.call(second, { transport: 'tcp' });
      const taken = createSocket('udp4').bind({ port: third, address: HOST, exclusive: true });
      t.teardown(() => taken.close());
      await once(taken, 'listening');
      const plans = [planOf('other', 'tcp', third), planOf('udp', 'udp', third)];
      await t.rejects(plane.replaceListeners(plans, NO_TLS), {
        code: 'GW_ERR_LISTEN',
        message: new RegExp(`"udp" cannot listen on udp ${HOST} port ${third}: address already in`),
      });
      t.equal(await connectionTo(third), 'refused', 'what was opened is closed again');
      for (const each of [call, overTcp]) await echo(each);
      await echo(await scene.call(first));
      await echo(await scene.call(second, { transport: 'tcp' }));
      t.same(scene.ends(), []);
    });

    t.test('who has to make room comes back when it was in vain', async (t) => {
      const scene = await open(t, gateway, ({ first, second }) => [
        planOf('udp', 'udp', first),
        planOf('tcp', 'tcp', second),
      ]);
      const { plane, first, second } = scene;
      const call = await scene.call(second, { transport: 'tcp' });
      await scene.call(first);
      // Two of one place, which the configuration would refuse.
      const plans = ['other', 'tls'].flatMap((name) => [
        planOf(`${name} udp`, 'udp', first),
        planOf(name, 'tcp', second),
      ]);
      await t.rejects(plane.replaceListeners(plans, NO_TLS), { code: 'GW_ERR_LISTEN' });
      t.same(scene.ends(), ['listenerClosed'], 'of the UDP listener');
      await echo(await scene.call(first));
      await echo(await scene.call(second, { transport: 'tcp' }));
      await echo(call);

      const renamed = [planOf('other', 'udp', first), planOf('tcp', 'tcp', second)];
      await plane.replaceListeners(renamed, NO_TLS);
      t.equal(scene.ends().length, 2);
      await echo(await scene.call(first));
      const { sessions } = await plane.sessions({ listener: 'other', limit: 10 });
      t.equal(sessions.length, 1);
    });

    t.test('another plan for the same place', async (t) => {
      const scene = await open(t, gateway, ({ first, second }) => [
        planOf('udp', 'udp', first),
        planOf('tcp', 'tcp', second),
      ]);
      const { plane, first, second } = scene;
      const calls = [await scene.call(first), await scene.call(second, { transport: 'tcp' })];
      const nat = { bind: HOST, advertise: '203.0.113.7' };
      const relayAddresses = { configured: [nat], host: [] };
      const proxy: ListenerPlan['proxy'] = {
        mode: 'required',
        trusted: [{ address: '192.0.2.0', prefixLength: 24 }],
      };
      await plane.replaceListeners(
        [
          planOf('udp', 'udp', first, { relayAddresses }),
          planOf('tcp', 'tcp', second, { relayAddresses }),
        ],
        NO_TLS,
      );
      for (const options of [{ port: first }, { port: second, transport: 'tcp' }] as const) {
        const client = await scene.client(options.port, options);
        const { relayed } = await client.allocate();
        t.equal(relayed[0]!.ip(), '203.0.113.7', 'of allocations to come');
      }
      const [udp, tcp] = [planOf('udp', 'udp', first), planOf('tcp', 'tcp', second, { proxy })];
      await plane.replaceListeners([udp, tcp], NO_TLS);
      t.equal(await connectionTo(second), 'closed', 'connections to come have another beginning');
      for (const call of calls) await echo(call);

      plane.replaceLimits({ ...CONNECTION_LIMITS, connectionsPerAddressMax: 1 });
      await plane.replaceListeners([udp, planOf('tcp', 'tcp', second)], NO_TLS);
      await poll(
        () => connectionTo(second),
        (outcome) => outcome === 'closed',
      );
      plane.replaceLimits(CONNECTION_LIMITS);
      await poll(
        () => connectionTo(second),
        (outcome) => outcome === 'open',
      );
      for (const call of calls) await echo(call);
    });

    t.test('sessions are found and ended wherever they are', async (t) => {
      const scene = await open(t, gateway, ({ first, second }) => [
        planOf('udp', 'udp', first),
        planOf('tcp', 'tcp', second),
      ]);
      const { plane, first, second } = scene;
      const udpCalls = await scene.callsOnEveryWorker(first);
      const bobs = await Promise.all(
        Array.from({ length: 6 }, () => scene.call(second, { transport: 'tcp', credential: BOB })),
      );
      const total = udpCalls.length + bobs.length;
      const all = await plane.sessions({ limit: 1000 });
      t.equal(all.total, total);
      t.equal(new Set(all.sessions.map(({ id }) => id)).size, total);
      const workers = new Set(all.sessions.map(({ worker }) => worker));
      t.same(workers, new Set(mode === 'reactor' ? [0, 1] : [0]));
      const created = all.sessions.map(({ createdAtUnixSeconds }) => createdAtUnixSeconds);
      t.same(
        created,
        created.toSorted((a, b) => a - b),
        'the oldest first',
      );
      const page = await plane.sessions({ limit: 3 });
      t.equal(page.sessions.length, 3);
      t.equal(page.total, total);
      const ofBob = await plane.sessions({ userId: BOB.username, listener: 'tcp', limit: 1000 });
      t.equal(ofBob.total, bobs.length);
      t.equal((await plane.sessions({ userId: BOB.username, listener: 'udp', limit: 9 })).total, 0);
      const port = `${HOST}:${bobs[0]!.localPort}`;
      const session = ofBob.sessions.find(({ client }) => client === port);
      t.match(session, {
        userId: BOB.username,
        listener: 'tcp',
        transport: 'tcp',
        isDegraded: false,
        permissions: [HOST],
        channels: [{ number: CHANNEL, peer: scene.peer.address.toString() }],
        credentialExpiresAtUnixSeconds: undefined,
      });
      t.ok(session!.secondsLeft > 590 && session!.secondsLeft <= 600);

      t.equal(await plane.endSessions({ reason: 'kicked', id: session!.id }), 1);
      t.equal(await plane.endSessions({ reason: 'kicked', id: session!.id }), 0);
      await t.rejects(bobs[0]!.refresh(600), CLOSED, 'its connection is closed');
      for (const call of bobs.slice(1)) await echo(call);
      t.equal(await plane.endSessions({ reason: 'revoked', userId: BOB.username }), 5);
      for (const call of bobs.slice(1)) await t.rejects(call.refresh(600), CLOSED);
      for (const call of udpCalls) await echo(call);
      const count = udpCalls.length;
      t.equal(await plane.endSessions({ reason: 'kicked', userId: ALICE.username }), count);
      await t.rejects(udpCalls[0]!.refresh(600), { code: 437 });
      t.equal((await plane.sessions({ limit: 10 })).total, 0);
      const reasons = scene.ends();
      t.equal(reasons.length, 1 + 5 + count);
      t.equal(reasons.filter((reason) => reason === 'revoked').length, 5);
      t.equal(reasons.filter((reason) => reason === 'kicked').length, 1 + count);
    });

    if (mode === 'reactor') reactorTests(t, gateway);

    t.test('how the workers do', async (t) => {
      const scene = await open(t, gateway, ({ first }) => [planOf('tcp', 'tcp', first)]);
      const { plane, first } = scene;
      await scene.call(first, { transport: 'tcp' });
      t.equal(gateway.connections().connectionsOpen, 1, 'of all that there were, one is left');
      const healthy = await poll(
        () => plane.workers(),
        (workers) => workers.every(({ lagMs }) => lagMs > 0 && lagMs < 1000),
      );
      t.equal(healthy.length, mode === 'reactor' ? 2 : 1);
      const change = plane.replaceListeners([planOf('other', 'tcp', first)], NO_TLS);
      const refusal = t.rejects(change, STOPPING, 'a change that is under way');
      await plane.stop();
      await refusal;
      t.ok(await isPortFree(first));
      const late = plane.replaceListeners([planOf('tcp', 'tcp', first)], NO_TLS);
      await t.rejects(late, STOPPING, 'one that comes too late');
      t.ok(await isPortFree(first));
      const { connectionsOpened, connectionsOpen } = gateway.connections();
      t.ok(connectionsOpened > 10, `${connectionsOpened} connections`);
      t.equal(connectionsOpen, 0);
      t.same(await plane.sessions({ limit: 10 }), { sessions: [], total: 0 });
      t.equal(await plane.endSessions({ reason: 'kicked', id: '' }), 0);
    });
  });
}

/** What only a reactor can do. */
function reactorTests(t: Test, gateway: PlaneUnderTest): void {
  t.test(
    'a worker that dies answers nothing, and comes back with what is planned now',
    async (t) => {
      const scene = await open(t, gateway, ({ first }) => [planOf('udp', 'udp', first)]);
      const { plane, policies, first, second, third } = scene;
      await scene.callsOnEveryWorker(first);
      const now = [planOf('udp', 'udp', second), planOf('tcp', 'tcp', third)];
      await plane.replaceListeners(now, NO_TLS);
      const { rules } = policies;
      t.ok(plane.workers().every(({ restarts }) => restarts === 0));
      const wrong = { ...rules, alternateServers: [{ address: 'no address', port: 1 }] };
      plane.replacePolicies({ rules: wrong });
      plane.replacePolicies({ rules });
      t.same(await plane.sessions({ limit: 10 }), { sessions: [], total: 0 });
      await poll(
        () => scene.records('a relay worker was started again').length,
        (count) => count === 2,
      );
      t.same(
        plane.workers().map(({ restarts }) => restarts),
        [1, 1],
      );
      for (let count = 0; count < 4; count++) {
        await echo(await scene.call(second));
        await echo(await scene.call(third, { transport: 'tcp' }));
      }
      await poll(() => isPortFree(first), Boolean);
      t.pass('nobody is left at the old place, which is free');
    },
  );

  t.test(
    'UDP becomes DTLS on the same port, and back',
    { skip: missingDtlsClient() },
    async (t) => {
      const scene = await open(t, gateway, ({ first }) => [planOf('udp', 'udp', first)]);
      const { plane, first } = scene;
      const settings = new Map([['udp', tlsSettings([certificate])]]);
      await scene.call(first);
      await plane.replaceListeners([planOf('udp', 'dtls', first)], settings);
      t.same(scene.ends(), ['listenerClosed'], 'both cannot have the port');
      const call = await scene.dtlsCall(first);
      await echo(call);

      await plane.replaceListeners([planOf('udp', 'dtls', first, { alsoPlain: true })], settings);
      const [plain, neighbour] = await scene.neighbours(first);
      t.equal(await neighbour.refresh(0), 0);
      await plane.replaceListeners([planOf('udp', 'dtls', first)], settings);
      await echo(plain);
      await echo(call);
      await t.rejects(neighbour.allocate(), { code: 508 }, 'plain ones come no more');
      t.equal(await plain.refresh(0), 0);

      const { id } = await scene.sessionOf(call);
      t.equal(await plane.endSessions({ reason: 'kicked', id }), 1);
      await t.rejects(call.refresh(600), CLOSED, 'its association is closed');
      await scene.dtlsCall(first);
      await plane.replaceListeners([planOf('udp', 'udp', first)], NO_TLS);
      await echo(await scene.call(first));
    },
  );

  t.test(
    'a DTLS listener moves while its associations go on',
    { skip: missingDtlsClient() },
    async (t) => {
      const scene = await open(t, gateway, () => []);
      const { plane, first, second } = scene;
      const settings = new Map([['udp', tlsSettings([certificate])]]);
      await plane.replaceListeners([planOf('udp', 'dtls', first)], settings);
      const call = await scene.dtlsCall(first);
      await plane.replaceListeners([planOf('udp', 'dtls', second)], settings);
      await echo(call);
      await echo(await scene.dtlsCall(second));
      await call.close();
      const { id } = await scene.sessionOf(call);
      t.equal(await plane.endSessions({ reason: 'kicked', id }), 1);
      await poll(() => isPortFree(first), Boolean);
      t.pass('its old place is free once the last association is closed');
    },
  );
}

function missingReactor(): string | false {
  const support = checkSupport();
  return support.supported ? missingBuild() : support.reason;
}

/** Three free ports, and a plane that listens on some of them. */
interface Ports {
  readonly first: number;
  readonly second: number;
  readonly third: number;
}

async function open(
  t: Test,
  gateway: PlaneUnderTest,
  plansFor: (ports: Ports) => ListenerPlan[],
): Promise<Scene> {
  const first = await freePorts(3);
  const ports = { first, second: first + 1, third: first + 2 };
  const peer = await openUdpEchoPeer();
  t.teardown(() => peer.close());
  // Nothing of the test before is left.
  await gateway.plane.replaceListeners([], NO_TLS);
  const scene = new Scene(t, gateway, ports, peer);
  await gateway.plane.replaceListeners(plansFor(ports), NO_TLS);
  return scene;
}

/** A plane with an echo peer and clients. */
class Scene {
  readonly plane: PlaneUnderTest['plane'];
  readonly policies: PlaneUnderTest['policies'];
  readonly records: PlaneUnderTest['records'];
  readonly peer: UdpEchoPeer;
  readonly first: number;
  readonly second: number;
  readonly third: number;
  readonly #test: Test;
  readonly #endsBefore: number;

  constructor(
    test: Test,
    { plane, policies, records }: PlaneUnderTest,
    ports: Ports,
    peer: UdpEchoPeer,
  ) {
    this.#test = test;
    this.plane = plane;
    this.policies = policies;
    this.records = records;
    this.peer = peer;
    this.first = ports.first;
    this.second = ports.second;
    this.third = ports.third;
    this.#endsBefore = records('allocation ended').length;
  }

  /** Why allocations have ended in this test so far. */
  ends(): unknown[] {
    const records = this.records('allocation ended').slice(this.#endsBefore);
    return records.map(({ fields }) => fields?.['reason']);
  }

  async client(port: number, options: Partial<TurnClientOptions> = {}): Promise<TurnClient> {
    const server = { host: HOST, port };
    const client = await TurnClient.open({ server, credential: ALICE, ...options });
    this.#test.teardown(() => client.close().catch(() => undefined));
    return client;
  }

  /** A client with an allocation and a channel to the peer. */
  async call(port: number, options: Partial<TurnClientOptions> = {}): Promise<TurnClient> {
    const client = await this.client(port, options);
    await client.allocate();
    await client.channelBind(CHANNEL, this.peer.address);
    await echo(client);
    return client;
  }

  async dtlsCall(port: number): Promise<TurnClient> {
    return this.call(port, { connection: await DtlsClient.connect({ host: HOST, port }) });
  }

  /** What the plane tells of a call. */
  async sessionOf({ localPort }: TurnClient): Promise<Session> {
    const { sessions } = await this.plane.sessions({ limit: 100 });
    return sessions.find(({ client }) => client === `${HOST}:${localPort}`)!;
  }

  /** Two calls over UDP by way of the same worker. */
  async neighbours(port: number): Promise<[TurnClient, TurnClient]> {
    const callByWorker = new Map<number, TurnClient>();
    for (;;) {
      const call = await this.call(port);
      const { worker } = await this.sessionOf(call);
      const other = callByWorker.get(worker);
      if (other !== undefined) return [other, call];
      callByWorker.set(worker, call);
    }
  }

  /** Calls over UDP until each worker has two. */
  async callsOnEveryWorker(port: number): Promise<TurnClient[]> {
    const calls: TurnClient[] = [];
    for (let count = 0; count < 50; count++) {
      calls.push(await this.call(port));
      const { sessions } = await this.plane.sessions({ limit: 100 });
      const counts = this.plane.workers().map((_, index) => {
        return sessions.filter(({ worker }) => worker === index).length;
      });
      if (counts.every((each) => each >= 2)) return calls;
    }
    throw new Error('fifty calls, and not two on each worker');
  }
}

async function echo(client: TurnClient): Promise<void> {
  client.sendOnChannel(CHANNEL, Buffer.from('echo'));
  await client.receive();
}

/** What becomes of a TCP connection that asks who it is. */
async function connectionTo(port: number): Promise<'refused' | 'closed' | 'open'> {
  const socket = connect({ host: HOST, port });
  const binding = Buffer.from('000100002112a442000000000000000000000000', 'hex');
  const outcome = new Promise<'refused' | 'closed' | 'open'>((resolve) => {
    socket.once('connect', () => socket.write(binding));
    socket.once('data', () => resolve('open'));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      resolve(code === 'ECONNREFUSED' ? 'refused' : 'closed');
    });
    socket.once('close', () => resolve('closed'));
  });
  return outcome.finally(() => socket.destroy());
}
