import { setTimeout as pause } from 'node:timers/promises';
import { missingTool, TestProcess } from '../../../test/support/child-process.ts';
import { openUdpEchoPeer } from '../../../test/support/echo-peer.ts';
import { freePorts, PEER_PORTS } from '../../../test/support/free-ports.ts';
import { configurationFor, startReady } from '../../../test/support/gateway-process.ts';
import { RelayLoad } from '../../../test/support/relay-load.ts';
import { LOOPBACK_SERVER } from '../../../test/support/server-under-test.ts';
import type { Finding, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { missingForFaults } from '../../support/fault-scene.ts';
import { atMost, exactly, isSo, untouched } from '../../support/findings.ts';
import { relayFor, relayWhile } from '../../support/relay-while.ts';
import {
  missingForNamespaces,
  NetworkNamespace,
  type Wire,
} from '../../support/network-namespace.ts';

const CALLS = 50;
const PACKETS_PER_SECOND = 40;
const CONTROL_MS = 8000;
const FAULT_MS = 4000;
/** What is lost of what is sent into the fault costs less than what is delivered. */
const PROCESSOR_SHARE_MAX = 0.25;
const LOG_LINES_MAX = 20;

/** What is done to the wire between the gateway and one of its backends, and how it is undone. */
interface Fault {
  readonly name: string;
  readonly begin: (wire: Wire) => readonly (readonly string[])[];
  readonly end: (wire: Wire) => readonly (readonly string[])[];
}

const FAULTS: readonly Fault[] = [
  {
    name: 'ENETUNREACH, route gone',
    begin: ({ name }) => [['ip', 'route', 'flush', 'dev', name]],
    end: ({ name, there }) => [['ip', 'route', 'add', network(there), 'dev', name, 'src', there]],
  },
  {
    name: 'EACCES, route prohibited',
    begin: ({ here }) => [['ip', 'route', 'add', 'prohibit', `${here}/32`]],
    end: ({ here }) => [['ip', 'route', 'delete', 'prohibit', `${here}/32`]],
  },
  {
    name: 'EHOSTUNREACH, route unreachable',
    begin: ({ here }) => [['ip', 'route', 'add', 'unreachable', `${here}/32`]],
    end: ({ here }) => [['ip', 'route', 'delete', 'unreachable', `${here}/32`]],
  },
  {
    name: 'EPERM, packet filter',
    begin: ({ here }) => [
      ['nft', 'add', 'table', 'ip', 'fault'],
      ['nft', 'add chain ip fault out { type filter hook output priority 0; }'],
      ['nft', 'add', 'rule', 'ip', 'fault', 'out', 'ip', 'daddr', here, 'drop'],
    ],
    end: () => [['nft', 'delete', 'table', 'ip', 'fault']],
  },
  {
    name: 'queue of a few packets',
    begin: ({ name }) => [
      `tc qdisc add dev ${name} root tbf rate 100kbit burst 2kb limit 4kb`.split(' '),
    ],
    end: ({ name }) => [['tc', 'qdisc', 'delete', 'dev', name, 'root']],
  },
  {
    name: 'interface down',
    begin: ({ name }) => [['ip', 'link', 'set', name, 'down']],
    end: ({ name }) => [['ip', 'link', 'set', name, 'up']],
  },
];

/** Makes sending to one backend fail in every way, and then the way to the clients as well. */
export const sendErrors: Scenario = {
  name: 'send-errors',
  promise:
    'errors of sending cost the packets that they hit, no processor time, and no other call anything',
  missing: () => missingForFaults() || missingForNamespaces() || missingTool('nft'),
  run: (options) => Cleanup.around((cleanup) => run(cleanup, options)),
};

async function run(cleanup: Cleanup, options: ScenarioOptions): Promise<readonly Finding[]> {
  const namespace = new NetworkNamespace(cleanup, 2);
  const [clients, backend] = namespace.wires as [Wire, Wire];
  const { child, server } = await startIn(cleanup, namespace, clients, backend);
  const open = async (ip: string): Promise<RelayLoad> => {
    const peer = await openUdpEchoPeer(ip);
    cleanup.teardown(() => peer.close());
    const { secret } = LOOPBACK_SERVER;
    const load = await RelayLoad.open({
      server,
      peer: peer.address,
      clients: CALLS,
      packetsPerSecond: PACKETS_PER_SECOND,
      secret,
    });
    cleanup.teardown(() => load.close());
    return load;
  };
  const [others, hit] = [await open(clients.here), await open(backend.here)];
  const { pid } = child;
  const findings: Finding[] = [];
  let control = 0;
  const both = await relayWhile(others, pid, async () => {
    const { processorShare, ...count } = await relayFor(hit, pid, CONTROL_MS);
    control = processorShare;
    findings.push(untouched('control: calls to the backend', count));
  });
  findings.push(untouched('control: calls to the other backend', both));
  const lines = child.lines.length;

  const commands = (all: readonly (readonly string[])[]): void => {
    for (const command of all) namespace.run(...command);
  };
  for (const { name, begin, end } of FAULTS) {
    options.progress(name);
    const spared = await relayWhile(others, pid, async () => {
      commands(begin(backend));
      const meanwhile = await relayFor(hit, pid, FAULT_MS * options.scale);
      commands(end(backend));
      findings.push(
        isSo(`${name}: hits the calls`, meanwhile.received < meanwhile.sent),
        atMost(
          `${name}: processor beyond control`,
          meanwhile.processorShare - control,
          PROCESSOR_SHARE_MAX,
        ),
      );
      await pause(500);
      findings.push(untouched(`${name}: its calls afterwards`, await relayFor(hit, pid, 1000)));
    });
    findings.push(untouched(`${name}: other calls`, spared));
  }

  options.progress('the way to the clients');
  namespace.run('ip', 'link', 'set', clients.name, 'down');
  const { processorShare } = await relayFor(others, pid, FAULT_MS * options.scale);
  namespace.run('ip', 'link', 'set', clients.name, 'up');
  await pause(2000);
  findings.push(
    atMost(
      'no way to the clients: processor beyond control',
      processorShare - control,
      PROCESSOR_SHARE_MAX,
    ),
    untouched('no way to the clients: calls afterwards', await relayFor(others, pid, 1000)),
    isSo('the process lives', child.isAlive),
    atMost('lines of the log for all of it', child.lines.length - lines, LOG_LINES_MAX),
  );
  const left = await Promise.all(others.clients.map((client) => client.refresh(600)));
  findings.push(exactly('allocations afterwards', left.length, CALLS));
  return findings;
}

async function startIn(
  cleanup: Cleanup,
  { launcher }: NetworkNamespace,
  clients: Wire,
  backend: Wire,
): Promise<{ child: TestProcess; server: { host: string; port: number } }> {
  const port = await freePorts(2);
  const options = {
    ...LOOPBACK_SERVER,
    listenAddresses: [clients.there],
    relayAddresses: [clients.there],
    endpoints: [clients.here, backend.here].map((ip) => `${ip}:${PEER_PORTS}`),
  };
  const gateway = await startReady(configurationFor(options, port, port + 1), [], {}, launcher);
  cleanup.teardown(() => gateway.stop());
  return { child: gateway.child, server: { host: clients.there, port } };
}

function network(ip: string): string {
  return ip.replace(/\d+$/, '0/24');
}
