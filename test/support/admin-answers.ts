import type { GatewayStatus, SessionEntry } from '../../src/http/admin/gateway-control.ts';

/** What a gateway that has seen a few things says of itself. */
export const STATUS: GatewayStatus = {
  name: 'under-test',
  version: '1.2.3',
  mode: 'reactor',
  startedAt: '2030-01-02T00:00:05.000Z',
  state: 'running',
  isReady: false,
  notReadyReason: 'full',
  isAlive: true,
  allocations: { active: 12, max: 1000 },
  relayPorts: [
    { family: 'ipv4', used: 12, max: 2000 },
    { family: 'ipv6', used: 0, max: 2000 },
  ],
  workers: [
    { lagMilliseconds: 7, restarts: 0 },
    { lagMilliseconds: 1, restarts: 1 },
  ],
  listeners: [
    {
      name: 'udp',
      protocol: 'udp',
      bind: undefined,
      port: 3478,
      publicAddress: 'turn.example.org',
      publicPort: 443,
      routes: ['media', 'other'],
      connections: 0,
      receivedPackets: 100,
      receivedBytes: 1_234_567,
      sentPackets: 10,
      sentBytes: 3400,
    },
  ],
  clusters: [{ name: 'media', type: 'STATIC', protocol: 'udp', endpoints: ['10.0.0.0/8'] }],
  certificates: [
    {
      names: ['turn.example.org'],
      uses: ['listeners[0].tls'],
      kind: 'files',
      expires: '2030-01-05T12:00:00.000Z',
      daysLeft: 3.4,
    },
  ],
  revocations: [{ userId: 'mallory', until: '2030-02-01T00:00:00.000Z' }],
  lastReload: {
    outcome: 'failed',
    at: '2030-01-02T01:00:00.000Z',
    changes: [],
    kept: ['relay.workers'],
    problems: ['turnpike.yaml:1:1: is wrong'],
    milliseconds: 3,
  },
};

/** A session whose user has chosen a hostile name. */
export const SESSION: SessionEntry = {
  id: '5f1d09c2a37be846',
  user: 'al\u001B[2Jice',
  listener: 'udp',
  transport: 'udp',
  client: '192.0.2.9:5000',
  relayed: ['10.0.0.5:50000'],
  createdAt: '2030-01-02T03:03:00.000Z',
  secondsLeft: 540,
  credentialExpiresAt: undefined,
  isDegraded: true,
  permissions: ['10.0.0.7'],
  channels: [{ number: 0x4000, peer: '10.0.0.7:5004' }],
  receivedPackets: 1,
  receivedBytes: 12,
  sentPackets: 2,
  sentBytes: 1024,
  worker: 0,
};
