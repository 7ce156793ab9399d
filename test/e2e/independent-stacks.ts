import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { cleanup } from 'node-datachannel';
import t, { type Test } from 'tap';
import { TEXT_ATTRIBUTE_BYTES_MAX } from '../../src/limits.ts';
import { readText } from '../../src/stun/attributes.ts';
import type { StunMessage } from '../../src/stun/message.ts';
import { ATTRIBUTE, METHOD } from '../../src/stun/registry.ts';
import { IPV6 } from '../../src/stun/transport-address.ts';
import { within } from '../support/child-process.ts';
import { ephemeralCredential } from '../support/credentials.ts';
import { missingBuild } from '../support/gateway-process.ts';
import {
  DUAL_STACK_SERVER,
  IS_COTURN_UNDER_TEST,
  startServer,
  type IceServer,
  type ServerUnderTest,
} from '../support/server-under-test.ts';
import { addressFrom, TurnClient } from '../support/turn-client.ts';
import { openUdpSpy } from '../support/udp-spy.ts';
import { echoCall, LIBJUICE, STACKS, type InTime, type Stack } from '../support/webrtc-stacks.ts';
import { openEchoPeer } from '../support/werift-peer.ts';

const CALL_MS_MAX = 30_000;
const TEXTS = Array.from(
  { length: 20 },
  (_, index) => `message ${index} ${'x'.repeat(index * 50)}`,
);
const STATIC_USER = { username: 'static-user', password: 'static password' };

const CHOICES = [
  ATTRIBUTE.PASSWORD_ALGORITHM,
  ATTRIBUTE.PASSWORD_ALGORITHMS,
  ATTRIBUTE.MESSAGE_INTEGRITY_SHA256,
];

const skip = !IS_COTURN_UNDER_TEST && missingBuild();

for (const mode of ['reactor', 'portable'] as const) {
  await t.test(`WebRTC stacks through ${mode} mode`, { skip }, async (t) => {
    const server = await startServer({ ...DUAL_STACK_SERVER, mode });
    t.teardown(() => server.stop());
    const iceServer = await server.iceServer('alice');
    for (const stack of STACKS) {
      for (const transport of stack.transports) {
        await t.test(`${stack.name} over ${transport}`, (t) =>
          callThroughRelay(t, stack, {
            ...iceServer,
            urls: [`turn:127.0.0.1:${server.port}?transport=${transport}`],
          }),
        );
      }
    }
  });

  await t.test(`IPv6 from end to end in ${mode} mode`, { skip }, async (t) => {
    const server = await startServer({ ...DUAL_STACK_SERVER, mode });
    t.teardown(() => server.stop());
    for (const transport of ['udp', 'tcp'] as const) {
      await t.test(transport, (t) => relayOverIpv6(t, server, transport));
    }
  });
}

// A server that knows all of its users can look up a hashed name; one that learns them from credentials cannot. libjuice
// follows the feature bits of the nonce in that; of PASSWORD-ALGORITHMS its client never chooses one.
for (const { user, staticUser, nameAttribute } of [
  { user: 'ephemeral', staticUser: undefined, nameAttribute: ATTRIBUTE.USERNAME },
  { user: 'static', staticUser: STATIC_USER, nameAttribute: ATTRIBUTE.USERHASH },
]) {
  const skipHash = IS_COTURN_UNDER_TEST ? 'coturn 4.6 knows no hashed names' : skip;
  await t.test(`libjuice names its ${user} user as asked`, { skip: skipHash }, async (t) => {
    const server = await startServer(staticUser === undefined ? {} : { staticUser });
    t.teardown(() => server.stop());
    const spy = await openUdpSpy(server.port);
    t.teardown(() => spy.close());
    await callThroughRelay(t, LIBJUICE, {
      ...(await server.iceServer('alice')),
      urls: [`turn:127.0.0.1:${spy.port}?transport=udp`],
    });
    const signed = spy.requests.filter(
      (request) =>
        request.method === METHOD.ALLOCATE && request.find(ATTRIBUTE.MESSAGE_INTEGRITY) >= 0,
    );
    t.ok(signed.length >= 1, 'signed Allocate requests passed');
    t.ok(
      signed.every((request) => request.find(nameAttribute) >= 0),
      `each has ${nameAttribute === ATTRIBUTE.USERHASH ? 'USERHASH' : 'USERNAME'}`,
    );
    t.ok(
      signed.every((request) => textOf(request, ATTRIBUTE.NONCE).startsWith('obMatJos2')),
      'each returns the nonce cookie (RFC 8489 §9.2)',
    );
    t.ok(
      signed.every((request) => !CHOICES.some((type) => request.find(type) >= 0)),
      'none chooses a password algorithm: MD5 is meant',
    );
  });
}

// Threads of libjuice and refresh timers of werift outlive their closed connections.
cleanup();
t.end();
process.exit();

function textOf(message: StunMessage, type: number): string {
  return readText(message, message.find(type), TEXT_ATTRIBUTE_BYTES_MAX) ?? '';
}

async function callThroughRelay(t: Test, stack: Stack, iceServer: IceServer): Promise<void> {
  const peer = openEchoPeer();
  t.teardown(() => peer.close());
  const inTime: InTime = (step, promise) =>
    within(CALL_MS_MAX, promise, () => `${stack.name}: ${step} takes too long`);
  const answer = (offer: string): Promise<string> => peer.answer(offer);
  const echoed = await echoCall(stack, iceServer, TEXTS, answer, inTime);
  t.same(echoed, TEXTS, 'messages come back');
}

async function relayOverIpv6(
  t: Test,
  server: ServerUnderTest,
  transport: 'udp' | 'tcp',
): Promise<void> {
  const socket = createSocket('udp6');
  t.teardown(() => socket.close());
  socket.bind(0, '::1');
  await once(socket, 'listening');
  socket.on('message', (data, from) => socket.send(data, from.port, from.address));
  const peer = addressFrom('::1', socket.address().port);

  const client = await TurnClient.open({
    server: { host: '::1', port: server.port },
    transport,
    credential: ephemeralCredential(server.secret, 'alice'),
  });
  t.teardown(() => client.close());
  const { relayed, reflexive } = await client.allocate({ family: IPV6 });
  t.equal(relayed[0]?.ip(), '::1', 'relayed address');
  t.equal(reflexive.toString(), `[::1]:${client.localPort}`, 'reflexive address');

  await client.createPermission(peer);
  client.send(peer, Buffer.from('in an indication'));
  const indication = await client.receive();
  t.equal(indication.data.toString(), 'in an indication');
  t.equal(indication.source.toString(), peer.toString());

  await client.channelBind(0x4000, peer);
  client.sendOnChannel(0x4000, Buffer.from('on a channel'));
  const { data, source } = await client.receive();
  t.equal(data.toString(), 'on a channel');
  t.equal(source, 0x4000);
  t.equal(await client.refresh(0), 0, 'the allocation is gone');
}
