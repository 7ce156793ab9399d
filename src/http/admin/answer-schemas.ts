import { Type } from '../../config/schema-types.ts';

const Count = Type.Integer({ minimum: 0 });
const Time = Type.String({ description: 'RFC 3339 time.' });
const Names = Type.Array(Type.String());
const CountByName = Type.Record(Type.String(), Count);

const TrafficCounts = {
  receivedPackets: Count,
  receivedBytes: Count,
  sentPackets: Count,
  sentBytes: Count,
};

/** Answer of a reload. */
export const ReloadResultAnswer = Type.Object(
  {
    outcome: Type.String({ description: '`applied`, `unchanged`, `failed` or `dryRun`.' }),
    at: Time,
    changes: Type.Array(
      Type.Object({
        path: Type.String({ description: 'Path in the file, such as `listeners.udp.port`.' }),
        before: Type.Optional(Type.Unknown()),
        after: Type.Optional(Type.Unknown()),
        effect: Type.String({ description: '`update`, `reopen` or `restart`.' }),
      }),
    ),
    kept: Type.Array(Type.String(), {
      description: 'What is configured otherwise but stays as it is until a restart.',
    }),
    problems: Type.Array(Type.String(), {
      description: 'Every problem as `file:line:column: message`.',
    }),
    milliseconds: Type.Number(),
  },
  { description: 'What the reload has done, or would do' },
);

const Listener = Type.Object({
  name: Type.String(),
  protocol: Type.String(),
  bind: Type.Optional(Type.String()),
  port: Count,
  publicAddress: Type.Optional(Type.String()),
  publicPort: Type.Optional(Count),
  routes: Names,
  connections: Count,
  ...TrafficCounts,
});

const Cluster = Type.Object({
  name: Type.String(),
  type: Type.String(),
  protocol: Type.String(),
  endpoints: Names,
});

const Certificate = Type.Object({
  names: Names,
  uses: Names,
  kind: Type.String(),
  expires: Time,
  daysLeft: Type.Number(),
});

/** Answer of the status. */
export const GatewayStatusAnswer = Type.Object(
  {
    name: Type.String(),
    version: Type.String(),
    mode: Type.String({ description: '`reactor` or `portable`.' }),
    startedAt: Time,
    state: Type.String({ description: '`running`, `draining` or `stopping`.' }),
    isReady: Type.Boolean(),
    notReadyReason: Type.Optional(Type.String()),
    isAlive: Type.Boolean(),
    allocations: Type.Object({ active: Count, max: Count }),
    relayPorts: Type.Array(Type.Object({ family: Type.String(), used: Count, max: Count })),
    workers: Type.Array(Type.Object({ lagMilliseconds: Type.Number(), restarts: Count })),
    listeners: Type.Array(Listener),
    clusters: Type.Array(Cluster),
    certificates: Type.Array(Certificate),
    revocations: Type.Array(Type.Object({ userId: Type.String(), until: Time })),
    lastReload: Type.Optional(ReloadResultAnswer),
  },
  { description: 'How the gateway does' },
);

/** Answer of the sessions. */
export const SessionListAnswer = Type.Object(
  {
    sessions: Type.Array(
      Type.Object({
        id: Type.String(),
        user: Type.String(),
        listener: Type.String(),
        transport: Type.String(),
        client: Type.String(),
        relayed: Names,
        createdAt: Time,
        secondsLeft: Type.Number(),
        credentialExpiresAt: Type.Optional(Time),
        isDegraded: Type.Boolean(),
        permissions: Names,
        channels: Type.Array(Type.Object({ number: Count, peer: Type.String() })),
        ...TrafficCounts,
        worker: Count,
      }),
    ),
    total: Type.Integer({ minimum: 0, description: 'Sessions that fit, also beyond the limit.' }),
  },
  { description: 'Sessions' },
);

/** Answer about one peer. */
export const RouteAnswerAnswer = Type.Object({
  listener: Type.String(),
  peer: Type.String(),
  verdict: Type.String(),
  cluster: Type.Optional(Type.String()),
  endpoint: Type.Optional(Type.String()),
  forbidden: Type.Optional(Type.String()),
  nearest: Type.Optional(Type.String()),
  why: Type.Optional(Type.String()),
});

/** All routes. */
export const RoutesAnswer = Type.Object({
  listeners: Type.Array(Type.Object({ name: Type.String(), routes: Names })),
  clusters: Type.Array(Cluster),
});

/** Answer of a revocation. */
export const RevocationAnswer = Type.Object(
  { userId: Type.String(), until: Time, ended: Count },
  { description: 'What the revocation has done' },
);

/** Answer of the live numbers. */
export const LiveMetricsAnswer = Type.Object(
  {
    at: Time,
    allocationsActive: Count,
    ...TrafficCounts,
    drops: CountByName,
    authenticationFailures: CountByName,
    denials: CountByName,
    allocationsRefused: CountByName,
  },
  { description: 'Numbers of now' },
);
