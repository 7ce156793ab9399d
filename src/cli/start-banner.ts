import { ECHO_ENDPOINT } from '../config/defaults.ts';
import type { GatewayConfig, ListenerConfig } from '../config/gateway-config.ts';
import { formatHttpEndpoint } from '../config/http-endpoints.ts';

/** What a newcomer needs to know once the embedded default configuration runs. */
export function startBanner(config: GatewayConfig): string {
  const listeners = config.listeners.map(listenerLine);
  const ice = iceUrl(config);
  return `
Turnpike is running with its embedded configuration, on this machine only:

${listeners.join('\n')}
  ICE API         ${ice}/ice   (described at ${ice}/docs)
  echo backend    ${ECHO_ENDPOINT.host}:${ECHO_ENDPOINT.port}   the only peer that clients may reach

Get an ICE configuration, as an app server would for its user alice:

  curl '${ice}/ice?service=turn&username=alice&iceTransportPolicy=relay'

Relay a few packets to the echo backend and see the round-trip time (in another terminal):

  npm run try

Next: write a configuration of your own (config/turnpike.example.yaml) and run: npm start -- -c my.yaml
Stop with Ctrl-C.

`;
}

function listenerLine({ protocol, bind, port, tls }: ListenerConfig): string {
  const remark =
    tls?.certificate.kind === 'generated'
      ? '   a certificate made at start, trusted by nobody'
      : '';
  return `  TURN over ${protocol.toUpperCase()}   ${bind ?? '*'}:${port}${remark}`;
}

function iceUrl({ ice }: GatewayConfig): string {
  if (ice === undefined) return '';
  const { host, port } = ice.endpoint;
  return formatHttpEndpoint({ host, port }, ice.tls === undefined ? 'http' : 'https');
}
