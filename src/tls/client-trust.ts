import type { TlsConfig } from '../config/gateway-config.ts';
import { readContent } from './file-content.ts';
import type { ValueOrigin } from './kept-value.ts';

/** What client certificates are verified with. */
export interface ClientTrust {
  /** PEM of the authorities. */
  readonly caPem: string;
  /** PEM of the revocation lists; empty without any. */
  readonly crlPem: string;
  /** When the first of the lists is out of date, Unix milliseconds; infinite without any. */
  readonly listsValidUntil: number;
  /** Subjects of authorities that have no list although others have one: all their clients are refused. */
  readonly authoritiesWithoutList: readonly string[];
}

type TrustFiles = Pick<TlsConfig, 'clientCaFiles' | 'clientCrlFiles'>;

/** What client certificates are verified with when none is asked for. */
export const NO_TRUST: ClientTrust = {
  caPem: '',
  crlPem: '',
  listsValidUntil: Infinity,
  authoritiesWithoutList: [],
};

/** Reads the authorities and revocation lists; throws GatewayError GW_ERR_CERTIFICATE with the file and the reason. */
export function clientTrustOrigin({
  clientCaFiles,
  clientCrlFiles,
}: TrustFiles): ValueOrigin<ClientTrust> {
  const paths = [...clientCaFiles, ...clientCrlFiles];
  return {
    read: () => Promise.all(paths.map(readContent)),
    parse: async (contents) => {
      // Loads a library that few configurations need.
      const { parseClientTrust } = await import('./parse-client-trust.ts');
      const [authorities, lists] = [
        contents.slice(0, clientCaFiles.length),
        contents.slice(clientCaFiles.length),
      ];
      return parseClientTrust(authorities, lists);
    },
  };
}
