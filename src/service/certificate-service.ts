import { AcmeService } from '../acme/acme-service.ts';
import type { GatewayConfig, IceConfig, ListenerConfig } from '../config/gateway-config.ts';
import type { Log } from '../log.ts';
import type { StoreStatus } from '../tls/certificate-status.ts';
import { CertificateStore, type CertificateUse } from '../tls/certificate-store.ts';
import type { TlsSettings } from '../tls/tls-settings.ts';

/** Names of uses are paths of the configuration, so that no listener can be called like anything else. */
const ICE = 'ice';
const listenerUse = (name: string): string => `listeners.${name}`;

/** Says why a listener cannot be served with settings; undefined: it can. */
export type ListenerCheck = (listener: ListenerConfig, settings: TlsSettings) => string | undefined;

/** TLS settings of everything that a configuration serves, kept up to date from files and from an ACME directory. */
export class CertificateService {
  readonly #listeners: readonly string[];
  readonly #store: CertificateStore;
  readonly #acme: AcmeService | undefined;
  #onChange: () => void = () => {};

  private constructor(
    listeners: readonly ListenerConfig[],
    ice: IceConfig | undefined,
    acme: AcmeService | undefined,
    log: Log,
    check: ListenerCheck | undefined,
  ) {
    const secure = listeners.filter(({ tls }) => tls !== undefined);
    this.#listeners = secure.map(({ name }) => name);
    this.#acme = acme;
    this.#store = new CertificateStore({
      uses: [...listenerUses(listeners), ...iceUses(ice)],
      log: log.write.bind(log),
      onChange: () => this.#onChange(),
      issued: acme,
      check: (use, settings) => {
        const listener = secure.find(({ name }) => listenerUse(name) === use);
        return listener && check?.(listener, settings);
      },
    });
  }

  /**
   * Reads every certificate, or makes one where none is given.
   *
   * @param check - says why a listener cannot be served with settings; undefined: it can.
   * @throws GatewayError GW_ERR_CERTIFICATE, GW_ERR_TLS_POLICY or GW_ERR_ACME; nothing is left running then.
   */
  static async load(
    config: Pick<GatewayConfig, 'listeners' | 'ice' | 'acme'>,
    log: Log,
    check?: ListenerCheck,
  ): Promise<CertificateService> {
    const { listeners, ice } = config;
    const acme = config.acme && (await AcmeService.open(config.acme, { log }));
    const service = new CertificateService(listeners, ice, acme, log, check);
    await service.#store.load();
    service.#reportCertificates(log);
    return service;
  }

  /** Settings of the listeners that speak TLS or DTLS, by name. */
  get ofListeners(): ReadonlyMap<string, TlsSettings> {
    const { settings } = this.#store;
    return new Map(this.#listeners.map((name) => [name, settings.get(listenerUse(name))!]));
  }

  /** Settings of the ICE API; undefined when it is plain HTTP. */
  get ofIce(): TlsSettings | undefined {
    return this.#store.settings.get(ICE);
  }

  /** What is in use and until when, with the failures since the start. */
  status(): StoreStatus {
    return this.#store.status();
  }

  /** Begins to order certificates, once endpoints are there to answer challenges, and to report changes. */
  start(onChange: () => void): void {
    this.#onChange = onChange;
    // What has changed since `load`.
    onChange();
    this.#acme?.start(() => this.reload());
  }

  /** Reads all files again; resolves once changes have been reported. */
  async reload(): Promise<void> {
    await this.#store.reload();
  }

  /** Follows nothing any more. */
  async stop(): Promise<void> {
    await this.#acme?.stop();
    await this.#store.close();
  }

  #reportCertificates(log: Log): void {
    for (const { kind, names, notAfter, uses } of this.status().certificates) {
      const expires = new Date(notAfter * 1000).toISOString();
      log.scope('tls').info({ uses, names, kind, expires }, 'certificate in use');
    }
  }
}

function listenerUses(listeners: readonly ListenerConfig[]): CertificateUse[] {
  return listeners.flatMap(({ name, tls, bind, publicAddress }) => {
    const hosts = hostsOf(publicAddress, bind);
    return tls === undefined ? [] : [{ name: listenerUse(name), config: tls, hosts }];
  });
}

function iceUses(ice: IceConfig | undefined): CertificateUse[] {
  if (ice?.tls === undefined) return [];
  return [{ name: ICE, config: ice.tls, hosts: hostsOf(ice.endpoint.host) }];
}

/** Undefined and empty ones stand for every address. */
function hostsOf(...hosts: readonly (string | undefined)[]): string[] {
  return hosts.filter((host) => host !== undefined && host !== '') as string[];
}
