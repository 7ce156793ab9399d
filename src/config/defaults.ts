import {
  API_ENDPOINT_DEFAULT,
  ECHO_ENDPOINT_DEFAULT,
  ECHO_MAX_PORT_DEFAULT,
  ECHO_MIN_PORT_DEFAULT,
  ECHO_PORT_DEFAULT,
  HEALTHCHECK_PORT_DEFAULT,
  ICE_ENDPOINT_DEFAULT,
  LISTENER_PORT_DEFAULT,
  METRICS_PORT_DEFAULT,
  SECURE_PORT_DEFAULT,
} from './default-values.ts';
import type { EchoOptions } from './echo-options.ts';
import { escapeVariables } from './environment.ts';

/** Where the echo backend of the default configuration listens. */
export const ECHO_ENDPOINT = { host: '127.0.0.1', port: 3490 } as const;

/** Where the WebRTC echo of the default configuration serves, and `turnpike echo` unless told otherwise. */
export const WEBRTC_ECHO: EchoOptions = {
  endpoint: { host: '127.0.0.1', port: ECHO_PORT_DEFAULT, path: '/whip' },
  address: { ip: '127.0.0.1', minPort: ECHO_MIN_PORT_DEFAULT, maxPort: ECHO_MAX_PORT_DEFAULT },
};

/**
 * The configuration that runs when none is given, as YAML text: everything on loopback, one echo backend as only route.
 *
 * @param secret - shared secret of this run, made by the caller from a cryptographic random source.
 */
export function defaultConfigText(secret: string): string {
  return `# The configuration that runs when no file is given.
version: v1
admin:
  name: turnpike
  metrics_endpoint: http://127.0.0.1:${METRICS_PORT_DEFAULT}/metrics
  healthcheck_endpoint: http://127.0.0.1:${HEALTHCHECK_PORT_DEFAULT}
  api_endpoint: ${API_ENDPOINT_DEFAULT}
  echo_endpoint: ${ECHO_ENDPOINT_DEFAULT}
  drain_timeout: 0 # Ctrl-C ends it at once
auth:
  type: ephemeral
  realm: turnpike.local
  credentials:
    secret: ${JSON.stringify(escapeVariables(secret))}
ice:
  endpoint: ${ICE_ENDPOINT_DEFAULT}
listeners:
  - name: udp
    protocol: TURN-UDP
    bind: 127.0.0.1
    port: ${LISTENER_PORT_DEFAULT}
    address: 127.0.0.1
    public_address: 127.0.0.1
    routes: [echo]
  - name: tcp
    protocol: TURN-TCP
    bind: 127.0.0.1
    port: ${LISTENER_PORT_DEFAULT}
    address: 127.0.0.1
    public_address: 127.0.0.1
    routes: [echo]
  - name: tls
    protocol: TURN-TLS
    bind: 127.0.0.1
    port: ${SECURE_PORT_DEFAULT}
    address: 127.0.0.1
    public_address: 127.0.0.1
    tls:
      certificate: generated
    routes: [echo]
relay:
  addresses:
    - bind: 127.0.0.1
clusters:
  - name: echo
    endpoints:
      - ${ECHO_ENDPOINT.host}:${ECHO_ENDPOINT.port} # returns datagrams
      - ${ECHO_ENDPOINT.host}:${ECHO_MIN_PORT_DEFAULT}-${ECHO_MAX_PORT_DEFAULT} # returns what comes over WebRTC
    dangerously_allow: ['${ECHO_ENDPOINT.host}/32']
`;
}
