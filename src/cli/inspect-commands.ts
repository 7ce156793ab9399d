import type { GatewayConfig } from '../config/gateway-config.ts';
import { GatewayError } from '../errors.ts';
import { iceConfigurationBody, issueServers } from '../http/ice/ice-configuration.ts';
import type { IceGateway } from '../http/ice/ice-source.ts';
import type { RouteTable } from '../route/route-table.ts';
import { TransportAddress } from '../stun/transport-address.ts';
import { formatOutput, success, type CommandResult, type OutputFormat } from './output.ts';

/** What the inspecting commands need of a configuration, see `Runners`. */
export interface Inspection {
  readonly iceGateway: (config: GatewayConfig) => IceGateway;
  readonly routeTable: (config: GatewayConfig) => Promise<RouteTable>;
}

/** `auth`: a credential of the configuration and the ICE configuration that a browser takes. */
export function credentialCommand(
  gateway: IceGateway,
  { user, ttl, output }: { user: string; ttl: number; output: OutputFormat },
): CommandResult {
  const parameters = { ...NO_FILTER, userId: user, ttlSeconds: ttl, iceTransportPolicy: 'relay' };
  const servers = [...issueServers([gateway], parameters, undefined)];
  const [server] = servers;
  if (server === undefined) {
    throw new GatewayError(
      'GW_ERR_UNSUPPORTED',
      'this configuration issues no credentials (auth.type, listeners)',
    );
  }
  const iceConfiguration: unknown = JSON.parse(iceConfigurationBody(servers, 'relay'));
  const { username, password } = server.credential;
  const data = { username, password, iceConfiguration };
  return success(
    formatOutput(data, output, () => [
      ['username', username],
      ['password', password],
      ['uris', server.urls.join(' ')],
      ['iceConfiguration', JSON.stringify(iceConfiguration)],
    ]),
  );
}

/** `route check`: exit code 0 when the peer would be relayed, 1 when not. */
export async function routeCheckCommand(
  config: GatewayConfig,
  { listener, peer, output }: { listener: string; peer: string; output: OutputFormat },
  routeTable: Inspection['routeTable'],
): Promise<CommandResult> {
  const address = parsePeer(peer);
  const names = config.listeners.map(({ name }) => name);
  if (!names.includes(listener)) {
    throw new GatewayError(
      'GW_ERR_USAGE',
      `no listener is named "${listener}"; there are: ${names.join(', ')}`,
    );
  }
  const routes = await routeTable(config);
  const { verdict, cluster, endpoint, nearest, forbidden } = routes.explain(
    listener,
    undefined,
    address,
    address.port,
  );
  const answer = {
    listener,
    peer: address.toString(),
    verdict,
    ...(cluster === undefined ? {} : { cluster, endpoint }),
    ...(forbidden === undefined ? {} : { forbidden }),
    ...(nearest === undefined
      ? {}
      : { nearest: `${nearest.cluster} ${nearest.endpoint}`, why: nearest.why }),
  };
  const stdout = formatOutput(answer, output, () =>
    Object.entries(answer).map(([key, value]) => [key, String(value)]),
  );
  return { exitCode: verdict === 'admitted' ? 0 : 1, stdout, stderr: '' };
}

function parsePeer(text: string): TransportAddress {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = TransportAddress.parse(bracketed ?? plain ?? '', Number(port));
  if (address === undefined || address.port < 1 || address.port > 65_535) {
    throw new GatewayError(
      'GW_ERR_USAGE',
      `"${text}" is not a peer; write 10.0.0.7:5004 or [fd00::7]:5004`,
    );
  }
  return address;
}

const NO_FILTER = {
  service: 'turn',
  namespace: undefined,
  gateway: undefined,
  listener: undefined,
  publicAddress: undefined,
};
