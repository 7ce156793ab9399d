import { embeddedIpv4 } from '../../../src/route/canonical-address.ts';
import { forbiddenCategory } from '../../../src/route/forbidden-peers.ts';
import { RouteTable } from '../../../src/route/route-table.ts';
import { IPV4, TransportAddress } from '../../../src/stun/transport-address.ts';
import { transportAddress } from '../../settings.ts';
import { CALLS, expectAll, type MicroCase } from '../micro-case.ts';

const LISTENER = 'listener';
const CLUSTER = 'media';
const FIRST_WORD = 0x0a000000;
const PORT = 5004;
const STRIDE = 7919;

/** Whether peers may be reached: asked once for each peer port, and anew when that changes. */
export function routeCases(): MicroCase[] {
  return [
    ...[1, 100, 10_000].flatMap(routesOf),
    ...[
      ['an IPv4 address', '10.0.0.1'],
      ['an IPv6 address', '2001:db8::1'],
      ['a mapped address', '::ffff:10.0.0.1'],
      ['a NAT64 address', '64:ff9b::10.0.0.1'],
    ].flatMap(([name = '', ip = '']) => [
      canonicalisation(`embeddedIpv4 of ${name}`, ip),
      denial(`forbiddenCategory of ${name}`, ip),
    ]),
  ];
}

function routesOf(count: number): MicroCase[] {
  const table = new RouteTable({
    listeners: [{ name: LISTENER, routes: [CLUSTER] }],
    clusters: [
      {
        name: CLUSTER,
        protocol: 'udp',
        endpoints: Array.from({ length: count }, (_, index) => ({
          address: addressOf(index, new TransportAddress()).ip(),
          prefixLength: 32,
          minPort: 1,
          maxPort: 65_535,
        })),
        dangerouslyAllow: [],
      },
    ],
    own: [{ address: '192.0.2.1', ports: [[3478, 3478]] }],
  });
  const name = count === 1 ? '1 endpoint' : `${count.toLocaleString('en')} endpoints`;
  return [
    { name: `RouteTable.clusterOf, ${name}`, calls: CALLS, run: admissions(table, count) },
    { name: `RouteTable.admit, denied by ${name}`, calls: CALLS, run: refusals(table, count) },
  ];
}

function admissions(table: RouteTable, count: number): MicroCase['run'] {
  const peer = new TransportAddress();
  let index = 0;
  return (calls) => {
    let admitted = 0;
    for (let call = 0; call < calls; call++) {
      index = (index + STRIDE) % count;
      const cluster = table.clusterOf(LISTENER, undefined, addressOf(index, peer), PORT);
      if (cluster !== undefined) admitted++;
    }
    return expectAll(admitted, calls);
  };
}

function refusals(table: RouteTable, count: number): MicroCase['run'] {
  const peer = new TransportAddress();
  let index = 0;
  return (calls) => {
    let denied = 0;
    for (let call = 0; call < calls; call++) {
      index = (index + STRIDE) % count;
      const verdict = table.admit(LISTENER, undefined, addressOf(count + index, peer), PORT);
      if (verdict === 'noRoute') denied++;
    }
    return expectAll(denied, calls);
  };
}

function addressOf(index: number, into: TransportAddress): TransportAddress {
  return into.setIpv4(FIRST_WORD + index, PORT);
}

function canonicalisation(name: string, ip: string): MicroCase {
  const addresses = neighbours(ip);
  const run = (calls: number): number => {
    let found = 0;
    for (let call = 0; call < calls; call++) found += embeddedIpv4(addresses[call & 0xff]!).length;
    return found;
  };
  return { name, calls: CALLS, mayAllocate: true, run };
}

function denial(name: string, ip: string): MicroCase {
  const addresses = neighbours(ip);
  const run = (calls: number): number => {
    let forbidden = 0;
    for (let call = 0; call < calls; call++) {
      if (forbiddenCategory(addresses[call & 0xff]!) !== undefined) forbidden++;
    }
    return forbidden;
  };
  return { name, calls: CALLS, mayAllocate: true, run };
}

/** 256 addresses that begin alike. */
function neighbours(ip: string): TransportAddress[] {
  return Array.from({ length: 256 }, (_, index) => {
    const address = transportAddress(ip, PORT);
    if (address.family === IPV4) address.word0 += index;
    else address.word3 += index;
    return address;
  });
}
