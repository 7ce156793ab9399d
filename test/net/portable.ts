import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import * as fc from 'fast-check';
import t from 'tap';
import { CONNECTION_WRITE_BUFFER_BYTES_MAX } from '../../src/limits.ts';
import { ipText, readAddress } from '../../src/net/portable/address-text.ts';
import { HandleTable } from '../../src/net/portable/handle-table.ts';
import { listenOnEach } from '../../src/net/portable/listen-on-each.ts';
import type { PortableDriver } from '../../src/net/portable/portable-driver.ts';
import { TcpConnection } from '../../src/net/portable/tcp-connection.ts';
import type { TcpListener } from '../../src/net/portable/tcp-listener.ts';
import type { ListenerPlan } from '../../src/net/data-plane.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';
import { Client, ServerEndpoint, type Allocation } from '../../src/turn/allocation.ts';
import { addressFrom } from '../support/turn-client.ts';

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const port = fc.nat(0xffff);
const anyAddress = fc.oneof(
  fc.tuple(word, port).map(([w, p]) => new TransportAddress().setIpv4(w, p)),
  fc
    .tuple(word, word, word, word, port)
    .map(([a, b, c, d, p]) => new TransportAddress().setIpv6(a, b, c, d, p)),
);

t.test('addresses to text and back', (t) => {
  const scratch = new TransportAddress();
  const property = fc.property(anyAddress, (address) => {
    const text = ipText(address);
    const isRead = readAddress(text, address.port, scratch);
    return text === address.ip() && isRead && scratch.equals(address);
  });
  t.doesNotThrow(() => fc.assert(property));
  t.notOk(readAddress('fe80::1%eth0', 1, scratch), 'a zone has no place in an address');
  t.end();
});

t.test('handles are not used again while others are left, nor while they are in use', (t) => {
  const table = new HandleTable<{ handle: number }>();
  const add = (): number => table.add((handle) => ({ handle })).handle;
  t.same([add(), add(), add()], [0, 1, 2]);
  t.same(table.remove(1), { handle: 1 });
  t.equal(table.remove(1), undefined);
  t.equal(table.get(1), undefined);
  t.equal(add(), 3);
  t.equal(table.size, 3);
  t.same([...table.values()], [{ handle: 0 }, { handle: 2 }, { handle: 3 }]);
  t.end();
});

t.test('handles begin again after the last one', (t) => {
  const table = new HandleTable<number>(2 ** 31 - 2);
  t.equal(
    table.add((handle) => handle),
    2 ** 31 - 1,
  );
  t.equal(
    table.add((handle) => handle),
    0,
  );
  t.end();
});

t.test('addresses that a host lacks', async (t) => {
  const plan = { name: 'udp', bind: undefined } as ListenerPlan;
  const failing = (code: string): Promise<void> =>
    Promise.reject(Object.assign(new Error(code), { code }));
  const outcomes: Record<string, () => Promise<void>> = {
    a: () => Promise.resolve(),
    noFamily: () => failing('EAFNOSUPPORT'),
    noAddress: () => failing('EADDRNOTAVAIL'),
    taken: () => failing('EADDRINUSE'),
  };
  const cases = [
    { ips: ['a', 'a'], skipped: 0 },
    { ips: ['a', 'noFamily', 'noAddress'], skipped: 2 },
    { ips: ['noFamily', 'a'], skipped: 1 },
    { ips: ['noFamily', 'noAddress'], skipped: 2, error: 'EADDRNOTAVAIL' },
    { ips: ['noFamily', 'taken', 'a'], skipped: 1, error: 'EADDRINUSE' },
    { ips: [], skipped: 0, error: 'no address' },
    { ips: ['noAddress'], bind: 'noAddress', skipped: 0, error: 'EADDRNOTAVAIL' },
  ];
  for (const { ips, skipped, error, bind } of cases) {
    const records: unknown[] = [];
    const listen = (ip: string): Promise<void> => outcomes[ip]!();
    const result = listenOnEach({ ...plan, bind }, ips, listen, (record) => records.push(record));
    const message = await result.then(
      () => undefined,
      (reason: Error) => reason.message,
    );
    t.match(message, error === undefined ? undefined : new RegExp(error), ips.join(' '));
    t.equal(records.length, skipped);
  }
});

t.test('a client that does not read loses relayed data first, its connection later', (t) => {
  const doomed: Client[] = [];
  const connections = { closeLater: (client: Client) => doomed.push(client) };
  const driver = { now: { monotonicMs: 0 }, connections } as unknown as PortableDriver;
  const socket = Object.assign(new EventEmitter(), {
    writableLength: 0,
    write(bytes: Uint8Array) {
      this.writableLength += bytes.length;
    },
  });
  const address = addressFrom('192.0.2.1', 1);
  const listener = { rules: { isProxy: () => false } } as unknown as TcpListener;
  const client = new Client(new ServerEndpoint('tcp', 'tcp', address, []), address, 0);
  client.allocation = {} as Allocation;
  const connection = new TcpConnection(driver, listener, client, socket as unknown as Socket);
  const data = new Uint8Array(1000);
  for (let count = 0; count < 10_000; count++) connection.sendRelayed(data);
  const max = CONNECTION_WRITE_BUFFER_BYTES_MAX;
  t.equal(socket.writableLength, max - (max % data.length), 'relayed data stops at the bound');
  while (doomed.length === 0) connection.sendControl(data);
  t.same(doomed, [client]);
  t.equal(socket.writableLength, 1000 * Math.ceil((2 * max + 1) / 1000), 'as do responses, later');
  connection.sendRelayed(data);
  t.equal(socket.writableLength, 1000 * Math.ceil((2 * max + 1) / 1000));
  socket.emit('error', new Error('reset'));
  t.end();
});
