import type { Allocation, TurnClient } from '../../client/turn-client.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import { adviseOnPeer, isResponse } from './advice.ts';
import { OwnPeer, Probe } from './peer.ts';
import { wrongAddressNext } from './relayed-address.ts';
import type { CheckList } from './report.ts';
import type { DoctorTarget } from './targets.ts';

/** What the steps beyond the allocation work with. */
export interface BackendContext {
  readonly client: TurnClient;
  readonly allocation: Allocation;
  readonly target: DoctorTarget;
  readonly checks: CheckList;
  /** What peers sent through the relay goes here. */
  readonly inbox: Inbox;
  readonly timeoutMs: number;
  /** The relayed address was found wrong already. */
  readonly isAddressWrong: boolean;
  /** Opens one more allocation for the relay-to-relay test. */
  readonly openSecond: (inbox: Inbox) => Promise<{ client: TurnClient; allocation: Allocation }>;
}

/** Hands on what a client receives; the step at hand sets the functions. */
export interface Inbox {
  onData: (data: Uint8Array, peer: TransportAddress) => void;
  onPeerUnreachable: (peer: TransportAddress, type: number, code: number) => void;
}

/** An inbox that ignores everything. */
export function emptyInbox(): Inbox {
  return { onData: () => undefined, onPeerUnreachable: () => undefined };
}

/** Tests the way to an echo backend that somebody named. */
export async function checkNamedPeer(
  context: BackendContext,
  peer: TransportAddress,
): Promise<void> {
  const { checks } = context;
  const denial = await admit(context, peer);
  if (denial === undefined) return checkEcho(context, peer, 'named');
  if (denial === 'failed') return;
  checks.failed(denial, routeMissing(context.target, peer), nextForRoute(context.target));
}

/** Tests with a socket of this machine as the backend, else with whatever the routes and the gateway allow. */
export async function checkWithoutPeer(context: BackendContext): Promise<void> {
  const { client, allocation, checks, target } = context;
  const { local } = client;
  const isRoutable =
    allocation.mapped.equalsIp(local) && allocation.relayed.family === local.family;
  if (isRoutable && (await checkWithOwnSocket(context, local))) return;
  if (await checkWithSecondAllocation(context)) return;
  const why = isRoutable
    ? 'the routes do not name this machine, as it should be'
    : 'this machine is behind NAT, where the gateway cannot send to unasked';
  if (target.backend !== undefined) return checkBackend(context, target.backend);
  for (const step of ['permission', 'channel'] as const) checks.skipped(step, why);
  checks.skipped('echo', why, 'name a UDP echo backend that the routes allow: --peer IP:PORT');
}

/** Tests with a backend out of the routes; whether it answers is its own affair. */
async function checkBackend(context: BackendContext, backend: TransportAddress): Promise<void> {
  const denial = await admit(context, backend);
  if (denial === undefined) return checkEcho(context, backend, 'from the routes');
  if (denial === 'failed') return;
  const detail = `${backend.toString()} is in the routes of this file, and the running gateway refuses it (403)`;
  context.checks.failed(
    denial,
    detail,
    'reload or restart the gateway: it runs another configuration',
  );
}

/** Returns false, having said nothing, when the routes do not admit this machine. */
async function checkWithOwnSocket(
  context: BackendContext,
  local: TransportAddress,
): Promise<boolean> {
  const own = await OwnPeer.open(local);
  try {
    const denial = await admit(context, own.address);
    if (denial === undefined) await checkOwnEcho(context, own);
    return denial === undefined || denial === 'failed';
  } finally {
    own.close();
  }
}

/** Sends from one relayed address to another; false, having said nothing, when the gateway does not allow that. */
async function checkWithSecondAllocation(context: BackendContext): Promise<boolean> {
  const { client, allocation, checks, timeoutMs } = context;
  const inbox = emptyInbox();
  const second = await context.openSecond(inbox).catch(() => undefined);
  if (second === undefined) return false;
  const probe = new Probe();
  inbox.onData = (data) => void probe.see(data);
  const { relayed } = second.allocation;
  try {
    await second.client.createPermission(allocation.relayed);
    const denial = await admit(context, relayed);
    if (denial !== undefined) return denial === 'failed';
    const hasArrived = await probe.run((data) => void client.send(relayed, data), timeoutMs);
    if (hasArrived)
      checks.ok('echo', `data went from one relayed address to another, ${relayed.toString()}`);
    else
      checks.failed(
        'echo',
        `nothing arrives at the relayed address ${relayed.toString()}`,
        FIREWALL,
      );
    return true;
  } catch {
    return false;
  } finally {
    await second.client.close();
  }
}

/**
 * Asks for a permission and a channel and notes what went well.
 *
 * @returns undefined when both were granted, the step that the routes refused (not noted), or `failed` (noted).
 */
async function admit(
  { client, checks }: BackendContext,
  peer: TransportAddress,
): Promise<'permission' | 'channel' | 'failed' | undefined> {
  let step: 'permission' | 'channel' = 'permission';
  try {
    await client.createPermission(peer);
    step = 'channel';
    await client.channelBind(peer);
  } catch (error) {
    if (isResponse(error, FORBIDDEN)) return step;
    const { detail, next } = adviseOnPeer(error);
    checks.failed(step, detail, next);
    return 'failed';
  }
  checks.ok('permission', `granted for ${peer.ip()}`);
  checks.ok('channel', `bound to ${peer.toString()}`);
  return undefined;
}

async function checkEcho(
  { client, checks, inbox, timeoutMs }: BackendContext,
  peer: TransportAddress,
  origin: 'named' | 'from the routes',
): Promise<void> {
  const probe = new Probe();
  let unreachable: string | undefined;
  let foreignBytes = 0;
  inbox.onData = (data) => {
    foreignBytes += data.length;
    probe.see(data);
  };
  inbox.onPeerUnreachable = (_peer, type, code) => {
    unreachable = icmpText(type, code);
    probe.giveUp();
  };
  const hasEchoed = await probe.run((data) => void client.send(peer, data), timeoutMs);
  const backend = peer.toString();
  if (hasEchoed) return checks.ok('echo', `${backend} sent back what was sent to it`);
  if (unreachable !== undefined) {
    const detail = `backend silent: ${unreachable} at ${backend}`;
    return checks.failed('echo', detail, 'start the backend, and check its address and port');
  }
  if (foreignBytes > 0) {
    return checks.ok('echo', `${backend} answers, though it does not send back what it gets`);
  }
  if (origin === 'from the routes') {
    const detail = `${backend} does not echo, which media servers need not`;
    return checks.skipped(
      'echo',
      detail,
      'name a UDP echo backend that the routes allow: --peer IP:PORT',
    );
  }
  checks.failed(
    'echo',
    `backend silent: nothing came back from ${backend}, and no ICMP error either`,
    `check that the backend runs, echoes and knows a way back to the gateway; else ${FIREWALL}`,
  );
}

/** Both ends are ours, so it can be told which way is blocked. */
async function checkOwnEcho(
  { client, allocation, checks, inbox, timeoutMs, isAddressWrong }: BackendContext,
  own: OwnPeer,
): Promise<void> {
  const { relayed } = allocation;
  if (isAddressWrong) {
    return checks.skipped('echo', 'nobody can send to the relayed address: put it right first');
  }
  const outward = new Probe();
  const inward = new Probe();
  const answered = new Probe();
  const sources: TransportAddress[] = [];
  own.onDatagram = (data, source) => {
    if (outward.see(data)) sources.push(source);
  };
  inbox.onData = (data) => {
    inward.see(data);
    answered.see(data);
  };
  const isOutward = await outward.run((data) => void client.send(own.address, data), timeoutMs);
  const isInward = await inward.run((data) => own.send(data, relayed), timeoutMs);
  const [from] = sources;
  if (isOutward && isInward) {
    return checks.ok(
      'echo',
      `both ways between ${relayed.toString()} and ${own.address.toString()}`,
    );
  }
  if (isOutward && from !== undefined && !from.equals(relayed)) {
    const isAnswered = await answered.run((data) => own.send(data, from), timeoutMs);
    if (isAnswered) return failAddress(checks, relayed, from);
  }
  const detail =
    isOutward || isInward
      ? `firewalled relay range: data ${isOutward ? 'to' : 'from'} the relayed address ${relayed.toString()} is lost`
      : `firewalled relay range: nothing comes from or to the relayed address ${relayed.toString()}`;
  checks.failed('echo', detail, FIREWALL);
}

function failAddress(checks: CheckList, relayed: TransportAddress, source: TransportAddress): void {
  checks.failed(
    'echo',
    `wrong advertised address: the gateway sends from ${source.ip()} and tells clients ${relayed.ip()}, ` +
      'where it cannot be reached',
    wrongAddressNext(relayed),
  );
}

function routeMissing({ explain }: DoctorTarget, peer: TransportAddress): string {
  const start = `route missing: the gateway refuses ${peer.toString()} (403)`;
  if (explain === undefined) return start;
  const { verdict, cluster, endpoint, nearest, forbidden } = explain(peer);
  if (verdict === 'admitted') {
    return `${start}; the file admits it by ${cluster} ${endpoint}, so the gateway runs another configuration`;
  }
  const why =
    nearest === undefined
      ? 'the listener has no routes'
      : `nearest is ${nearest.cluster} ${nearest.endpoint}: ${nearest.why}`;
  return `${start}; ${forbidden === undefined ? '' : `hard deny list: ${forbidden}; `}${why}`;
}

function nextForRoute({ listener, explain }: DoctorTarget): string {
  return explain === undefined
    ? 'add the peer to a cluster that the routes of the listener name; -c FILE shows the nearest route'
    : `add the peer to a cluster in the routes of listener ${listener}, then reload`;
}

/** RFC 792 and RFC 4443 §3.1: destination unreachable is type 3 over IPv4, 1 over IPv6. */
function icmpText(type: number, code: number): string {
  const isPort = (type === 3 && code === 3) || (type === 1 && code === 4);
  return isPort
    ? 'nothing listens (ICMP port unreachable)'
    : `ICMP says unreachable (type ${type}, code ${code})`;
}

const FORBIDDEN = 403;
const FIREWALL =
  'open UDP relay.min_port to relay.max_port of the gateway, both ways, in its firewall and security group, ' +
  'and UDP in the firewall of this machine';
