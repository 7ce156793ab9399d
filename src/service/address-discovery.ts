import { randomInt } from 'node:crypto';
import { DISCOVER } from '../config/discovery.ts';
import type { GatewayConfig, ListenerConfig } from '../config/gateway-config.ts';
import { errorText, GatewayError } from '../errors.ts';
import {
  ADDRESS_CHECK_SECONDS,
  ADDRESS_RETRY_SECONDS_MIN,
  STUN_QUERY_SECONDS_MAX,
  STUN_RETRANSMIT_MS,
} from '../limits.ts';
import type { Log } from '../log.ts';
import { queryPublicAddress, type QueryTiming } from './stun-query.ts';

/** How often STUN servers are asked, milliseconds. */
export interface DiscoveryTiming extends QueryTiming {
  /** Between two checks that went well; each is up to a tenth earlier or later. */
  readonly checkMs: number;
  /** After a check that failed; it doubles with each, up to `checkMs`. */
  readonly retryMs: number;
}

const TIMING: DiscoveryTiming = {
  retransmitMs: STUN_RETRANSMIT_MS,
  deadlineMs: STUN_QUERY_SECONDS_MAX * 1000,
  checkMs: ADDRESS_CHECK_SECONDS * 1000,
  retryMs: ADDRESS_RETRY_SECONDS_MIN * 1000,
};

/** Finds out public addresses with STUN servers, and keeps watching them. */
export class AddressDiscovery {
  readonly #log: Log;
  readonly #timing: DiscoveryTiming;
  readonly #aborter = new AbortController();
  readonly #callbacks: (() => void)[] = [];
  /** Public addresses by the local one. */
  readonly #publicByBind = new Map<string, string>();
  #binds: readonly string[] = [];
  #servers: readonly string[] = [];
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  private constructor(log: Log, timing: DiscoveryTiming) {
    this.#log = log;
    this.#timing = timing;
  }

  /** Finds out what a configuration asks for and follows it; throws GatewayError GW_ERR_RELAY_ADDRESS. */
  static async start(
    config: GatewayConfig,
    log: Log,
    timing: DiscoveryTiming = TIMING,
  ): Promise<AddressDiscovery> {
    const discovery = new AddressDiscovery(log, timing);
    await discovery.learn(config);
    discovery.follow(config);
    return discovery;
  }

  /** Finds out what another configuration asks for beyond this one; throws GatewayError GW_ERR_RELAY_ADDRESS. */
  async learn(config: GatewayConfig): Promise<void> {
    const { stunServers } = config.relay;
    // What is known but not followed may be out of date.
    const unknown = bindsOf(config).filter((bind) => !this.#binds.includes(bind));
    const found = await Promise.all(unknown.map((bind) => this.#ask(bind, stunServers)));
    for (const [index, bind] of unknown.entries()) {
      const { address, server } = found[index]!;
      this.#publicByBind.set(bind, address);
      this.#log.scope('relay').info({ bind, address, server }, 'public address found');
    }
  }

  /** The configuration with the addresses that were found out in the place of `discover`. */
  resolve(config: GatewayConfig): GatewayConfig {
    const addresses = config.relay.addresses.map(({ bind, advertise }) => ({
      bind,
      advertise: advertise === DISCOVER ? this.#known(bind) : advertise,
    }));
    const discovered = bindsOf(config).map((bind) => this.#known(bind));
    const listeners = config.listeners.map((listener) =>
      listener.publicAddress === DISCOVER
        ? { ...listener, publicAddress: publicAddressOf(listener, discovered) }
        : listener,
    );
    return { ...config, listeners, relay: { ...config.relay, addresses } };
  }

  /** Re-checks from now on what a configuration asks for, and nothing else. */
  follow(config: GatewayConfig): void {
    this.#binds = bindsOf(config);
    this.#servers = config.relay.stunServers;
    for (const bind of this.#publicByBind.keys()) {
      if (!this.#binds.includes(bind)) this.#publicByBind.delete(bind);
    }
    this.#failures = 0;
    this.#schedule();
  }

  /** Calls back when an address has changed. */
  onChange(callback: () => void): void {
    this.#callbacks.push(callback);
  }

  /** Asks nobody any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#aborter.abort();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#binds.length === 0 || this.#aborter.signal.aborted) return;
    const { checkMs, retryMs } = this.#timing;
    const waitMs =
      this.#failures === 0 ? checkMs : Math.min(checkMs, retryMs * 2 ** (this.#failures - 1));
    // Gateways that were started together must not ask together for ever.
    const jitter = randomInt(900, 1101) / 1000;
    this.#timer = setTimeout(() => void this.#check(), waitMs * jitter).unref();
  }

  /** Asks once more; what cannot be found out stays as it was. */
  async #check(): Promise<void> {
    const binds = this.#binds;
    const servers = this.#servers;
    const results = await Promise.allSettled(binds.map((bind) => this.#ask(bind, servers)));
    // Another configuration is followed by now, which has a check of its own.
    if (this.#aborter.signal.aborted || this.#binds !== binds) return;
    const failed = results.find((result) => result.status === 'rejected');
    this.#noteOutcome(failed?.reason);
    let hasChanged = false;
    for (const [index, result] of results.entries()) {
      if (result.status === 'fulfilled') {
        hasChanged = this.#noteAddress(binds[index]!, result.value) || hasChanged;
      }
    }
    this.#schedule();
    if (hasChanged) for (const callback of this.#callbacks) callback();
  }

  #noteAddress(bind: string, { address, server }: Found): boolean {
    const previous = this.#publicByBind.get(bind);
    if (previous === address) return false;
    this.#publicByBind.set(bind, address);
    this.#log.scope('relay').warn({ bind, previous, address, server }, 'public address changed');
    return true;
  }

  /** Says it once when checks begin to fail, and once when they go well again. */
  #noteOutcome(error: unknown): void {
    const log = this.#log.scope('relay');
    if (error !== undefined && this.#failures === 0)
      log.warn(
        { reason: errorText(error) },
        'public address cannot be checked; the last one stays',
      );
    if (error === undefined && this.#failures > 0) log.info('public address can be checked again');
    this.#failures = error === undefined ? 0 : this.#failures + 1;
  }

  /** Asks one server after the other until one knows. */
  async #ask(bind: string, servers: readonly string[]): Promise<Found> {
    const reasons: string[] = [];
    for (const server of servers) {
      try {
        const { signal } = this.#aborter;
        return { address: await queryPublicAddress(bind, server, this.#timing, signal), server };
      } catch (error) {
        reasons.push(`${server}: ${errorText(error)}`);
      }
    }
    const why =
      reasons.length === 0 ? 'relay.stun_servers names nobody to ask' : reasons.join('; ');
    throw new GatewayError(
      'GW_ERR_RELAY_ADDRESS',
      `cannot find out the public address of ${bind} (${why}); set advertise of that entry of relay.addresses to ` +
        'the address that clients are to be told, or relay.stun_servers to a server that this machine reaches over UDP',
    );
  }

  #known(bind: string): string {
    const address = this.#publicByBind.get(bind);
    if (address !== undefined) return address;
    throw new GatewayError(
      'GW_ERR_RELAY_ADDRESS',
      `the public address of ${bind} is not known yet`,
    );
  }
}

interface Found {
  readonly address: string;
  readonly server: string;
}

function bindsOf({ relay }: GatewayConfig): readonly string[] {
  return relay.addresses.filter(({ advertise }) => advertise === DISCOVER).map(({ bind }) => bind);
}

/** An address of the family that the listener has; of the other one, or IPv4, where there is a choice. */
function publicAddressOf(
  { bind }: ListenerConfig,
  discovered: readonly string[],
): string | undefined {
  const wantsIpv6 = bind?.includes(':') ?? false;
  return discovered.find((ip) => ip.includes(':') === wantsIpv6) ?? discovered[0];
}
