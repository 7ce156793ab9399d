import type { TLSSocket } from 'node:tls';
import { identifyClient } from '../../tls/client-identity.ts';
import type { TlsSettings } from '../../tls/tls-settings.ts';
import type { VerifiedIdentity } from '../../turn/identity.ts';

/** Who a client is by its certificate; undefined when it has shown none, or none that is trusted or counts. */
export function verifiedIdentity(
  secure: TLSSocket,
  { clientAuth, clientIdentities }: TlsSettings,
): VerifiedIdentity | undefined {
  if (clientAuth === 'none' || !secure.authorized) return undefined;
  const certificate = secure.getPeerX509Certificate();
  return certificate && identifyClient(clientIdentities, certificate);
}
