import type { GatewayConfig, IceConfig } from '../config/gateway-config.ts';
import type { Log } from '../log.ts';
import { CertificateService } from './certificate-service.ts';
import { IceService } from './ice-service.ts';

/** The ICE API without a data plane, for app servers that keep it apart from the media path. */
export class StandaloneIce {
  readonly #certificates: CertificateService;
  readonly #service: IceService;

  private constructor(certificates: CertificateService, service: IceService) {
    this.#certificates = certificates;
    this.#service = service;
  }

  /** Starts to serve; throws GatewayError, and leaves nothing running then. */
  static async start(config: GatewayConfig, ice: IceConfig, log: Log): Promise<StandaloneIce> {
    const endpoints = { listeners: [], ice, acme: ice.tls && config.acme };
    const certificates = await CertificateService.load(endpoints, log);
    try {
      const service = new IceService(config, ice, log, certificates.ofIce);
      await service.start();
      certificates.start(() => service.replaceTls(certificates.ofIce));
      return new StandaloneIce(certificates, service);
    } catch (error) {
      await certificates.stop();
      throw error;
    }
  }

  /** Reads all certificate files again; live connections stay. */
  async reloadCertificates(): Promise<void> {
    await this.#certificates.reload();
  }

  /** Closes the API and its connections. */
  async stop(): Promise<void> {
    await this.#service.stop();
    await this.#certificates.stop();
  }
}
