import type { TransportAddress } from '../../../src/stun/transport-address.ts';
import type { Transport } from '../protocol.ts';
import type { GeneratorMemory } from './memory.ts';
import { TcpTransport } from './tcp-transport.ts';
import { TlsTransport } from './tls-transport.ts';
import type { ClientTransport } from './transport.ts';
import { UdpTransport } from './udp-transport.ts';

const CLASSES = { udp: UdpTransport, tcp: TcpTransport, tls: TlsTransport } as const;

/** Opens a client's way to the server; a stream is connected then. Throws when the server refuses it. */
export function openTransport(
  transport: Transport,
  memory: GeneratorMemory,
  client: TransportAddress,
  server: TransportAddress,
): ClientTransport {
  return new CLASSES[transport](memory, client, server);
}
