import type { GatewayConfig } from '../config/gateway-config.ts';
import { GatewayError } from '../errors.ts';
import type { RouteAnswer } from '../http/admin/gateway-control.ts';
import { iceConfigurationBody, issueServers } from '../http/ice/ice-configuration.ts';
import type { IceGateway } from '../http/ice/ice-source.ts';
import type { RouteTable } from '../route/route-table.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import type { AdminClient } from './admin/client.ts';
import { parseIpPort } from './ip-port.ts';
import { formatOutput, success, type CommandResult, type OutputFormat } from './terminal/output.ts';

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

/** What `route check` is asked. */
export interface RouteCheckQuestion {
  readonly listener: string;
  /** IP address and port. */
  readonly peer: string;
  readonly output: OutputFormat;
}

/** `route check` of the running gateway: exit code 0 when the peer would be relayed, 1 when not. */
export async function askRouteCommand(
  client: AdminClient,
  { listener, peer, output }: RouteCheckQuestion,
): Promise<CommandResult> {
  const address = parsePeer(peer);
  const answer = await client.get<RouteAnswer>('routes', { listener, peer: address.toString() });
  return routeResult(answer, output);
}

/** `route check` of a file: exit code 0 when the peer would be relayed, 1 when not. */
export async function routeCheckCommand(
  config: GatewayConfig,
  { listener, peer, output }: RouteCheckQuestion,
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
  const answer: RouteAnswer = {
    listener,
    peer: address.toString(),
    verdict,
    ...(cluster === undefined ? {} : { cluster, endpoint }),
    ...(forbidden === undefined ? {} : { forbidden }),
    ...(nearest === undefined
      ? {}
      : { nearest: `${nearest.cluster} ${nearest.endpoint}`, why: nearest.why }),
  };
  return routeResult(answer, output);
}

function routeResult(answer: RouteAnswer, output: OutputFormat): CommandResult {
  const stdout = formatOutput(answer, output, () =>
    Object.entries(answer).map(([key, value]) => [key, String(value)]),
  );
  return { exitCode: answer.verdict === 'admitted' ? 0 : 1, stdout, stderr: '' };
}

function parsePeer(text: string): TransportAddress {
  const address = parseIpPort(text);
  if (address === undefined) {
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
