import t from 'tap';
import type { GatewayConfig } from '../../src/config/gateway-config.ts';
import { OWN_ADDRESS_SETS_MAX } from '../../src/limits.ts';
import { OwnAddressHistory } from '../../src/service/own-address-history.ts';
import { PolicyStore } from '../../src/service/policy-store.ts';
import { configFrom } from '../support/configuration.ts';
import { addressFrom } from '../support/turn-client.ts';

function configOf(listenerPort: number, minPort: number, advertise: string): GatewayConfig {
  return configFrom(`
version: v1
auth: { type: none }
admin: { api_endpoint: '', healthcheck_endpoint: '' }
listeners: [{ name: udp, protocol: UDP, port: ${listenerPort}, routes: [all] }]
relay:
  min_port: ${minPort}
  max_port: ${minPort + 999}
  addresses: [{ bind: 127.0.0.8, advertise: ${advertise} }]
clusters: [{ name: all, endpoints: [0.0.0.0/0], dangerously_allow: [127.0.0.0/8] }]
`);
}

t.test('what the gateway was is no peer either: allocations may still live there', (t) => {
  const first = configOf(4000, 20_000, '203.0.113.1');
  const second = configOf(5000, 40_000, '203.0.113.2');
  const store = new PolicyStore(first);
  const verdict = (ip: string, port: number): string =>
    store.routes.admit('udp', undefined, addressFrom(ip, port), port);
  const ips = ['127.0.0.1', '127.0.0.8', '203.0.113.1', '203.0.113.2'];
  const ports = [4000, 20_000, 20_999, 5000, 40_000, 40_999];
  t.equal(verdict('127.0.0.1', 4000), 'ownAddress');
  t.equal(verdict('127.0.0.1', 5000), 'admitted', 'what comes later is not known yet');
  const changed: string[][] = [];
  store.follow((parts) => changed.push(Object.keys(parts)));
  const expectAll = (when: string): void => {
    for (const ip of ips) {
      for (const port of ports) t.equal(verdict(ip, port), 'ownAddress', `${when}: ${ip}:${port}`);
      t.equal(verdict(ip, 30_000), 'admitted', `${when}: another port of ${ip}`);
    }
    t.equal(verdict('203.0.113.3', 4000), 'admitted', `${when}: another address`);
  };
  store.replaceConfig(second);
  expectAll('after a reload');
  store.setDraining(true);
  expectAll('after another change');
  store.replaceConfig(first);
  expectAll('back again');
  t.ok(changed[0]?.includes('routes'), 'workers are told');
  changed.length = 0;
  store.replaceConfig(first);
  t.same(changed, [], 'and told nothing when nothing changes');
  t.end();
});

t.test('the history is bounded', (t) => {
  const history = new OwnAddressHistory();
  const setOf = (port: number) => [{ address: '10.0.0.5', ports: [[port, port] as const] }];
  const portsAfter = (port: number) => history.note(setOf(port))[0]?.ports;
  for (let port = 2; port <= 2 * OWN_ADDRESS_SETS_MAX; port += 2) portsAfter(port);
  t.equal(portsAfter(2)?.length, OWN_ADDRESS_SETS_MAX, 'one that comes again is not another');
  const later = portsAfter(1001);
  t.equal(later?.length, OWN_ADDRESS_SETS_MAX);
  t.same(later?.[0], [2, 2], 'the one that came again is young');
  t.same(later?.[1], [6, 6], 'the oldest is forgotten');
  t.same(later?.at(-1), [1001, 1001]);
  t.end();
});

t.test('ranges are merged, and the current addresses come first', (t) => {
  const history = new OwnAddressHistory();
  history.note([{ address: '10.0.0.5', ports: [[10, 20], [30, 40]] }]); // prettier-ignore
  const all = history.note([
    { address: '10.0.0.6', ports: [[21, 25], [35, 37], [41, 41], [50, 50]] },
  ]); // prettier-ignore
  const ports = [[10, 25], [30, 41], [50, 50]]; // prettier-ignore
  t.same(all, [
    { address: '10.0.0.6', ports },
    { address: '10.0.0.5', ports },
  ]);
  t.end();
});
