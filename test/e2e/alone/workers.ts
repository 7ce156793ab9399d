import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { CRASHABLE, crashWorkerOf, workerOf } from '../../support/crash-worker.ts';
import { ephemeralCredential } from '../../support/credentials.ts';
import { openUdpEchoPeer, type UdpEchoPeer } from '../../support/echo-peer.ts';
import { freePorts, isPortFree } from '../../support/free-ports.ts';
import {
  configurationFor,
  missingBuild,
  startReady,
  type GatewayProcess,
} from '../../support/gateway-process.ts';
import { OperatedGateway } from '../../support/operated-gateway.ts';
import { poll } from '../../support/poll.ts';
import { openDescriptors } from '../../support/process-usage.ts';
import { LOOPBACK_SERVER } from '../../support/server-under-test.ts';
import { TurnClient } from '../../support/turn-client.ts';

const STALL_WORKER = new URL('../../support/stall-worker.mjs', import.meta.url).href;
const STALL_CHANNEL = 0x4ffd;
const CHANNEL = 0x4000;
const CLIENTS_PER_TRANSPORT = 16;
const CLIENTS_MAX = 64;
const LONG_CALL_MESSAGES = 300;

const skip = missingBuild() || (process.platform !== 'linux' && 'relay workers run on Linux only');

t.test('a worker that dies takes only its own allocations along', { skip }, async (t) => {
  const clientCount = 2 * CLIENTS_PER_TRANSPORT;
  const port = await freePorts(2 + clientCount);
  // As many ports and places as clients: what a dead worker kept would be missing afterwards.
  const scene = await openScene(t, port, {
    relay: { min_port: port + 2, max_port: port + 1 + clientCount },
    limits: { allocations_max: clientCount },
  });
  const callers: Caller[] = [];
  for (const transport of ['udp', 'tcp'] as const) {
    for (let count = 0; count < CLIENTS_PER_TRANSPORT; count++) {
      callers.push(await scene.openCaller(`user-${callers.length}`, transport));
    }
  }
  const workers = new Set(callers.map(({ worker }) => worker));
  t.same(workers, new Set([0, 1]), 'clients are spread over both workers');
  await Promise.all(callers.map((caller) => scene.call(caller)));
  await Promise.all(callers.map((caller) => scene.echoAtLength(caller)));
  const descriptorCount = openDescriptors(scene.gateway.child.pid);

  for (const [round, worker] of [0, 0, 1].entries()) {
    await t.test(`crash ${round + 1}, of worker ${worker}`, async (t) => {
      const victims = callers.filter((caller) => caller.worker === worker);
      const survivors = callers.filter((caller) => caller.worker !== worker);
      const traffic = scene.startTraffic(survivors);
      await traffic.untilAllHaveEchoed();
      scene.crash(victims.find(({ transport }) => transport === 'udp')!);
      await scene.waitForRecords('a relay worker failed', round + 1);
      for (const caller of victims) await scene.expectGone(t, caller);
      await scene.waitForRecords('a relay worker was started again', round + 1);
      const { sent, received } = await traffic.stop();
      t.equal(received, sent, `clients of the other worker lost nothing of ${sent}`);

      await Promise.all(victims.map((caller) => scene.reopenAndCall(caller)));
      t.pass(`all ${victims.length} clients of the dead worker could allocate again`);
      await Promise.all(victims.map((caller) => scene.echoAtLength(caller)));
      t.equal(openDescriptors(scene.gateway.child.pid), descriptorCount, 'no descriptor leaked');
    });
  }
  const [failure] = scene.records('a relay worker failed');
  t.match(failure, { level: 'error', worker: 0, error: 'Error: a test ends this worker' });
  t.match(scene.records('a relay worker was started again').at(-1), { level: 'warn', worker: 1 });
});

t.test('a reserved port is redeemed on another worker', { skip }, async (t) => {
  const scene = await openScene(t, await freePorts(2));
  const [first, second] = await scene.openCallersOnEachWorker(3);
  const { relayed, reservationToken } = await first[0]!.client.allocate({
    isEvenPortReserved: true,
  });
  t.equal(relayed[0]!.port % 2, 0, 'even');
  const next = await second[0]!.client.allocate({ reservationToken: reservationToken! });
  t.equal(next.relayed[0]!.port, relayed[0]!.port + 1, 'the next port');
  await scene.bindAndEcho(second[0]!);

  const unused = await first[1]!.client.allocate({ isEvenPortReserved: true });
  scene.crash(first[2]!);
  await scene.waitForRecords('a relay worker was started again', 1);
  await scene.echo(second[0]!);
  t.pass('outlives the worker that had opened its socket');
  await t.rejects(
    second[1]!.client.allocate({ reservationToken: unused.reservationToken! }),
    { code: 508 },
    'a reservation that nobody took ends with its worker',
  );
});

t.test('user_quota counts over both workers', { skip }, async (t) => {
  const scene = await openScene(t, await freePorts(2), { admin: { user_quota: 4 } });
  const [first, second] = await scene.openCallersOnEachWorker(3, 'alice');
  for (const { client } of [first[0]!, second[0]!, first[1]!, second[1]!]) await client.allocate();
  for (const { client } of [first[2]!, second[2]!]) {
    await t.rejects(client.allocate(), { code: 486 }, 'the fifth is refused');
  }
  await first[0]!.client.refresh(0);
  await second[2]!.client.allocate();
  t.pass('a place given back on one worker is free on the other');
  await t.rejects(first[2]!.client.allocate(), { code: 486 });

  scene.crash(first[1]!);
  await scene.waitForRecords('a relay worker was started again', 1);
  await first[2]!.client.allocate();
  t.pass('places of a dead worker are free again');
});

t.test('a worker that stands still does not hold up a change', { skip }, async (t) => {
  const gateway = await OperatedGateway.start(
    t,
    {},
    {},
    { NODE_OPTIONS: `--import ${STALL_WORKER}` },
  );
  const { child } = gateway.process;
  const [first, second] = [await freePorts(), await freePorts()];
  const stands = 'a relay worker stands still and is ended';
  const client = await openClient(t, gateway.ports.turn);
  client.sendOnChannel(STALL_CHANNEL, Buffer.from('now'));
  await child.waitForLine((line) => line === 'a worker stands still');
  await gateway.write(withListeners(gateway, [first]));
  t.not((await gateway.reload()).body.outcome, 'failed');
  t.equal(gateway.records(stands).length, 1);
  await gateway.waitForRecords('a relay worker was started again', 1);
  for (let count = 0; count < 4; count++) await (await openClient(t, first)).allocate();
  await client.allocate();
  t.pass('its clients can allocate again');

  client.sendOnChannel(STALL_CHANNEL, Buffer.from('now'));
  await gateway.write(withListeners(gateway, [first, second]));
  const reload = gateway.reload().catch(() => undefined);
  await poll(async () => !(await isPortFree(second)), Boolean);
  child.signal('SIGTERM');
  t.match(await child.ended, { exitCode: 0 });
  t.equal(gateway.records(stands).length, 1, 'the end does not wait for it');
  await reload;
});

/** The configuration of a gateway with more listeners on UDP. */
function withListeners(gateway: OperatedGateway, ports: readonly number[]): string {
  const { listeners } = parse(gateway.text()) as { listeners: { protocol: string }[] };
  const udp = listeners.find(({ protocol }) => protocol === 'TURN-UDP')!;
  const more = ports.map((port) => ({ ...udp, name: `${port}`, port }));
  return gateway.text({ listeners: [...listeners, ...more] });
}

async function openClient(t: Test, port: number): Promise<TurnClient> {
  const credential = ephemeralCredential(LOOPBACK_SERVER.secret, 'user');
  const client = await TurnClient.open({ server: { host: '127.0.0.1', port }, credential });
  t.teardown(() => client.close());
  return client;
}

interface Caller {
  readonly user: string;
  readonly transport: 'udp' | 'tcp';
  client: TurnClient;
  worker: number;
}

interface Traffic {
  untilAllHaveEchoed(): Promise<unknown>;
  stop(): Promise<{ sent: number; received: number }>;
}

type Sections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Starts a gateway on `port` with its ICE API on the next one. */
async function openScene(t: Test, port: number, changes: Sections = {}): Promise<Scene> {
  const configuration: Record<string, unknown> = configurationFor(LOOPBACK_SERVER, port, port + 1);
  for (const [section, values] of Object.entries(changes)) {
    configuration[section] = { ...(configuration[section] as object), ...values };
  }
  const gateway = await startReady(configuration, [], CRASHABLE);
  t.teardown(() => gateway.stop());
  const peer = await openUdpEchoPeer();
  t.teardown(() => peer.close());
  const scene = new Scene(gateway, port, peer);
  t.teardown(() => scene.close());
  return scene;
}

/** A gateway with two workers, an echo peer, and clients of which it is known who serves them. */
class Scene {
  readonly gateway: GatewayProcess;
  readonly #port: number;
  readonly #peer: UdpEchoPeer;
  readonly #clients: TurnClient[] = [];

  constructor(gateway: GatewayProcess, port: number, peer: UdpEchoPeer) {
    this.gateway = gateway;
    this.#port = port;
    this.#peer = peer;
  }

  async openCaller(user: string, transport: 'udp' | 'tcp'): Promise<Caller> {
    return { user, transport, ...(await this.#connect(user, transport)) };
  }

  /** Opens clients until each worker serves at least `count` of them. */
  async openCallersOnEachWorker(count: number, user = 'user'): Promise<[Caller[], Caller[]]> {
    const callers: [Caller[], Caller[]] = [[], []];
    for (let opened = 0; opened < CLIENTS_MAX; opened++) {
      const caller = await this.openCaller(user, 'udp');
      callers[caller.worker as 0 | 1].push(caller);
      if (callers.every((ofWorker) => ofWorker.length >= count)) return callers;
    }
    throw new Error(`${CLIENTS_MAX} clients, and not ${count} on each worker`);
  }

  async call(caller: Caller): Promise<void> {
    await caller.client.allocate();
    await this.bindAndEcho(caller);
  }

  async bindAndEcho(caller: Caller): Promise<void> {
    await caller.client.channelBind(CHANNEL, this.#peer.address);
    await this.echo(caller);
  }

  async echo({ client }: Caller): Promise<void> {
    client.sendOnChannel(CHANNEL, Buffer.from('echo'));
    await client.receive();
  }

  /** Until the gateway has opened everything that it ever opens for a call. */
  async echoAtLength(caller: Caller): Promise<void> {
    for (let count = 0; count < LONG_CALL_MESSAGES; count++) await this.echo(caller);
  }

  crash({ client }: Caller): void {
    crashWorkerOf(client);
  }

  /** An allocation over UDP is unknown, a TCP connection is closed. */
  async expectGone(t: Test, { client, transport }: Caller): Promise<void> {
    const outcome = transport === 'udp' ? { code: 437 } : { message: /connection is closed/ };
    await t.rejects(client.refresh(600), outcome, `a ${transport} client`);
  }

  /** A UDP client goes on with its 5-tuple; a TCP client connects again, perhaps to the other worker. */
  async reopenAndCall(caller: Caller): Promise<void> {
    if (caller.transport === 'tcp') {
      Object.assign(caller, await this.#connect(caller.user, caller.transport));
    }
    await this.call(caller);
  }

  /** Each client sends one message after the other, the next when the last has come back. */
  startTraffic(callers: readonly Caller[]): Traffic {
    const count = { sent: 0, received: 0 };
    const end = new AbortController();
    const firstEchoes: Promise<void>[] = [];
    const streams = callers.map(async (caller) => {
      const echoOnce = async (): Promise<void> => {
        count.sent++;
        await this.echo(caller);
        count.received++;
      };
      firstEchoes.push(echoOnce());
      await firstEchoes.at(-1);
      while (!end.signal.aborted) await echoOnce();
    });
    const done = Promise.all(streams);
    done.catch(() => undefined);
    return {
      untilAllHaveEchoed: () => Promise.all(firstEchoes),
      async stop() {
        end.abort();
        await done;
        return count;
      },
    };
  }

  /** Log records with a message, so far. */
  records(message: string): Record<string, unknown>[] {
    return this.gateway.child.lines
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === message);
  }

  async waitForRecords(message: string, count: number): Promise<void> {
    await this.gateway.child.waitForLine(() => this.records(message).length >= count);
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  async #connect(
    user: string,
    transport: 'udp' | 'tcp',
  ): Promise<Pick<Caller, 'client' | 'worker'>> {
    const client = await TurnClient.open({
      server: { host: '127.0.0.1', port: this.#port },
      transport,
      credential: ephemeralCredential(LOOPBACK_SERVER.secret, user),
    });
    this.#clients.push(client);
    return { client, worker: await workerOf(client, this.gateway.child, transport) };
  }
}
