import { randomInt } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
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
  readonly #callbacks: (() => Promise<void>)[] = [];
  /** Public addresses by the local one. */
  readonly #publicByBind = new Map<string, string>();
  /** What was found by a check and is being put in force. */
  readonly #changing = new Map<string, Found>();
  #target: Target = { binds: [], servers: [] };
  /** In a row, of any kind. */
  #failures = 0;
  #isUnanswered = false;
  #isRefused = false;
  #isChecking = false;
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
    const unknown = bindsOf(config).filter((bind) => !this.#target.binds.includes(bind));
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

  /**
   * Re-checks from now on what a configuration asks for, and nothing else; to be called after every successful load.
   * Nothing is put off when that is the same as before.
   */
  follow(config: GatewayConfig): void {
    const target = { binds: bindsOf(config), servers: config.relay.stunServers };
    for (const known of [this.#publicByBind, this.#changing]) {
      for (const bind of known.keys()) if (!target.binds.includes(bind)) known.delete(bind);
    }
    if (isDeepStrictEqual(target, this.#target)) return;
    this.#target = target;
    this.#failures = 0;
    this.#schedule();
  }

  /**
   * Calls back when an address has changed, to put it in force: `resolve` gives the new one meanwhile.
   *
   * @param callback - has to settle, as nothing is checked before; the new address is kept when it resolves, and when
   *   it rejects the old one is, and the whole is tried again soon.
   */
  onChange(callback: () => Promise<void>): void {
    this.#callbacks.push(callback);
  }

  /** Asks nobody any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#aborter.abort();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    // A check under way schedules the next one.
    if (this.#target.binds.length === 0 || this.#isChecking || this.#aborter.signal.aborted) return;
    const { checkMs, retryMs } = this.#timing;
    const waitMs =
      this.#failures === 0 ? checkMs : Math.min(checkMs, retryMs * 2 ** (this.#failures - 1));
    // Gateways that were started together must not ask together for ever.
    const jitter = randomInt(900, 1101) / 1000;
    this.#timer = setTimeout(() => void this.#checkOnce(), waitMs * jitter).unref();
  }

  async #checkOnce(): Promise<void> {
    this.#isChecking = true;
    await this.#check(this.#target);
    this.#isChecking = false;
    this.#schedule();
  }

  /** Asks once more; what cannot be found out or put in force stays as it was. */
  async #check(target: Target): Promise<void> {
    const { binds, servers } = target;
    const results = await Promise.allSettled(binds.map((bind) => this.#ask(bind, servers)));
    // Another configuration is followed by now, which gets a check of its own.
    if (this.#aborter.signal.aborted || this.#target !== target) return;
    const failed = results.find((result) => result.status === 'rejected');
    this.#noteAnswers(failed?.reason);
    for (const [index, result] of results.entries()) {
      const bind = binds[index]!;
      if (result.status !== 'fulfilled') continue;
      if (result.value.address !== this.#publicByBind.get(bind)) {
        this.#changing.set(bind, result.value);
      }
    }
    const isSettled = await this.#settleChanges();
    this.#failures = failed === undefined && isSettled ? 0 : this.#failures + 1;
  }

  /** Has the changed addresses put in force; false when that failed. */
  async #settleChanges(): Promise<boolean> {
    try {
      if (this.#changing.size > 0) for (const callback of this.#callbacks) await callback();
      this.#isRefused = false;
    } catch (error) {
      this.#noteRefusal(error);
      this.#changing.clear();
      return false;
    }
    for (const [bind, { address, server }] of this.#changing) {
      const previous = this.#publicByBind.get(bind);
      this.#publicByBind.set(bind, address);
      this.#log.scope('relay').warn({ bind, previous, address, server }, 'public address changed');
    }
    this.#changing.clear();
    return true;
  }

  /** Says it once when checks begin to fail, and once when they go well again. */
  #noteAnswers(error: unknown): void {
    const log = this.#log.scope('relay');
    if (error !== undefined && !this.#isUnanswered)
      log.warn(
        { reason: errorText(error) },
        'public address cannot be checked; the last one stays',
      );
    if (error === undefined && this.#isUnanswered) log.info('public address can be checked again');
    this.#isUnanswered = error !== undefined;
  }

  /** Says it once for every row of attempts. */
  #noteRefusal(error: unknown): void {
    const addresses = [...this.#changing.values()].map(({ address }) => address);
    if (!this.#isRefused)
      this.#log
        .scope('relay')
        .warn(
          { addresses, reason: errorText(error) },
          'public address changed, but cannot be put in force yet; the last one stays',
        );
    this.#isRefused = true;
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
    const address = this.#changing.get(bind)?.address ?? this.#publicByBind.get(bind);
    if (address !== undefined) return address;
    throw new GatewayError(
      'GW_ERR_RELAY_ADDRESS',
      `the public address of ${bind} is not known yet`,
    );
  }
}

/** What is checked: local addresses and whom to ask. */
interface Target {
  readonly binds: readonly string[];
  readonly servers: readonly string[];
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
