import { ECHO_ENDPOINT, WEBRTC_ECHO } from '../config/defaults.ts';
import type { EchoOptions } from '../config/echo-options.ts';
import type { GatewayConfig, HttpEndpoint, ListenerConfig } from '../config/gateway-config.ts';
import { formatHostPort } from '../config/host-ports.ts';
import { formatHttpEndpoint } from '../config/http-endpoints.ts';

/**
 * What a newcomer needs to know once the embedded default configuration runs.
 *
 * @param echoProblem - why there is no WebRTC echo; undefined when there is one.
 */
export function startBanner(config: GatewayConfig, echoProblem?: string): string {
  const listeners = config.listeners.map(listenerLine);
  const ice = iceUrl(config);
  const echo = formatHostPort(ECHO_ENDPOINT);
  const webRtcEcho = `${formatHttpEndpoint(WEBRTC_ECHO.endpoint)}   the same for browsers, see the test page`;
  return `
Turnpike is running with its embedded configuration, on this machine only:

${listeners.join('\n')}
  ICE API         ${ice}/ice   (described at ${ice}/docs)
${adminLines(config).join('')}  echo backend    ${echo}   the only peer that clients may reach, with the next one
  WebRTC echo     ${echoProblem ?? webRtcEcho}

Get an ICE configuration, as an app server would for its user alice:

  curl '${ice}/ice?service=turn&username=alice&iceTransportPolicy=relay'

Relay a few packets to the echo backend and see the round-trip time (in another terminal):

  npm run try

Next: write a configuration of your own (config/turnpike.example.yaml) and run: npm start -- -c my.yaml
Stop with Ctrl-C.

`;
}

/** What the user of `turnpike echo` needs to know once it runs. */
export function echoBanner({ endpoint, address }: EchoOptions): string {
  const { ip, minPort, maxPort } = address;
  const url = formatHttpEndpoint(endpoint);
  const media = `${formatHostPort({ host: ip, port: minPort })}-${maxPort}`;
  return `WebRTC echo: offers to ${url}, media at ${media}

Let the gateway relay to it, and its test page ask it:

  admin:
    echo_endpoint: ${url}
  clusters:
    - name: echo     # and in the routes of each listener
      endpoints: ['${media}']

`;
}

/** The addresses for operators, as far as there are any. */
function adminLines({ admin }: GatewayConfig): string[] {
  const apiScheme = admin.apiTls === undefined ? 'http' : 'https';
  return [
    ...endpointLine(
      'console',
      admin.apiEndpoint,
      '   (test page at /test, admin API described at /docs)',
      apiScheme,
    ),
    ...endpointLine('health', admin.healthcheckEndpoint, '/ready'),
    ...endpointLine('metrics', admin.metricsEndpoint),
  ];
}

function endpointLine(
  title: string,
  endpoint: HttpEndpoint | undefined,
  after = '',
  scheme: 'http' | 'https' = 'http',
): string[] {
  if (endpoint === undefined) return [];
  const { host, port, path } = endpoint;
  const url = formatHttpEndpoint({ host: host || '127.0.0.1', port }, scheme);
  return [`  ${title.padEnd(14)}  ${url}${path === '/' ? '' : path}${after}\n`];
}

function listenerLine({ protocol, bind, port, tls }: ListenerConfig): string {
  const remark =
    tls?.certificate.kind === 'generated'
      ? '   a certificate made at start, trusted by nobody'
      : '';
  return `  TURN over ${protocol.toUpperCase()}   ${formatHostPort({ host: bind ?? '*', port })}${remark}`;
}

function iceUrl({ ice }: GatewayConfig): string {
  if (ice === undefined) return '';
  const { host, port } = ice.endpoint;
  return formatHttpEndpoint({ host, port }, ice.tls === undefined ? 'http' : 'https');
}
