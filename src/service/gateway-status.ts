import type { GatewayConfig } from '../config/gateway-config.ts';
import { redactConfig } from '../config/redact.ts';
import type {
  CertificateSummary,
  GatewayStatus,
  ListenerStatus,
  LiveMetrics,
  SessionEntry,
} from '../http/admin/gateway-control.ts';
import { OTHER_SLOT } from '../metrics/name-slots.ts';
import type { Session } from '../net/session.ts';
import type { StoreStatus } from '../tls/certificate-status.ts';
import type { GatewayView } from './gateway-view.ts';

const SECONDS_PER_DAY = 86_400;

/** Describes a running gateway for operators. */
export function describeGateway(view: GatewayView): GatewayStatus {
  const { config, state, certificates } = view.now;
  const { isReady, reason } = view.readiness;
  return {
    name: config.admin.name,
    version: view.version,
    mode: view.created.plane.mode,
    startedAt: view.startedAt,
    state,
    isReady,
    notReadyReason: reason,
    isAlive: view.isAlive,
    allocations: { active: view.allocations, max: config.limits.allocationsMax },
    relayPorts: view.relayPorts,
    workers: view.created.plane.workers().map(({ lagMs, restarts }) => {
      return { lagMilliseconds: Math.round(lagMs * 10) / 10, restarts };
    }),
    listeners: config.listeners.map((listener) => describeListener(view, listener)),
    clusters: clustersOf(config),
    certificates: describeCertificates(certificates),
    revocations: view.policies.revocations.map(({ userId, untilUnixSeconds }) => {
      return { userId, until: timeText(untilUnixSeconds) };
    }),
    lastReload: view.reloader.last,
  };
}

/** What a gateway has counted since its start. */
export function describeLive(view: GatewayView): LiveMetrics {
  const { statistics, policies } = view;
  const slots = [...policies.slots.listeners.values(), OTHER_SLOT];
  const totals = slots.map((slot) => statistics.listener(slot));
  const sum = (value: (one: (typeof totals)[number]) => number): number =>
    totals.reduce((total, one) => total + value(one), 0);
  const denials: Record<string, number> = {};
  for (const [reason, count] of totals.flatMap((one) => Object.entries(one.denials))) {
    denials[reason] = (denials[reason] ?? 0) + count;
  }
  return {
    at: new Date().toISOString(),
    allocationsActive: view.allocations,
    receivedPackets: sum(({ receivedPackets }) => receivedPackets),
    receivedBytes: sum(({ receivedBytes }) => receivedBytes),
    sentPackets: sum(({ sentPackets }) => sentPackets),
    sentBytes: sum(({ sentBytes }) => sentBytes),
    drops: statistics.drops,
    authenticationFailures: statistics.authenticationFailures,
    denials,
    allocationsRefused: statistics.allocationsRefused,
  };
}

/** A session in the words of the admin API. */
export function describeSession(session: Session): SessionEntry {
  const { userId, createdAtUnixSeconds, credentialExpiresAtUnixSeconds, ...rest } = session;
  return {
    ...rest,
    user: userId,
    createdAt: timeText(createdAtUnixSeconds),
    credentialExpiresAt:
      credentialExpiresAtUnixSeconds === undefined
        ? undefined
        : timeText(credentialExpiresAtUnixSeconds),
  };
}

/** Unix seconds as text of RFC 3339. */
export function timeText(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toISOString();
}

function describeListener(
  { policies, statistics }: GatewayView,
  {
    name,
    protocol,
    bind,
    port,
    publicAddress,
    publicPort,
    routes,
  }: GatewayConfig['listeners'][number],
): ListenerStatus {
  const slot = policies.slots.listeners.get(name) ?? OTHER_SLOT;
  const { connectionsOpen, receivedPackets, receivedBytes, sentPackets, sentBytes } =
    statistics.listener(slot);
  return {
    name,
    protocol,
    bind,
    port,
    publicAddress,
    publicPort,
    routes,
    connections: connectionsOpen,
    receivedPackets,
    receivedBytes,
    sentPackets,
    sentBytes,
  };
}

function clustersOf(config: GatewayConfig): GatewayStatus['clusters'] {
  const clusters = redactConfig(config)['clusters'] as GatewayStatus['clusters'];
  return clusters.map(({ name, type, protocol, endpoints }) => {
    return { name, type, protocol, endpoints };
  });
}

function describeCertificates({ certificates }: StoreStatus): CertificateSummary[] {
  const now = Date.now() / 1000;
  return certificates.map(({ names, uses, kind, notAfter }) => ({
    names,
    uses,
    kind,
    expires: timeText(notAfter),
    daysLeft: Math.floor((notAfter - now) / SECONDS_PER_DAY),
  }));
}
