import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { METHOD, CLASS } from '../../src/stun/registry.ts';
import { StunWriter } from '../../src/stun/message-writer.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';
import { Arena } from '../../src/sys/arena.ts';
import { ReceiveBatch } from '../../src/sys/receive-batch.ts';
import { closeSocket, localAddress, openUdpSocket } from '../../src/sys/socket.ts';
import { steerDatagrams } from '../../src/sys/steering.ts';
import { ephemeralCredential } from '../support/credentials.ts';
import { dtlsHello } from '../support/dtls-hello.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { OperatedGateway } from '../support/operated-gateway.ts';
import { LOOPBACK_SERVER } from '../support/server-under-test.ts';
import { TurnClient } from '../support/turn-client.ts';

const CLIENTS = 40;
const ROUNDS = 10;
const MESSAGES: readonly (readonly [name: string, bytes: Uint8Array, isData: boolean])[] = [
  ['ChannelData', Buffer.from('40000004abcdabcd', 'hex'), true],
  ['ChannelData of RFC 5766', Buffer.from('7ffe0004abcdabcd', 'hex'), true],
  ['a Send indication', stun(METHOD.SEND, CLASS.INDICATION), true],
  ['DTLS application data', Buffer.from('17fefd0001', 'hex'), true],
  ['padded ChannelData', Buffer.from('40000003abcdab00', 'hex'), true],
  ['ChannelData without data', Buffer.from('40000000', 'hex'), true],
  ['ChannelData longer than what has come', Buffer.from('40000005abcdabcd', 'hex'), false],
  ['text', Buffer.from('GET / HTTP/1.1\r\n\r\n'), false],
  ['a Binding request', stun(METHOD.BINDING, CLASS.REQUEST), false],
  ['an Allocate request', stun(METHOD.ALLOCATE, CLASS.REQUEST), false],
  ['a Refresh request', stun(METHOD.REFRESH, CLASS.REQUEST), false],
  ['a DTLS hello', dtlsHello(), false],
  ['nothing', Buffer.alloc(0), false],
  ['a single byte', Buffer.from('40', 'hex'), false],
  ['what is neither', Buffer.from('ffff', 'hex'), false],
  ['what was reserved', Buffer.from('8000', 'hex'), false],
];

const skip = process.platform !== 'linux' && 'steering is a matter of Linux';

for (const ip of ['127.0.0.1', '::1']) {
  for (const workers of [1, 3]) {
    t.test(`${ip}, ${workers} workers: data and all else keep apart`, { skip }, async (t) => {
      const { sockets, port } = openSockets(t, ip, workers);
      const nextArrival = arrivalsAt(sockets);
      const seen = new Set<number>();
      for (let client = 0; client < CLIENTS; client++) {
        const socket = createSocket(ip === '::1' ? 'udp6' : 'udp4');
        t.teardown(() => socket.close());
        socket.bind(0, ip);
        await once(socket, 'listening');
        const found = [];
        for (const [name, bytes, isData] of MESSAGES) {
          await new Promise((resolve) => socket.send(bytes, port, ip, resolve));
          const index = nextArrival();
          if (index < workers !== isData) t.fail(`${name} comes to socket ${index}`);
          found.push(index % workers);
        }
        if (new Set(found).size !== 1) t.fail(`a client comes to workers ${found.join()}`);
        seen.add(found[0]!);
      }
      t.equal(seen.size, workers, 'clients come to every worker');
    });
  }
}

// While the process stands still both wait, at different sockets.
const skipCalls = skip || missingBuild();
t.test('a request comes before the data it makes way for', { skip: skipCalls }, async (t) => {
  const { process, server, peer } = await OperatedGateway.start(t);
  for (let round = 0; round < ROUNDS; round++) {
    const credential = ephemeralCredential(LOOPBACK_SERVER.secret, `user-${round}`);
    const client = await TurnClient.open({ server, credential });
    t.teardown(() => client.close());
    await client.allocate();
    process.child.signal('SIGSTOP');
    const permitted = client.createPermission(peer.address);
    client.send(peer.address, Buffer.from('at once'));
    await setImmediate();
    process.child.signal('SIGCONT');
    await permitted;
    t.equal((await client.receive()).data.toString(), 'at once');
  }
});

/** All first sockets, then all second ones. */
function openSockets(t: Test, ip: string, workers: number): { sockets: number[]; port: number } {
  const address = TransportAddress.parse(ip, 0)!;
  const sockets: number[] = [];
  t.teardown(() => sockets.forEach(closeSocket));
  for (let index = 0; index < 2 * workers; index++) {
    sockets.push(openUdpSocket({ address, reusePort: true }));
    localAddress(sockets[0]!, address);
  }
  steerDatagrams(sockets[0]!, { family: address.family, workers, secret: 0x9e3779b1 });
  return { sockets, port: address.port };
}

/** Tells at which socket a datagram has arrived; over loopback it has arrived once it is sent. */
function arrivalsAt(sockets: readonly number[]): () => number {
  const batch = new ReceiveBatch(new Arena(65_536), {
    slots: 1,
    slotBytes: 2048,
    headroomBytes: 0,
    control: false,
  });
  return () => sockets.findIndex((fd) => batch.receive(fd, 0, 1) === 1);
}

function stun(method: number, messageClass: 0 | 1 | 2 | 3): Uint8Array {
  return new StunWriter(new Uint8Array(20))
    .begin(method, messageClass, new Uint8Array(12))
    .written();
}
