import { setImmediate as turn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { createAdminApp, type AdminAppOptions } from '../../src/http/admin/app.ts';
import type { GatewayEvent } from '../../src/http/admin/gateway-control.ts';
import { listen } from '../../src/http/listen.ts';
import { Log } from '../../src/log.ts';
import { HttpService } from '../../src/service/http-service.ts';
import { MemoryGateway } from '../http/fixtures/memory-gateway.ts';
import { EventStreamReader, type EventBlock } from '../support/event-stream.ts';
import { freePorts } from '../support/free-ports.ts';
import { poll } from '../support/poll.ts';

/** Counts its listeners. */
class ObservedGateway extends MemoryGateway {
  listeners = 0;

  override subscribe(onEvent: (event: GatewayEvent) => void, afterId?: number): () => void {
    this.listeners += 1;
    const leave = super.subscribe(onEvent, afterId);
    return () => {
      this.listeners -= 1;
      leave();
    };
  }
}

async function serve(t: Test, options: Partial<AdminAppOptions> = {}) {
  const control = new ObservedGateway();
  const rateLimit = { requestsMax: 1_000_000, windowMilliseconds: 1000 };
  const app = createAdminApp({ control, rateLimit, ...options });
  t.teardown(() => app.close());
  const url = `${await listen(app, { host: '127.0.0.1', port: 0 })}/api/v1/events`;
  const open = async (query = '', headers: Record<string, string> = {}) => {
    const reader = await EventStreamReader.open(url + query, headers);
    t.teardown(() => reader.close());
    return reader;
  };
  return { app, control, open, url };
}

const withData = (blocks: readonly EventBlock[]): EventBlock[] =>
  blocks.filter(({ data }) => data !== undefined);
const hasEvents = (count: number) => (blocks: readonly EventBlock[]) =>
  withData(blocks).length >= count;
const idsOf = ({ blocks }: EventStreamReader) => withData(blocks).map(({ id }) => id);

t.test('events arrive as they happen', async (t) => {
  const { control, open } = await serve(t);
  control.hub.publish({ type: 'before', data: {} });
  const reader = await open();
  t.equal(reader.statusCode, 200);
  t.match(reader.headers, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-accel-buffering': 'no',
  });
  const sent = [
    control.hub.publish({ type: 'allocation.created', data: { user: 'a\nb', n: 1 } }),
    control.hub.publish({ type: 'config.reloaded', data: {} }),
  ];
  await reader.until(hasEvents(2));
  t.strictSame(
    withData(reader.blocks).map(({ id, event, data }) => [id, event, JSON.parse(data ?? '')]),
    sent.map((event) => [String(event.id), event.type, event]),
    'not what happened before',
  );
  t.equal(reader.blocks[0]?.retry, '2000');
  reader.close();
  await poll(
    () => control.listeners,
    (count) => count === 0,
  );
});

t.test('only the types that are asked for', async (t) => {
  const { control, open } = await serve(t);
  const reader = await open('?types=allocation,%20config.reloaded');
  const types = [
    'allocation.created',
    'allocations.x',
    'config.reloaded',
    'config.reloaded.x',
    'config',
    'allocation',
  ];
  for (const type of types) control.hub.publish({ type, data: {} });
  await reader.until(hasEvents(4));
  t.strictSame(
    withData(reader.blocks).map(({ event }) => event),
    ['allocation.created', 'config.reloaded', 'config.reloaded.x', 'allocation'],
  );
});

t.test('a reader that comes back gets what it has missed', async (t) => {
  const { control, open } = await serve(t);
  for (let count = 0; count < 5; count++) control.hub.publish({ type: 'a', data: {} });
  const reader = await open('', { 'last-event-id': '3' });
  control.hub.publish({ type: 'a', data: {} });
  await reader.until(hasEvents(3));
  t.strictSame(idsOf(reader), ['4', '5', '6']);

  for (let count = 6; count < 1010; count++) control.hub.publish({ type: 'a', data: {} });
  const late = await open('', { 'last-event-id': '3' });
  await late.until(hasEvents(1001));
  const [gap, first] = withData(late.blocks);
  t.match(gap, { event: 'stream.gap', id: undefined, data: '{"missed":7}' });
  t.equal(first?.id, '11');
  t.equal(late.blocks.at(-1)?.id, '1010');

  for (const id of ['x', '-1', '1.5', '9'.repeat(17)]) {
    t.equal((await open('', { 'last-event-id': id })).statusCode, 400, id);
  }
});

t.test('a reader that was away gets more at once than may wait', async (t) => {
  const { control, open } = await serve(t, { eventStreams: { waitingBytesMax: 1000 } });
  for (let count = 0; count < 1000; count++) {
    control.hub.publish({ type: 'a', data: { text: 'x'.repeat(1000) } });
  }
  const reader = await open('', { 'last-event-id': '0' });
  await reader.until(hasEvents(1000));
  t.equal(reader.blocks.at(-1)?.id, '1000');
});

t.test('heartbeats move a reader on that wants none of the events', async (t) => {
  const { control, open } = await serve(t, { eventStreams: { heartbeatMilliseconds: 10 } });
  const reader = await open('?types=nothing');
  await reader.until((blocks) => blocks.some(({ comment }) => comment === 'heartbeat'));
  t.ok(reader.blocks.every(({ id }) => id === undefined));
  control.hub.publish({ type: 'a', data: {} });
  await reader.until((blocks) => blocks.at(-1)?.id === '1');
  t.match(reader.blocks.at(-1), { comment: 'heartbeat', data: undefined });
});

t.test('a slow reader is disconnected, and the others are not', async (t) => {
  const { control, open } = await serve(t);
  const slow = await open();
  const quick = await open();
  slow.pause();
  const text = 'x'.repeat(64 * 1024);
  let published = 0;
  // Beyond what the kernel buffers for a connection, the reader is gone.
  while (control.listeners === 2 && published < 2000) {
    control.hub.publish({ type: 'a', data: { text } });
    published += 1;
    await quick.until(hasEvents(published));
    await turn();
  }
  t.equal(control.listeners, 1, `after ${published} events`);
  t.equal(withData(quick.blocks).length, published);
});

t.test('only so many streams at a time', async (t) => {
  const { control, open } = await serve(t);
  const readers = await Promise.all(Array.from({ length: 32 }, () => open()));
  t.ok(readers.every(({ statusCode }) => statusCode === 200));
  const refused = await open();
  t.equal(refused.statusCode, 503);
  t.equal(refused.headers['retry-after'], '5');
  readers[0]?.close();
  await poll(
    () => control.listeners,
    (count) => count === 31,
  );
  t.equal((await open()).statusCode, 200);
});

t.test('closing the API ends the streams', async (t) => {
  const { app, control, open } = await serve(t);
  const reader = await open();
  control.hub.publish({ type: 'last', data: {} });
  await app.close();
  await reader.ended;
  t.strictSame(idsOf(reader), ['1']);
  t.equal(control.listeners, 0);
});

t.test('an API that takes the place of another ends its streams', async (t) => {
  const control = new ObservedGateway();
  const log = new Log({ format: 'json', levels: { all: 'ERROR' } });
  const api = { name: 'the admin API', scope: 'api', tls: undefined, log };
  const port = await freePorts(1);
  const endpoint = { host: '127.0.0.1', port, path: '/' };
  const service = await HttpService.start({
    ...api,
    endpoint,
    app: createAdminApp({ control, token: 'old' }),
  });
  t.teardown(() => service?.stop());
  const open = async (token: string, lastEventId = '') =>
    EventStreamReader.open(`http://127.0.0.1:${port}/api/v1/events`, {
      authorization: `Bearer ${token}`,
      'last-event-id': lastEventId,
    });
  const reader = await open('old');
  control.hub.publish({ type: 'a', data: {} });
  await reader.until(hasEvents(1));
  await service?.replaceApp(createAdminApp({ control, token: 'new' }));
  await reader.ended;
  control.hub.publish({ type: 'a', data: {} });
  t.equal((await open('old', '1')).statusCode, 401);
  const next = await open('new', '1');
  await next.until(hasEvents(1));
  t.strictSame([...idsOf(reader), ...idsOf(next)], ['1', '2']);
  next.close();
});

t.test('a stream asks for the token', async (t) => {
  const { open } = await serve(t, { token: 'secret' });
  t.equal((await open()).statusCode, 401);
  t.equal((await open('', { authorization: 'Bearer secret' })).statusCode, 200);
});
