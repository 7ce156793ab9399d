import type { Test } from 'tap';
import { runCases, type Result } from '../../conformance/run-cases.ts';
import type { Setup } from '../../conformance/session.ts';
import { resolveTarget } from '../../conformance/target.ts';
import { chosenTopics, TOPICS } from '../../conformance/topics.ts';
import { PEER_PORTS } from './free-ports.ts';
import {
  startSecureGateway,
  TestPki,
  tlsKeys,
  type SecureGateway,
  type SecureListener,
} from './secure-gateway.ts';
import { DUAL_STACK_SERVER, type ServerOptions } from './server-under-test.ts';

/** The users of a gateway that has static ones. */
export const CONFORMANCE_USERS = [
  { username: 'alice', password: 'wonderland' },
  { username: 'bob', password: 'builder' },
] as const;

/** A listener of the gateway as its URI names it. */
export interface ConformanceColumn {
  readonly protocol: 'UDP' | 'TCP' | 'TLS' | 'DTLS';
  readonly host: string;
}

const PEERS = ['127.0.0.1', '::1'];
const NEIGHBOUR = '127.0.0.2';
const FORBIDDEN = '10.9.9.9';
const JOBS = 16;
const PATIENCE_MS = 20_000;

/** Starts a gateway with a listener for each column: with static users, or a shared secret alone. */
export async function startConformanceGateway(
  t: Test,
  mode: ServerOptions['mode'],
  columns: readonly ConformanceColumn[],
  users: 'static' | 'ephemeral',
): Promise<SecureGateway> {
  const pki = await TestPki.create(t);
  const tls = tlsKeys(await pki.server());
  const listeners = columns.map(({ protocol, host }): [string, SecureListener] => {
    const isSecure = protocol === 'TLS' || protocol === 'DTLS';
    const plain = { protocol: `TURN-${protocol}` as const, bind: host };
    return [nameOf({ protocol, host }), isSecure ? { ...plain, tls } : plain];
  });
  const [alice, ...others] = CONFORMANCE_USERS;
  const auth = { type: 'static', realm: 'example.org', credentials: alice, users: others };
  const addresses = [...PEERS, NEIGHBOUR];
  const endpoints = addresses.map((ip) => `${ip.includes(':') ? `[${ip}]` : ip}:${PEER_PORTS}`);
  return startSecureGateway(t, {
    ...DUAL_STACK_SERVER,
    mode,
    workers: mode === 'reactor' ? 2 : 1,
    listeners: Object.fromEntries(listeners),
    changes: {
      strict_channel_numbers: true,
      ...(users === 'static' ? { auth } : {}),
      clusters: [{ name: 'peers', type: 'STATIC', endpoints, dangerously_allow: addresses }],
    },
  });
}

/** Runs the suite, or some topics of it, against one listener; `lacks` names cases that are left out. */
export async function judge(
  gateway: SecureGateway,
  column: ConformanceColumn,
  credentials: Pick<Setup, 'account' | 'other' | 'secret'>,
  { only = [], lacks = [] }: { only?: readonly string[]; lacks?: readonly string[] } = {},
): Promise<Result[]> {
  const { protocol, host } = column;
  const { port } = gateway.server(nameOf(column));
  const scheme = protocol === 'TLS' || protocol === 'DTLS' ? 'turns' : 'turn';
  const transport = protocol === 'UDP' || protocol === 'DTLS' ? 'udp' : 'tcp';
  const name = host.includes(':') ? `[${host}]` : host;
  const target = await resolveTarget(`${scheme}:${name}:${port}?transport=${transport}`);
  const setup = {
    ...credentials,
    peers: PEERS,
    forbidden: FORBIDDEN,
    isInsecure: true,
    patienceMs: PATIENCE_MS,
  };
  const topics = chosenTopics(TOPICS, only).map(({ name: topic, cases }) => ({
    name: topic,
    cases: cases.filter(({ id }) => !lacks.includes(id)),
  }));
  return runCases(topics, target, setup, JOBS);
}

function nameOf({ protocol, host }: ConformanceColumn): string {
  return `${protocol.toLowerCase()}-${host.includes(':') ? 'ipv6' : 'ipv4'}`;
}
