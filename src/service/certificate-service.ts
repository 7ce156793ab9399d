import type { AcmeService } from '../acme/acme-service.ts';
import type {
  AcmeConfig,
  GatewayConfig,
  IceConfig,
  ListenerConfig,
} from '../config/gateway-config.ts';
import type { Log, LogRecord } from '../log.ts';
import type { StoreStatus } from '../tls/certificate-status.ts';
import { CertificateStore, type CertificateUse } from '../tls/certificate-store.ts';
import type { TlsSettings } from '../tls/tls-settings.ts';

/** Names of uses are paths of the configuration, so that no listener can be called like anything else. */
const ICE = 'ice';
const API = 'admin.api';
const listenerUse = (name: string): string => `listeners.${name}`;

/** What of a configuration speaks TLS. */
export type CertifiedConfig = Pick<GatewayConfig, 'listeners' | 'ice' | 'acme'> & {
  /** Undefined: there is no admin API. */
  readonly admin?: Pick<GatewayConfig['admin'], 'apiEndpoint' | 'apiTls'> | undefined;
};

/** What decides which certificates are needed; equal for configurations that need the same. */
export function certifiedParts({ listeners, ice, admin, acme }: CertifiedConfig): unknown {
  return [listenerUses(listeners), iceUses(ice), apiUses(admin), acme];
}

/** Says why a listener cannot be served with settings; undefined: it can. */
export type ListenerCheck = (listener: ListenerConfig, settings: TlsSettings) => string | undefined;

/** TLS settings of everything that a configuration serves, kept up to date from files and from an ACME directory. */
export class CertificateService {
  readonly #listeners: readonly string[];
  readonly #store: CertificateStore;
  readonly #acme: AcmeService | undefined;
  #onChange: () => void = () => {};

  private constructor(
    { listeners, ice, admin }: CertifiedConfig,
    acme: AcmeService | undefined,
    onRecord: (record: LogRecord) => void,
    check: ListenerCheck | undefined,
  ) {
    const secure = listeners.filter(({ tls }) => tls !== undefined);
    this.#listeners = secure.map(({ name }) => name);
    this.#acme = acme;
    this.#store = new CertificateStore({
      uses: [...listenerUses(listeners), ...iceUses(ice), ...apiUses(admin)],
      log: onRecord,
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
    config: CertifiedConfig,
    log: Log,
    check?: ListenerCheck,
    onRecord: (record: LogRecord) => void = log.write.bind(log),
  ): Promise<CertificateService> {
    const acme = config.acme && (await openAcme(config.acme, log));
    const service = new CertificateService(config, acme, onRecord, check);
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

  /** Settings of the admin API; undefined when it is plain HTTP. */
  get ofApi(): TlsSettings | undefined {
    return this.#store.settings.get(API);
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

async function openAcme(config: AcmeConfig, log: Log): Promise<AcmeService> {
  const { AcmeService } = await import('../acme/acme-service.ts');
  return AcmeService.open(config, { log });
}

function listenerUses(listeners: readonly ListenerConfig[]): CertificateUse[] {
  return listeners.flatMap(({ name, tls, bind, publicAddress }) => {
    const hosts = hostsOf(publicAddress, bind);
    return tls === undefined ? [] : [{ name: listenerUse(name), config: tls, hosts }];
  });
}

function apiUses(admin: CertifiedConfig['admin']): CertificateUse[] {
  if (admin?.apiTls === undefined) return [];
  return [{ name: API, config: admin.apiTls, hosts: hostsOf(admin.apiEndpoint?.host) }];
}

function iceUses(ice: IceConfig | undefined): CertificateUse[] {
  if (ice?.tls === undefined) return [];
  return [{ name: ICE, config: ice.tls, hosts: hostsOf(ice.endpoint.host) }];
}

/** Undefined and empty ones stand for every address. */
function hostsOf(...hosts: readonly (string | undefined)[]): string[] {
  return hosts.filter((host) => host !== undefined && host !== '') as string[];
}
