import type { ClientCredential } from '../../client/challenge.ts';
import { ClientError } from '../../client/client-error.ts';
import { withoutZone } from '../../client/endpoint-text.ts';
import { resolveHost } from '../../client/resolve-host.ts';
import type { PeerCertificateReport } from '../../client/tls-report.ts';
import { TurnClient, type Allocation } from '../../client/turn-client.ts';
import { formatTurnUri } from '../../client/turn-uri.ts';
import { formatHostPort } from '../../config/host-ports.ts';
import { errorText } from '../../errors.ts';
import { CERTIFICATE_WARNING_DAYS } from '../../limits.ts';
import { IPV6, TransportAddress, type AddressFamily } from '../../stun/transport-address.ts';
import { adviseOnAllocate, adviseOnReach, isResponse, type Approach } from './advice.ts';
import { checkNamedPeer, checkWithoutPeer, emptyInbox, type Inbox } from './backend.ts';
import { reachOf, relayedAddressProblem, relayedAddressRemark } from './relayed-address.ts';
import { CheckList, type TargetReport } from './report.ts';
import { UNSPECIFIED, type DoctorTarget } from './targets.ts';

/** How the doctor tests. */
export interface DoctorSettings {
  /** Deadline of a request, of connecting, and of each wait for data. */
  readonly timeoutMs: number;
  /** An echo backend. */
  readonly peer: TransportAddress | undefined;
  /** PEM of the authorities to trust; undefined: those of Node.js. */
  readonly ca: string | undefined;
  /** Server name for TLS in place of the URI's host. */
  readonly serverName: string | undefined;
  /** Does not judge certificates. */
  readonly isInsecure: boolean;
}

/** Tests one target at every address that its name has. */
export async function checkTarget(
  target: DoctorTarget,
  settings: DoctorSettings,
): Promise<readonly TargetReport[]> {
  const checks = new CheckList();
  const { host } = target.uri;
  if (target.uri.transport === 'dtls') {
    checks.skipped('reach', 'DTLS is not checked: Node.js has no DTLS client', dtlsByHand(target));
    return [reportOf(target, checks)];
  }
  if (TransportAddress.parse(host)?.ip() === UNSPECIFIED) {
    checks.failed(
      'resolve',
      'clients are told 0.0.0.0, where they find nothing',
      'set public_address of the listener to the name or address that clients reach',
    );
    return [reportOf(target, checks)];
  }
  let ips: readonly string[];
  try {
    ips = await resolveHost(host);
  } catch (error) {
    checks.failed('resolve', errorText(error), 'check the name in the URI and its DNS records');
    return [reportOf(target, checks)];
  }
  const reports: TargetReport[] = [];
  for (const ip of ips.slice(0, ADDRESSES_MAX)) {
    reports.push(await checkAddress(target, ip, ips.length, settings));
  }
  return reports;
}

async function checkAddress(
  target: DoctorTarget,
  ip: string,
  addressCount: number,
  settings: DoctorSettings,
): Promise<TargetReport> {
  const checks = new CheckList();
  const address = withoutZone(ip);
  checks.ok(
    'resolve',
    ip === target.uri.host ? `${ip} is an address` : `${target.uri.host} is ${ip}`,
  );
  const inbox = emptyInbox();
  const examination = { target, ip, settings, checks, inbox };
  let client: TurnClient;
  try {
    client = await openClient(examination, inbox);
  } catch (error) {
    failReach(examination, error, addressCount);
    return { ...reportOf(target, checks), address };
  }
  try {
    await examine(examination, client);
  } finally {
    await client.close();
  }
  return { ...reportOf(target, checks), address };
}

interface Examination {
  readonly target: DoctorTarget;
  readonly ip: string;
  readonly settings: DoctorSettings;
  readonly checks: CheckList;
  readonly inbox: Inbox;
}

/** The steps behind an open socket, until one of them stands in the way of the next. */
async function examine(examination: Examination, client: TurnClient): Promise<void> {
  const { target, checks, settings } = examination;
  const { transport, port } = approachOf(target);
  if (transport !== 'udp') checks.ok('reach', `TCP port ${port} takes the connection`);
  if (client.certificate !== undefined) checkCertificate(checks, client.certificate, settings);
  if (!(await checkBinding(examination, client))) return;
  if (target.uri.isStunOnly) {
    checks.skipped('allocate', 'a STUN server relays nothing');
    return;
  }
  const allocation = await checkAllocation(examination, client);
  if (allocation === undefined) return;
  const isAddressWrong = !checkRelayed(examination, allocation);
  const context = {
    client,
    allocation,
    target,
    checks,
    inbox: examination.inbox,
    timeoutMs: settings.timeoutMs,
    isAddressWrong,
    openSecond: (inbox: Inbox) => openSecond(examination, allocation, inbox),
  };
  if (settings.peer === undefined) await checkWithoutPeer(context);
  else await checkNamedPeer(context, settings.peer);
}

function openClient({ target, ip, settings }: Examination, inbox: Inbox): Promise<TurnClient> {
  const { host, port } = target.uri;
  const { transport } = approachOf(target);
  const { ca, serverName = host, timeoutMs } = settings;
  // What is wrong with a certificate is told, and does not keep from finding what else is wrong.
  const tls = transport === 'tls' ? { ca, serverName, isInsecure: true } : undefined;
  const { credential } = target;
  return TurnClient.open(
    { server: { ip, port }, transport, tls, credential, requestMs: timeoutMs },
    {
      onData: (data, peer) => inbox.onData(data, peer),
      onPeerUnreachable: (peer, type, code) => inbox.onPeerUnreachable(peer, type, code),
    },
  );
}

async function openSecond(
  examination: Examination,
  { relayed }: Allocation,
  inbox: Inbox,
): Promise<{ client: TurnClient; allocation: Allocation }> {
  const client = await openClient(examination, inbox);
  try {
    return { client, allocation: await client.allocate(relayed.family) };
  } catch (error) {
    await client.close();
    throw error;
  }
}

function failReach(
  { target, ip, checks }: Examination,
  error: unknown,
  addressCount: number,
): void {
  const { kind } = error instanceof ClientError ? error : { kind: undefined };
  // Of a name with several addresses, those of a network that we are not in are not the gateway's fault.
  if (kind === 'unreachable' && addressCount > 1) {
    const network = ip.includes(':') ? 'IPv6' : 'IPv4';
    return checks.skipped('reach', `this machine has no way there (${network})`);
  }
  const { detail, next } = adviseOnReach(error, approachOf(target));
  if (kind === 'tls') checks.ok('reach', `TCP port ${target.uri.port} takes the connection`);
  checks.failed(kind === 'tls' ? 'tls' : 'reach', detail, next);
}

function checkCertificate(
  checks: CheckList,
  { problems, subject, issuer, names, daysLeft, protocol }: PeerCertificateReport,
  { isInsecure }: DoctorSettings,
): void {
  if (isInsecure)
    return checks.skipped('tls', `${protocol}; the certificate is not judged (--insecure)`);
  if (problems.length > 0) return checks.failed('tls', problems.join('; '), nextForTls(problems));
  const detail = `${protocol}, "${subject}" (${names}) from "${issuer}", ${daysLeft} days left`;
  const isShort = daysLeft < CERTIFICATE_WARNING_DAYS;
  checks.ok('tls', detail, isShort ? 'renew the certificate soon' : undefined);
}

function nextForTls(problems: readonly string[]): string {
  const steps = problems.flatMap((problem) => {
    if (/expired|not valid before/.test(problem)) return ['renew the certificate'];
    if (/another name/.test(problem)) {
      return ['issue it for the host of the URI, or make public_address the name that it is for'];
    }
    if (/unknown authority/.test(problem)) {
      return [
        'use a certificate that browsers trust, and put the intermediate ones behind it in its file; ' +
          'for a private authority give --ca FILE',
      ];
    }
    return [];
  });
  return steps.join('; ') || 'check the chain: openssl s_client -showcerts';
}

/** Over UDP this is the first that is heard of the gateway. */
async function checkBinding(examination: Examination, client: TurnClient): Promise<boolean> {
  const { checks, target } = examination;
  const isUdp = approachOf(target).transport === 'udp';
  try {
    const mapped = await client.binding();
    if (isUdp) checks.ok('reach', `UDP port ${target.uri.port} answers`);
    const nat = mapped.equalsIp(client.local)
      ? 'no NAT in between'
      : 'through NAT or a load balancer';
    const hidden = hidesClients(mapped, examination.ip);
    checks.ok('binding', `the gateway sees us as ${mapped.toString()}, ${nat}`, hidden);
    return true;
  } catch (error) {
    const { detail, next } = adviseOnReach(error, approachOf(target));
    checks.failed(isUdp ? 'reach' : 'binding', detail, next);
    return false;
  }
}

/** A gateway on the internet that sees us inside its own network sees its load balancer instead. */
function hidesClients(mapped: TransportAddress, serverIp: string): string | undefined {
  const server = TransportAddress.parse(serverIp);
  if (server === undefined || reachOf(server) !== 'internet' || reachOf(mapped) === 'internet') {
    return undefined;
  }
  return 'a load balancer may hide the clients: limits per address then hit all of them; see proxy_protocol';
}

async function checkAllocation(
  { target, checks, settings, ip }: Examination,
  client: TurnClient,
): Promise<Allocation | undefined> {
  const family = familyOf(settings.peer?.ip() ?? ip);
  try {
    const allocation = await client.allocate(family);
    const { relayed, lifetimeSeconds } = allocation;
    const granted = `${relayed.toString()} for ${lifetimeSeconds} s`;
    if (client.challenge !== undefined) {
      checks.ok('allocate', `${granted}, ${client.challenge.algorithm} credential accepted`);
    } else {
      checks.failed(
        'allocate',
        `open relay: ${granted} without any credential`,
        'demand credentials, or anybody can relay through this server',
      );
    }
    return allocation;
  } catch (error) {
    failAllocation(checks, target.credential, error);
    return undefined;
  }
}

function failAllocation(
  checks: CheckList,
  credential: ClientCredential | undefined,
  error: unknown,
): void {
  if (credential === undefined && isResponse(error, UNAUTHENTICATED)) {
    const next =
      'give one: turn://user:password@host, or turn://SECRET@host for ephemeral credentials';
    return checks.skipped(
      'allocate',
      'the gateway asks for a credential, and the URI has none',
      next,
    );
  }
  const now = Math.floor(Date.now() / 1000);
  const { detail, next } = adviseOnAllocate(error, credential?.username ?? '', now);
  checks.failed('allocate', detail, next);
}

/** Returns false when the address cannot be right. */
function checkRelayed({ checks, ip }: Examination, { relayed, mapped }: Allocation): boolean {
  const server = TransportAddress.parse(withoutZone(ip))!;
  const problem = relayedAddressProblem(relayed, { mapped, server });
  if (problem !== undefined) {
    checks.failed('relayed', problem.detail, problem.next);
    return false;
  }
  const remark = relayedAddressRemark(relayed, server) ?? "the gateway's own address";
  checks.ok('relayed', `${relayed.ip()} is ${remark}`);
  return true;
}

function familyOf(ip: string): AddressFamily | undefined {
  // IPv4 is what every server grants unasked, also those that do not know the attribute.
  return ip.includes(':') ? IPV6 : undefined;
}

function approachOf({ uri: { transport, port } }: DoctorTarget): Approach {
  return { transport: transport === 'dtls' ? 'udp' : transport, port };
}

function reportOf({ listener, uri }: DoctorTarget, { checks }: CheckList): TargetReport {
  return { ...(listener === undefined ? {} : { listener }), target: formatTurnUri(uri), checks };
}

function dtlsByHand({ uri }: DoctorTarget): string {
  const server = formatHostPort(uri);
  return `by hand: openssl s_client -dtls1_2 -connect ${server}, and look for "Verify return code: 0 (ok)"`;
}

const ADDRESSES_MAX = 4;
const UNAUTHENTICATED = 401;
