import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Test } from 'tap';
import { StunMessage } from '../../src/stun/message.ts';
import { StunWriter } from '../../src/stun/message-writer.ts';
import { ATTRIBUTE, CLASS } from '../../src/stun/registry.ts';
import { addressFrom } from './turn-client.ts';

/** Sees a request and sends what it likes. */
export type StunBehaviour = (request: StunMessage, reply: Reply, from: RemoteInfo) => void;

/** Sends bytes to who asked. */
export type Reply = (bytes: Uint8Array) => void;

/** A STUN server on loopback that does what a test wants of it. */
export interface ScriptedStunServer {
  readonly name: string;
  readonly port: number;
  behaviour: StunBehaviour;
  /** Requests received so far. */
  count: number;
}

/** Opens a scripted server that is closed with the test. */
export async function openStunServer(
  t: Test,
  behaviour: StunBehaviour,
  host = '127.0.0.1',
): Promise<ScriptedStunServer> {
  const isIpv6 = host.includes(':');
  const socket: Socket = createSocket(isIpv6 ? 'udp6' : 'udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  t.teardown(() => void socket.close());
  const { port } = socket.address();
  const name = isIpv6 ? `[${host}]:${port}` : `${host}:${port}`;
  const server: ScriptedStunServer = { name, port, behaviour, count: 0 };
  socket.on('message', (bytes: Uint8Array, from: RemoteInfo) => {
    const request = new StunMessage();
    if (request.decode(bytes, 0, bytes.length) !== undefined) throw new Error('not a STUN message');
    server.count++;
    server.behaviour(request, (answer) => socket.send(answer, from.port, from.address), from);
  });
  return server;
}

/** Answers that every client is at the given IP address. */
export function tells(ip: string): StunBehaviour {
  return (request, reply) => reply(bindingSuccess(request.copyTransactionId(), ip));
}

/** Never answers. */
export const silent: StunBehaviour = () => undefined;

/** A Binding success response that names an IP address. */
export function bindingSuccess(transactionId: Uint8Array, ip: string): Uint8Array {
  return new StunWriter(new Uint8Array(100))
    .begin(1, CLASS.SUCCESS, transactionId)
    .xorAddress(ATTRIBUTE.XOR_MAPPED_ADDRESS, addressFrom(ip, 4242))
    .fingerprint()
    .written();
}
