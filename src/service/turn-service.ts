import { randomFillSync, randomInt } from 'node:crypto';
import type { AuthOptions } from '../auth/auth-options.ts';
import { createCredentialPolicy } from '../auth/credential-policy.ts';
import type { CoreSetup } from '../net/data-plane.ts';
import type { LogRecord } from '../log.ts';
import { QuotaTable } from '../net/shared/quota-table.ts';
import { ReservationTable } from '../net/shared/reservation-table.ts';
import type { TurnCore } from '../net/turn-core.ts';
import type { TransportEvent } from '../net/shared/transport-event.ts';
import { RouteTable, type RouteTableData } from '../route/route-table.ts';
import { EventReporter } from './event-reporter.ts';
import type { TurnEvent } from '../turn/commands.ts';
import type { Now, RandomSource } from '../turn/policy.ts';
import { TurnServer } from '../turn/turn-server.ts';

/** Credentials and routes as plain data, the part of a core's setup that changes while it runs. */
export interface PolicyData {
  readonly auth: AuthOptions;
  readonly routes: RouteTableData;
}

/** A TURN core with its policies and its reports: what runs in each worker, and in portable mode in the main thread. */
export class TurnService implements TurnCore<PolicyData> {
  readonly server: TurnServer;
  readonly #reporter: EventReporter;

  /** @param onRecord - told what is worth a line in the log. */
  constructor(
    setup: CoreSetup<PolicyData>,
    isDontFragmentSupported: boolean,
    onRecord: (record: LogRecord) => void,
  ) {
    const { memory, worker, quota, relayPorts, policies } = setup;
    const routes = new RouteTable(policies.routes);
    this.#reporter = new EventReporter(routes, onRecord);
    this.server = new TurnServer({
      credentials: createCredentialPolicy(policies.auth),
      peers: routes,
      quota: new QuotaTable(memory.quota, worker, quota),
      reservations: new ReservationTable(memory.reservations, worker),
      random: SECURE_RANDOM,
      nonceKey: setup.nonceKey,
      relayPorts: {
        minPort: relayPorts.minPort,
        ownersIpv4: new Uint8Array(memory.portOwnersIpv4),
        ownersIpv6: new Uint8Array(memory.portOwnersIpv6),
        owner: worker + 1,
      },
      strictChannelNumbers: setup.strictChannelNumbers,
      isDontFragmentSupported,
      alternateServers: [],
    });
  }

  /** Swaps credentials and routes; the driver drains the server's commands afterwards. */
  readonly replacePolicies = ({ auth, routes }: PolicyData): void => {
    const table = new RouteTable(routes);
    this.#reporter.routes = table;
    this.server.replacePolicies({ credentials: createCredentialPolicy(auth), peers: table });
  };

  /** Reports an event of the core, or of the connections to it. */
  readonly onEvent = (event: TurnEvent | TransportEvent, now: Now): void => {
    this.#reporter.report(event, now.monotonicMs);
  };
}

const SECURE_RANDOM: RandomSource = {
  fill: (bytes) => void randomFillSync(bytes),
  below: (bound) => randomInt(bound),
};
