import t, { type Test } from 'tap';
import type { LogRecord } from '../../src/log.ts';
import type { WorkerHealth } from '../../src/net/data-plane.ts';
import { RelayWorkers, type RelayWorkersOptions } from '../../src/net/reactor/relay-workers.ts';
import { createSharedMemory } from '../../src/net/shared/shared-memory.ts';
import { checkSupport } from '../../src/sys/libc.ts';
import { poll } from '../support/poll.ts';
import type { WorkerScript } from '../support/scripted-worker.ts';

const SCRIPTED_WORKER = new URL('../support/scripted-worker.ts', import.meta.url);
const STARTED_AGAIN = 'a relay worker was started again';
const STANDS_STILL = 'a relay worker stands still and is ended';
/** Longer than a dead worker is not there between two starts. */
const LAG_MS = 4000;
const ANSWER = 7;
const KICK = { reason: 'kicked', id: '' } as const;

const support = checkSupport();
const skip = !support.supported && support.reason;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** One worker that does what its script says. */
class Scene {
  readonly workers: RelayWorkers<WorkerScript>;
  /** What threads to come do. */
  script: WorkerScript;
  readonly options: Writable<RelayWorkersOptions<WorkerScript>>;
  starts = 0;
  readonly #records: LogRecord[] = [];

  constructor(test: Test, script: WorkerScript) {
    this.script = script;
    const memory = createSharedMemory(1, new SharedArrayBuffer(8));
    this.options = {
      workerUrl: SCRIPTED_WORKER,
      count: 1,
      memory,
      startOf: (worker) => {
        this.starts++;
        const setup = { worker, memory, nonceKey: new Uint8Array(32), policies: this.script };
        const limits = {
          connectionsPerAddressMax: 1,
          handshakesPerSecond: 1,
          handshakesPerSecondPerAddress: 1,
        };
        return { setup, limits, listeners: [], retired: [], tls: new Map(), connectionsMax: 1 };
      },
      onIdle: () => {},
      onRecord: (record) => void this.#records.push(record),
    };
    this.workers = new RelayWorkers(this.options);
    test.teardown(() => this.workers.stop());
  }

  records(message: string): LogRecord[] {
    return this.#records.filter((record) => record.message === message);
  }

  ask(): Promise<number | undefined> {
    return this.workers.ask(0, 'end', KICK);
  }

  demand(): Promise<number | undefined> {
    return this.workers.demand(0, 'end', KICK);
  }

  async pollHealth(isExpected: (health: WorkerHealth) => boolean): Promise<void> {
    await poll(
      () => this.workers.health,
      (all) => all.every(isExpected),
    );
  }
}

/** Kinds of timers that keep this process alive. */
function pendingTimers(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout');
}

// They mostly wait for threads to be started again; those that look at the timers of this process run alone.
t.jobs = 4;

for (const script of ['die', 'serve and die'] as const) {
  t.test(`threads that ${script}, again and again`, { skip }, async (t) => {
    const scene = new Scene(t, script);
    const start = scene.workers.start();
    if (script === 'die') await t.rejects(start, { message: 'a test ends this worker' });
    else await start;
    await scene.pollHealth(({ lagMs, restarts }) => lagMs > LAG_MS && restarts > 1);
    scene.script = 'serve';
    await scene.pollHealth(({ lagMs }) => lagMs < 1000);
    t.equal(await scene.ask(), ANSWER);
    t.equal(await scene.workers.demand(1, 'end', KICK), undefined, 'unknown');
  });
}

t.test(
  'a worker that stands still is ended when it must answer',
  { skip, buffered: true },
  async (t) => {
    const scene = new Scene(t, 'serve and stall');
    await scene.workers.start();
    const demands = [scene.demand(), scene.demand()];
    scene.script = 'serve';
    t.same(await Promise.all(demands), [undefined, undefined]);
    t.equal(scene.records(STANDS_STILL).length, 1);
    t.equal(scene.starts, 1, 'what it used may be closed before there is another one');
    await poll(
      () => scene.records(STARTED_AGAIN).length,
      (count) => count === 1,
    );
    t.equal(await scene.demand(), ANSWER);
  },
);

t.test('no thread can be had', { skip }, async (t) => {
  const scene = new Scene(t, 'serve and die');
  await scene.workers.start();
  scene.options.workerUrl = new URL('http://example.org/no-file');
  await poll(
    () => scene.records('a relay worker cannot be started again, which is tried on').length,
    (count) => count === 2,
  );
  t.match(scene.workers.health, [{ restarts: 0 }]);
  t.equal(await scene.ask(), undefined);
  scene.options.workerUrl = SCRIPTED_WORKER;
  scene.script = 'serve';
  await scene.pollHealth(({ restarts }) => restarts === 1);
  t.equal(await scene.ask(), ANSWER);

  await t.test('at the first start', async (t) => {
    const other = new Scene(t, 'serve');
    other.options.workerUrl = new URL('http://example.org/no-file');
    await t.rejects(other.workers.start(), { code: 'ERR_INVALID_URL_SCHEME' });
  });
});

t.test('stop while a worker stands still', { skip, buffered: false }, async (t) => {
  const scene = new Scene(t, 'serve and stall');
  await scene.workers.start();
  const demand = scene.demand();
  await scene.workers.stop();
  t.equal(await demand, undefined);
  t.equal(scene.records(STANDS_STILL).length, 0, 'there was no time for that');
  t.equal(await scene.demand(), undefined);
  t.equal(scene.starts, 1);
  t.same(pendingTimers(), []);
});

t.test('stop while a worker is to be started again', { skip, buffered: false }, async (t) => {
  const scene = new Scene(t, 'die');
  await t.rejects(scene.workers.start());
  await poll(
    () => pendingTimers().length,
    (count) => count > 0,
  );
  const { starts } = scene;
  await scene.workers.stop();
  t.same(pendingTimers(), []);
  t.equal(scene.starts, starts);
});
