import { checkSupport } from '../../src/sys/libc.ts';
import { authenticationCases } from './groups/authentication.ts';
import { manyClientCases } from './groups/many-clients.ts';
import { messageCases } from './groups/messages.ts';
import { packetCases } from './groups/packets.ts';
import { queueCases } from './groups/queues.ts';
import { relayPathCases } from './groups/relay-paths.ts';
import { requestCases } from './groups/requests.ts';
import { routeCases } from './groups/routes.ts';
import { streamCases } from './groups/streams.ts';
import { systemCallCases } from './groups/system-calls.ts';
import { tableCases } from './groups/tables.ts';
import type { MicroGroup } from './micro-case.ts';

const ALL: readonly MicroGroup[] = [
  { name: 'core', isPacketPath: true, isNative: false, open: packetCases },
  { name: 'clients', isPacketPath: true, isNative: false, open: manyClientCases },
  { name: 'tables', isPacketPath: true, isNative: false, open: tableCases },
  { name: 'messages', isPacketPath: true, isNative: false, open: messageCases },
  { name: 'streams', isPacketPath: true, isNative: false, open: streamCases },
  { name: 'routes', isPacketPath: true, isNative: false, open: routeCases },
  { name: 'system calls', isPacketPath: true, isNative: true, open: systemCallCases },
  { name: 'queues', isPacketPath: true, isNative: true, open: queueCases },
  { name: 'relay', isPacketPath: true, isNative: true, open: relayPathCases },
  { name: 'authentication', isPacketPath: false, isNative: false, open: authenticationCases },
  { name: 'requests', isPacketPath: false, isNative: false, open: requestCases },
];

/** The groups that can be measured here. */
export function availableGroups(): readonly MicroGroup[] {
  return ALL.filter(({ isNative }) => !isNative || checkSupport().supported);
}
