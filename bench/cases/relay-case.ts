import type { RelayCase } from '../report-data.ts';

/** The load of the headline figures, without direction and rate. */
const USUAL = {
  transport: 'udp',
  clients: 100,
  allocations: 100,
  framing: 'channelData',
  payloadBytes: 200,
  burst: 1,
  packetsPerSecond: null,
  routes: 1,
  workers: 1,
} as const;

/** Completes a case, named after its load; `allocations` are as many as `clients` unless they are given. */
export function relayCase(
  own: Pick<RelayCase, 'group' | 'direction'> & Partial<RelayCase>,
  remark = '',
): RelayCase {
  const clients = own.clients ?? USUAL.clients;
  const complete = { ...USUAL, allocations: clients, ...own };
  return { ...complete, name: own.name ?? `${describeLoad(complete)}${remark}` };
}

function describeLoad(load: Omit<RelayCase, 'name'>): string {
  const { transport, direction, burst, payloadBytes, packetsPerSecond, clients, framing } = load;
  const size = burst === 1 ? `${payloadBytes} B` : `${burst} x ${payloadBytes} B`;
  const rate = packetsPerSecond === null ? 'saturated' : `${packetsPerSecond / 1000} k/s`;
  const flows = clients === USUAL.clients ? '' : `, ${clients} ${clients === 1 ? 'flow' : 'flows'}`;
  const indications = framing === 'channelData' ? '' : ', indications';
  return `${transport} ${direction} ${size} ${rate}${flows}${indications}`;
}
