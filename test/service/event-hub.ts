import t from 'tap';
import type { GatewayEvent } from '../../src/http/admin/gateway-control.ts';
import { EventHub } from '../../src/service/event-hub.ts';

function publish(hub: EventHub, count: number): void {
  for (let index = 0; index < count; index++) hub.publish({ type: 'a.b', data: { index } });
}

const ids = (events: readonly GatewayEvent[]): number[] => events.map(({ id }) => id);

t.test('events are numbered from 1 and told to everybody in order', async (t) => {
  const hub = new EventHub();
  t.equal(hub.lastId, 0);
  const told: string[] = [];
  const leave = hub.subscribe(({ id }) => told.push(`first ${id}`));
  hub.subscribe(({ id, type, data }) => told.push(`second ${id} ${type} ${JSON.stringify(data)}`));
  const event = hub.publish({ type: 'config.reloaded', data: { outcome: 'applied' } });
  t.match(event, { id: 1, type: 'config.reloaded', data: { outcome: 'applied' } });
  t.equal(new Date(event.at).toISOString(), event.at);
  leave();
  leave();
  hub.publish({ type: 'x', data: {} });
  t.strictSame(told, [
    'first 1',
    'second 1 config.reloaded {"outcome":"applied"}',
    'second 2 x {}',
  ]);
  t.equal(hub.lastId, 2);
});

t.test('one function may listen twice, and leaves one by one', async (t) => {
  const hub = new EventHub();
  let calls = 0;
  const count = (): void => void (calls += 1);
  const leave = hub.subscribe(count);
  hub.subscribe(count);
  publish(hub, 1);
  leave();
  publish(hub, 1);
  t.equal(calls, 3);
});

t.test('who leaves while it is told hears nothing more', async (t) => {
  const hub = new EventHub();
  const heard: number[] = [];
  const leave = hub.subscribe(({ id }) => {
    heard.push(id);
    leave();
  });
  publish(hub, 3);
  t.strictSame(heard, [1]);
});

t.test('the latest events are kept, and no others', async (t) => {
  const cases: readonly [number, number, number, number[]][] = [
    [3, 0, 0, []],
    [3, 2, 0, [1, 2]],
    [3, 2, 1, [2]],
    [3, 2, 2, []],
    [3, 3, 0, [1, 2, 3]],
    [3, 4, 0, [2, 3, 4]],
    [3, 10, 0, [8, 9, 10]],
    [3, 10, 7, [8, 9, 10]],
    [3, 10, 8, [9, 10]],
    [3, 10, 10, []],
    [3, 10, 11, [8, 9, 10]],
    [3, 2, 5000, [1, 2]],
    [1, 5, 0, [5]],
  ];
  for (const [kept, published, afterId, expected] of cases) {
    const hub = new EventHub(kept);
    publish(hub, published);
    t.strictSame(ids(hub.since(afterId)), expected, `${kept} ${published} ${afterId}`);
    const heard: GatewayEvent[] = [];
    hub.subscribe((event) => heard.push(event), afterId);
    publish(hub, 1);
    t.strictSame(ids(heard), [...expected, published + 1], 'and what comes follows');
  }
  const hub = new EventHub();
  publish(hub, 1500);
  t.equal(hub.since(0).length, 1000, '1000 by default');
  t.throws(() => new EventHub(0), RangeError);
});
