import type { SlotByName } from './name-slots.ts';
import type { Statistics } from './statistics.ts';

/** Outcomes of a reload that are counted; a dry run is none. */
export const RELOAD_OUTCOMES = ['applied', 'unchanged', 'failed'] as const;

/** One of `RELOAD_OUTCOMES`. */
export type ReloadOutcome = (typeof RELOAD_OUTCOMES)[number];

/** Where metrics get their values from; asked at each scrape. */
export interface MetricsSource {
  /** Version of the gateway. */
  readonly version: string;
  readonly mode: 'reactor' | 'portable';
  /** What all workers have counted. */
  readonly statistics: Statistics;
  /** Everything else as it is now; called once for each scrape. */
  read(): GatewayReadings;
}

/** What is not counted by workers, as it is now. */
export interface GatewayReadings {
  /** Those that are configured now. */
  readonly listeners: readonly ListenerReading[];
  /** Slots of the clusters that are configured now. */
  readonly clusters: SlotByName;
  readonly allocationsActive: number;
  readonly allocationsMax: number;
  /** A family that cannot relay is left out. */
  readonly relayPorts: readonly RelayPortReading[];
  /** By their number. */
  readonly workers: readonly { readonly lagMs: number; readonly restarts: number }[];
  readonly certificates: readonly CertificateReading[];
  /** Authorities of client certificates. */
  readonly clientTrusts: readonly FilesReading[];
  readonly reloads: ReloadReading;
  /** What readiness checks say. */
  readonly isReady: boolean;
  readonly isDraining: boolean;
  /** User ids that are revoked. */
  readonly revocations: number;
  /** Look-ups of names of clusters that came out with a problem, by problem. */
  readonly nameProblems: Readonly<Record<string, number>>;
  /** Lines of the log that were lost. */
  readonly logLinesLost: number;
  /** Answers of the ICE API by status; undefined when it is not served. */
  readonly iceAnswers?: ReadonlyMap<number, number> | undefined;
}

/** A listener that serves. */
export interface ListenerReading {
  readonly name: string;
  /** Of `NameSlots`. */
  readonly slot: number;
  /** Sockets of a listener without connections (plain UDP); undefined when it has connections to count. */
  readonly sockets?: number | undefined;
}

/** How full the range of relay ports is. */
export interface RelayPortReading {
  readonly family: 'ipv4' | 'ipv6';
  readonly used: number;
  readonly max: number;
}

/** Files that are followed. */
export interface FilesReading {
  /** Paths of the configuration that use what they hold, such as `listeners.tls` and `ice`. */
  readonly uses: readonly string[];
  /** How often they came to hold something that cannot be used. */
  readonly failures: number;
}

/** A certificate in use. */
export interface CertificateReading extends FilesReading {
  /** Unix seconds. */
  readonly notAfter: number;
}

/** What became of reloads since the start. */
export interface ReloadReading {
  readonly counts: Readonly<Record<ReloadOutcome, number>>;
  /** False after one that failed, until one succeeds. */
  readonly isLastSuccessful: boolean;
  /** When the configuration in use was read, at first at the start; Unix seconds. */
  readonly lastSuccess: number;
}
