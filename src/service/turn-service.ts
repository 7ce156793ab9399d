import type { AuthOptions } from '../auth/auth-options.ts';
import { createCredentialPolicy } from '../auth/credential-policy.ts';
import type { LogRecord } from '../log.ts';
import { WorkerStatistics, type StatisticsSlots } from '../metrics/worker-statistics.ts';
import type { CoreSetup } from '../net/data-plane.ts';
import { AnswerLimiter } from '../net/shared/answer-limiter.ts';
import { QuotaTable, type QuotaLimits } from '../net/shared/quota-table.ts';
import { ReservationTable } from '../net/shared/reservation-table.ts';
import { RELAY_PORT_MIN } from '../net/shared/shared-memory.ts';
import type { TransportEvent } from '../net/shared/transport-event.ts';
import { UserRates } from '../net/shared/user-rates.ts';
import type { TurnCore } from '../net/turn-core.ts';
import { RouteTable, type RouteTableData } from '../route/route-table.ts';
import { TransportAddress } from '../stun/transport-address.ts';
import type { TurnEvent } from '../turn/commands.ts';
import type { Now } from '../turn/policy.ts';
import type { Rate } from '../turn/rate-meter.ts';
import type { TurnRules } from '../turn/turn-context.ts';
import { TurnServer } from '../turn/turn-server.ts';
import { EventReporter } from './event-reporter.ts';
import { SECURE_RANDOM } from './secure-random.ts';

/** What workers decide by, as plain data: the part of a core's setup that changes while it runs. */
export interface PolicyData {
  readonly auth: AuthOptions;
  readonly routes: RouteTableData;
  readonly rules: RulesData;
  readonly slots: StatisticsSlots;
}

/** How everybody is treated. */
export interface RulesData extends Omit<TurnRules, 'alternateServers'> {
  readonly alternateServers: readonly { readonly address: string; readonly port: number }[];
  readonly quota: QuotaLimits;
  /** Of one user over all of its allocations, each way. */
  readonly userRate: Rate;
  /** To one address that has proven nothing; 0 is no limit. */
  readonly answersPerSecondPerAddress: number;
}

/** A TURN core with its policies and its reports: what runs in each worker, and in portable mode in the main thread. */
export class TurnService implements TurnCore<PolicyData> {
  readonly server: TurnServer;
  readonly #statistics: WorkerStatistics;
  readonly #quota: QuotaTable;
  readonly #userRates: UserRates;
  readonly #answers: AnswerLimiter;
  readonly #reporter: EventReporter;

  /** @param onRecord - told what is worth a line in the log. */
  constructor(
    setup: CoreSetup<PolicyData>,
    isDontFragmentSupported: boolean,
    onRecord: (record: LogRecord) => void,
  ) {
    const { memory, worker, policies, nonceKey } = setup;
    const { rules } = policies;
    const routes = new RouteTable(policies.routes);
    this.#statistics = new WorkerStatistics(memory.statistics, worker, policies.slots);
    this.#quota = new QuotaTable(memory.quota, worker, rules.quota);
    this.#userRates = new UserRates(memory.userRates, rules.userRate);
    const seed = Buffer.from(nonceKey).readInt32LE(0);
    this.#answers = new AnswerLimiter(memory.answers, seed, rules.answersPerSecondPerAddress);
    this.#reporter = new EventReporter(routes, onRecord);
    this.server = new TurnServer({
      policies: {
        credentials: createCredentialPolicy(policies.auth),
        peers: routes,
        rules: turnRules(rules),
      },
      quota: this.#quota,
      rates: {
        meterOf: (userId) => this.#userRates.meterOf(userId),
        admitsAnswer: (client, now) => this.#answers.admit(client, now),
      },
      reservations: new ReservationTable(memory.reservations, worker),
      counters: this.#statistics,
      random: SECURE_RANDOM,
      nonceKey,
      portOwners: {
        firstPort: RELAY_PORT_MIN,
        ipv4: new Uint8Array(memory.portOwnersIpv4),
        ipv6: new Uint8Array(memory.portOwnersIpv6),
        owner: worker + 1,
      },
      isDontFragmentSupported,
    });
  }

  /** Swaps the given parts; the driver drains the server's commands afterwards. */
  readonly replacePolicies = (
    { auth, routes, rules, slots }: Partial<PolicyData>,
    now: Now,
  ): void => {
    if (slots !== undefined) this.#statistics.replaceSlots(slots);
    if (rules !== undefined) this.#replaceLimits(rules);
    const peers = routes && new RouteTable(routes);
    if (peers !== undefined) this.#reporter.routes = peers;
    const credentials = auth && createCredentialPolicy(auth);
    this.server.replacePolicies(
      {
        ...(credentials && { credentials }),
        ...(peers && { peers }),
        ...(rules && { rules: turnRules(rules) }),
      },
      now,
    );
  };

  /** Counts and reports an event of the core, or of the connections to it. */
  readonly onEvent = (event: TurnEvent | TransportEvent, now: Now): void => {
    this.#statistics.count(event, now.monotonicMs);
    this.#reporter.report(event, now.monotonicMs);
  };

  #replaceLimits({ quota, userRate, answersPerSecondPerAddress }: RulesData): void {
    this.#quota.limits = quota;
    this.#userRates.rate = userRate;
    this.#answers.perSecond = answersPerSecondPerAddress;
  }
}

function turnRules(data: RulesData): TurnRules {
  const alternateServers = data.alternateServers.map(({ address, port }) => {
    const server = TransportAddress.parse(address, port);
    if (server === undefined) throw new TypeError(`not an IP address: ${address}`);
    return server;
  });
  return { ...data, alternateServers };
}
