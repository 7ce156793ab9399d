import type { GatewayConfig } from '../config/gateway-config.ts';
import { formatHttpEndpoint } from '../config/http-endpoints.ts';
import type { TestAccess } from '../http/admin/gateway-control.ts';
import { listenerUri } from '../http/ice/listener-uri.ts';
import { TEST_CREDENTIAL_SECONDS } from '../limits.ts';
import { timeText } from './gateway-status.ts';
import { iceGateway } from './ice-gateway.ts';

/** Who the test page is in sessions, quotas and logs. */
const TEST_USER_ID = 'console-test';

/** What a client needs to try every listener of a configuration. */
export function testAccess(config: GatewayConfig): TestAccess {
  const gateway = iceGateway(config);
  const { echoEndpoint } = config.admin;
  return {
    authentication: config.auth.type,
    credential: config.auth.type === 'ephemeral' ? issue(gateway) : undefined,
    listeners: gateway.listeners.map((listener, index) => ({
      name: listener.name,
      protocol: listener.protocol,
      uri: listenerUri(listener, undefined),
      isSelfSigned: config.listeners[index]?.tls?.certificate.kind === 'generated',
    })),
    echo: echoEndpoint && formatHttpEndpoint(echoEndpoint),
  };
}

function issue(gateway: ReturnType<typeof iceGateway>): TestAccess['credential'] {
  const issued = gateway.issue(TEST_USER_ID, TEST_CREDENTIAL_SECONDS);
  if (issued?.expiresAtUnixSeconds === undefined) return undefined;
  const { username, password, expiresAtUnixSeconds } = issued;
  return { username, password, expiresAt: timeText(expiresAtUnixSeconds) };
}
