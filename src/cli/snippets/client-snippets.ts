import { ephemeralPassword } from '../../auth/ephemeral-credentials.ts';
import { formatHostPort } from '../../config/host-ports.ts';
import { MASK } from '../../config/redact-values.ts';
import { GatewayError } from '../../errors.ts';
import { shellText } from './quoting.ts';
import type { SnippetContext } from './snippet-context.ts';
import { requiredSecret, type Snippet } from './snippet.ts';

const DEMO_USER = 'demo';

/** What `new RTCPeerConnection()` takes, with a credential of now. */
export const BROWSER: Snippet = {
  title: 'browsers (RTCPeerConnection)',
  place:
    'argument of new RTCPeerConnection(); applications fetch a fresh one for each user from the ICE API',
  comment: undefined,
  render: (context) => {
    const iceServers = [
      { urls: context.addresses.map(({ uri }) => uri), ...browserCredential(context) },
    ];
    return `${JSON.stringify({ iceServers, iceTransportPolicy: 'all' }, undefined, 2)}\n`;
  },
};

/** How an application server asks for credentials in the form of the TURN REST draft. */
export const REST: Snippet = {
  title: 'TURN REST API (application servers)',
  place: 'environment of an application server; GET $TURN_REST_URL?service=turn&username=USER',
  comment: '#',
  render: ({ ice }) => {
    if (ice === undefined) {
      throw new GatewayError('GW_ERR_UNSUPPORTED', 'the configuration has no ice section');
    }
    const key = ice.apiKey === undefined ? '' : `TURN_REST_KEY=${shellText(ice.apiKey)}\n`;
    return `TURN_REST_URL=${shellText(`${ice.url}/`)}\nICE_URL=${shellText(`${ice.url}/ice`)}\n${key}`;
  },
};

/** A coturn that accepts the same credentials, to run both for a while. */
export const COTURN: Snippet = {
  title: 'coturn with the same credentials',
  place: 'turnserver.conf of a coturn that runs next to the gateway for a while',
  comment: '#',
  render: (context) => {
    const { realm, auth } = context;
    const credential =
      auth.kind === 'user'
        ? `lt-cred-mech\nuser=${auth.username}:${auth.password}\n`
        : `use-auth-secret\nstatic-auth-secret=${requiredSecret(context, 'coturn')}\n`;
    const places = [...new Set(context.addresses.map(formatHostPort))].join(', ');
    return `# clients reach the gateway at ${places}\nrealm=${realm}\n${credential}`;
  },
};

function browserCredential({ auth, ttlSeconds }: SnippetContext): object {
  if (auth.kind === 'user') return { username: auth.username, credential: auth.password };
  const expiry = Math.floor(Date.now() / 1000) + ttlSeconds;
  const username = `${expiry}:${DEMO_USER}`;
  const isMasked = auth.secret === MASK;
  return { username, credential: isMasked ? MASK : ephemeralPassword(auth.secret, username) };
}
