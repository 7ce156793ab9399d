import { identifyClient } from '../../../tls/client-identity.ts';
import type { VerifiedIdentity } from '../../../turn/identity.ts';
import type { SecureChannel } from './secure-channel.ts';

/** Who the client of an open channel is by its certificate; undefined when it has shown none, or none that counts. */
export function verifiedIdentity(channel: SecureChannel): VerifiedIdentity | undefined {
  const { clientAuth, clientIdentities } = channel.context.settings;
  if (clientAuth === 'none' || clientIdentities.length === 0) return undefined;
  const raw = channel.peerCertificate();
  return raw && identifyClient(clientIdentities, { raw });
}
