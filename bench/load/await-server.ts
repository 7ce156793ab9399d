import { Arena } from '../../src/sys/arena.ts';
import { Poller } from '../../src/sys/epoll.ts';
import { EPOLLIN } from '../../src/sys/layout.ts';
import { StunWriter } from '../../src/stun/message-writer.ts';
import { CLASS, METHOD } from '../../src/stun/registry.ts';
import { type Addresses, SERVER_PORTS, transportAddress } from '../settings.ts';
import type { GeneratorMemory } from './transport/memory.ts';
import { UdpTransport } from './transport/udp-transport.ts';

const READY_MS_MAX = 10_000;
const ASK_MS = 100;

/** Asks a server with Binding requests until it answers; blocks, and throws when it never does. */
export function awaitServer(addresses: Addresses, memory: GeneratorMemory): void {
  const client = transportAddress(addresses.client, 0);
  const server = transportAddress(addresses.server, SERVER_PORTS.udp);
  const transport = new UdpTransport(memory, client, server);
  const poller = new Poller(new Arena(4096), 1);
  poller.add(transport.fd, EPOLLIN, 0);
  try {
    for (const endMs = performance.now() + READY_MS_MAX; performance.now() < endMs;) {
      if (isAnswered(transport, poller, memory)) return;
    }
    throw new Error(`no server answers at ${server.toString()}`);
  } finally {
    poller.close();
    transport.close();
  }
}

function isAnswered(transport: UdpTransport, poller: Poller, memory: GeneratorMemory): boolean {
  const { arena, messageOffset } = memory;
  const length = new StunWriter(arena.bytes, messageOffset)
    .begin(METHOD.BINDING, CLASS.REQUEST, new Uint8Array(12))
    .finish();
  transport.send(messageOffset, length);
  let answers = 0;
  const endMs = performance.now() + ASK_MS;
  // Before the server listens, what wakes this up may be an ICMP error, and then nothing wakes it any more.
  for (let left = ASK_MS; left > 0; left = endMs - performance.now()) {
    poller.wait(Math.ceil(left));
    transport.receive(() => answers++);
    if (answers > 0) return true;
  }
  return false;
}
