import { AcmeService } from '../acme/acme-service.ts';
import type { GatewayConfig, IceConfig } from '../config/gateway-config.ts';
import type { Log } from '../log.ts';
import { CertificateStore, type CertificateUse } from '../tls/certificate-store.ts';
import type { TlsSettings } from '../tls/tls-settings.ts';

/** Under which name the ICE API has its TLS settings. */
const ICE_USE = 'ice API';

/** TLS settings of everything that a configuration serves, kept up to date from files and from an ACME directory. */
export class CertificateService {
  readonly #store: CertificateStore;
  readonly #acme: AcmeService | undefined;
  #onChange: () => void = () => {};

  private constructor(uses: readonly CertificateUse[], acme: AcmeService | undefined, log: Log) {
    this.#acme = acme;
    this.#store = new CertificateStore({
      uses,
      log: log.write.bind(log),
      onChange: () => this.#onChange(),
      issued: acme,
    });
  }

  /**
   * Reads every certificate, or makes one where none is given.
   *
   * @throws GatewayError GW_ERR_CERTIFICATE, GW_ERR_TLS_POLICY or GW_ERR_ACME; nothing is left running then.
   */
  static async load(
    config: Pick<GatewayConfig, 'listeners' | 'ice' | 'acme'>,
    log: Log,
  ): Promise<CertificateService> {
    const uses = [...listenerUses(config), ...iceUses(config.ice)];
    const acme = config.acme && (await AcmeService.open(config.acme, { log }));
    const service = new CertificateService(uses, acme, log);
    await service.#store.load();
    return service;
  }

  /** Settings of the listeners that speak TLS or DTLS, by name. */
  get ofListeners(): ReadonlyMap<string, TlsSettings> {
    return new Map([...this.#store.settings].filter(([name]) => name !== ICE_USE));
  }

  /** Settings of the ICE API; undefined when it is plain HTTP. */
  get ofIce(): TlsSettings | undefined {
    return this.#store.settings.get(ICE_USE);
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
}

function listenerUses({ listeners }: Pick<GatewayConfig, 'listeners'>): CertificateUse[] {
  return listeners.flatMap(({ name, tls, bind, publicAddress }) => {
    return tls === undefined ? [] : [{ name, config: tls, hosts: hostsOf(publicAddress, bind) }];
  });
}

function iceUses(ice: IceConfig | undefined): CertificateUse[] {
  if (ice?.tls === undefined) return [];
  return [{ name: ICE_USE, config: ice.tls, hosts: hostsOf(ice.endpoint.host) }];
}

/** Undefined and empty ones stand for every address. */
function hostsOf(...hosts: readonly (string | undefined)[]): string[] {
  return hosts.filter((host) => host !== undefined && host !== '') as string[];
}
