import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

// Listeners and peers live below the ephemeral range (32768-60999 on Linux), relays above it.
const PORT_MIN = 20_000;
const PORT_MAX = 31_999;
/** Test files that run at the same time look in places of their own: a port is free until it is listened on. */
const JOBS_MAX = 4;
const JOB_PORTS = Math.floor((PORT_MAX - PORT_MIN) / JOBS_MAX);
const JOB_PORT_MIN = PORT_MIN + (Number(process.env['TAP_JOB_ID'] ?? 0) % JOBS_MAX) * JOB_PORTS;

/** Ports for `relay.min_port` and `relay.max_port`, out of reach of sockets that choose a port themselves. */
export const RELAY_PORTS = { min: 61_000, max: 65_535 } as const;
/** Ports of test peers: everything below the relay ports, in the form of a cluster endpoint. */
export const PEER_PORTS = '<1024-60999>';

/**
 * Finds consecutive ports that nobody uses, over UDP and TCP, on both loopback addresses.
 *
 * @param count - how many in a row.
 * @returns the first of them, which is even.
 */
export async function freePorts(count = 1): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const first = 2 * Math.floor((JOB_PORT_MIN + Math.random() * (JOB_PORTS - count)) / 2);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const free = await Promise.all(ports.map(isPortFree));
    if (free.every(Boolean)) return first;
  }
  throw new Error(`no ${count} free ports of ${JOB_PORTS} from ${JOB_PORT_MIN} on`);
}

/** True when nobody uses the port, over UDP or TCP, on either loopback address. */
export async function isPortFree(port: number): Promise<boolean> {
  for (const host of ['127.0.0.1', '::1']) {
    if (!(await isUdpFree(host, port)) || !(await isTcpFree(host, port))) return false;
  }
  return true;
}

function isUdpFree(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', () => resolve(false));
    socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}

function isTcpFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
