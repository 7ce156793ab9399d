/** What kind of values a metric has. */
export type MetricType = 'counter' | 'gauge' | 'histogram';

/** A metric as it is documented and exposed. */
export interface MetricDescription {
  readonly type: MetricType;
  readonly help: string;
  /** Names of its labels. */
  readonly labels: readonly string[];
}

const counter = (help: string, ...labels: string[]) => ({ type: 'counter', help, labels }) as const;
const gauge = (help: string, ...labels: string[]) => ({ type: 'gauge', help, labels }) as const;
const histogram = (help: string) => ({ type: 'histogram', help, labels: [] }) as const;

const TABLE = {
  stunner_listener_packets_total: counter(
    'Packets from clients (rx) and to clients (tx) of a listener.',
    'name',
    'direction',
  ),
  stunner_listener_bytes_total: counter(
    'Bytes from clients (rx) and to clients (tx) of a listener.',
    'name',
    'direction',
  ),
  stunner_listener_connections_total: counter(
    'Stream connections and DTLS associations of a listener since the start.',
    'name',
  ),
  stunner_listener_connections: gauge(
    'Open stream connections and DTLS associations of a listener; its sockets when it speaks plain UDP.',
    'name',
  ),
  stunner_cluster_packets_total: counter(
    'Packets from peers (rx) and to peers (tx) of a cluster.',
    'name',
    'direction',
  ),
  stunner_cluster_bytes_total: counter(
    'Bytes from peers (rx) and to peers (tx) of a cluster.',
    'name',
    'direction',
  ),
  stunner_allocations_active: gauge('Live allocations.'),
  turnpike_allocations_max: gauge('Allocations that there may be at a time.'),
  turnpike_allocations_created_total: counter('Allocations granted.'),
  turnpike_allocations_degraded_total: counter(
    'Allocations granted beyond the quota of their user.',
  ),
  turnpike_allocations_refused_total: counter(
    'Allocations refused to proven users for want of room.',
    'reason',
  ),
  turnpike_allocations_ended_total: counter('Allocations that ended.', 'reason'),
  turnpike_allocation_duration_seconds: histogram('How long allocations that have ended lived.'),
  turnpike_allocation_bytes: histogram('Bytes that allocations that have ended relayed both ways.'),
  turnpike_authentication_failures_total: counter(
    'Requests whose credential was refused.',
    'reason',
  ),
  turnpike_permission_denials_total: counter(
    'Peers denied to clients of a listener.',
    'name',
    'reason',
  ),
  turnpike_turn_errors_total: counter('Error responses to clients.', 'method', 'code'),
  turnpike_drops_total: counter('Packets dropped in silence.', 'reason'),
  turnpike_handshake_failures_total: counter(
    'TLS and DTLS handshakes of a listener that failed.',
    'name',
  ),
  turnpike_secure_channel_failures_total: counter(
    'TLS and DTLS connections that failed after their handshake.',
  ),
  turnpike_connections_refused_total: counter(
    'Connections turned away before their first message.',
    'reason',
  ),
  turnpike_certificate_expiry_timestamp_seconds: gauge(
    'When the first certificate of an endpoint expires, Unix seconds.',
    'use',
  ),
  turnpike_certificate_load_failures_total: counter(
    'How often certificate files of an endpoint came to hold something that cannot be used.',
    'use',
  ),
  turnpike_client_trust_load_failures_total: counter(
    'How often client authorities of an endpoint came to hold something that cannot be used.',
    'use',
  ),
  turnpike_reloads_total: counter('Reloads of the configuration.', 'outcome'),
  turnpike_reload_last_successful: gauge('Whether the last reload succeeded; 1 before the first.'),
  turnpike_reload_last_success_timestamp_seconds: gauge(
    'When the configuration in use was read, Unix seconds.',
  ),
  turnpike_workers: gauge('Relay workers.'),
  turnpike_worker_loop_lag_seconds: gauge(
    'How long the loop of a worker takes to come to a question, or has taken so far.',
    'worker',
  ),
  turnpike_worker_restarts_total: counter('How often a worker had to be started again.', 'worker'),
  turnpike_relay_ports_used: gauge('Relay ports in use.', 'family'),
  turnpike_relay_ports_max: gauge('Relay ports that there are.', 'family'),
  turnpike_ready: gauge('Whether readiness checks succeed.'),
  turnpike_draining: gauge('Whether new allocations are refused because the gateway drains.'),
  turnpike_revocations: gauge('User ids that are revoked.'),
  turnpike_name_problems_total: counter(
    'Look-ups of the name of a cluster that came out with a problem.',
    'reason',
  ),
  turnpike_log_lines_lost_total: counter(
    'Lines of the log lost, for want of a reader or of space.',
  ),
  turnpike_ice_answers_total: counter('Answers of the ICE API by HTTP status.', 'code'),
  turnpike_build_info: gauge('Always 1; what runs.', 'version', 'mode'),
  process_cpu_seconds_total: counter('Processor time of all threads, user and system.'),
  process_resident_memory_bytes: gauge('Resident memory.'),
  process_open_fds: gauge('Open file descriptors.'),
  process_max_fds: gauge('File descriptors that may be open.'),
  process_start_time_seconds: gauge('When the process started, Unix seconds.'),
  nodejs_eventloop_active_seconds_total: counter('Time in which the main thread was busy.'),
} as const satisfies Record<string, MetricDescription>;

/** Name of a metric. */
export type MetricName = keyof typeof TABLE;

/** Every metric by its name, as `docs/metrics.md` lists them. */
export const METRICS: Readonly<Record<MetricName, MetricDescription>> = TABLE;
