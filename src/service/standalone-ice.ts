import type { GatewayConfig, IceConfig } from '../config/gateway-config.ts';
import type { Log } from '../log.ts';
import { CertificateService } from './certificate-service.ts';
import { HttpEndpoints } from './http-endpoints.ts';
import { planIceEndpoint } from './ice-endpoint.ts';

/** The ICE API without a data plane, for app servers that keep it apart from the media path. */
export class StandaloneIce {
  readonly #certificates: CertificateService;
  readonly #endpoints: HttpEndpoints;

  private constructor(certificates: CertificateService, endpoints: HttpEndpoints) {
    this.#certificates = certificates;
    this.#endpoints = endpoints;
  }

  /** Starts to serve; throws GatewayError, and leaves nothing running then. */
  static async start(config: GatewayConfig, ice: IceConfig, log: Log): Promise<StandaloneIce> {
    const certified = { listeners: [], ice, acme: ice.tls && config.acme };
    const certificates = await CertificateService.load(certified, log);
    try {
      const endpoints = new HttpEndpoints(log);
      const subject = { config: () => config, log };
      const plan = planIceEndpoint(ice, certificates.ofIce, subject);
      await (await endpoints.prepare([plan])).commit();
      certificates.start(() => endpoints.replaceTls('ice', certificates.ofIce));
      return new StandaloneIce(certificates, endpoints);
    } catch (error) {
      await certificates.stop();
      throw error;
    }
  }

  /** Reads all certificate files again; live connections stay. */
  async reload(): Promise<void> {
    await this.#certificates.reload();
  }

  /** Closes the API and its connections. */
  async stop(): Promise<void> {
    await this.#endpoints.stop();
    await this.#certificates.stop();
  }
}
