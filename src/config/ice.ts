import { isLoopback } from './addresses.ts';
import { COMPATIBLE_SERVICES, type CompatibleService } from './compatible-services.ts';
import { ICE_ENDPOINT_DEFAULT, ICE_PORT_DEFAULT } from './default-values.ts';
import { normaliseEndpointTls } from './endpoint-tls.ts';
import type { IceConfig } from './gateway-config.ts';
import { readHttpEndpoint } from './http-endpoints.ts';
import type { FileFacts, NormaliseContext } from './normalise-context.ts';
import type { IceSection } from './schema.ts';
import { readSecrets } from './secrets.ts';
import { usableEntries } from './validate.ts';

const UNPROTECTED =
  'would hand out credentials to everybody; set ice.api_keys, require client certificates, ' +
  `or listen on loopback such as ${ICE_ENDPOINT_DEFAULT}`;

/** Fills in the `ice` section and checks that it does not hand out credentials to everybody. */
export function normaliseIce(
  ice: IceSection,
  facts: FileFacts,
  context: NormaliseContext,
): IceConfig | undefined {
  const { report } = context;
  const keys = readSecrets(ice, 'api_keys', ['ice'], context);
  for (const key of keys) {
    if (key.text === '') report.problem(key.path, 'must not be empty');
  }
  const path = ['ice', 'endpoint'];
  const text = ice.endpoint ?? ICE_ENDPOINT_DEFAULT;
  if (text === '') {
    report.problem(path, 'must be a URL; leave the ice section out to have no ICE API');
  }
  const endpoint = readHttpEndpoint(text, ICE_PORT_DEFAULT, path, context, 'http or https');
  if (endpoint === undefined) return undefined;
  const tlsPath = ['ice', 'tls'];
  const tls = normaliseEndpointTls(
    { section: ice.tls, path: tlsPath },
    { text, path },
    facts,
    context,
  );
  const apiKeys = keys.map((key) => key.text);
  const areKeysKnown =
    !report.hasProblemAt(['ice', 'api_keys']) && !report.hasProblemAt(['ice', 'api_keys_file']);
  const isProtected = keys.length > 0 || tls?.clientAuth === 'require' || isLoopback(endpoint.host);
  if (areKeysKnown && !isProtected) report.problem(path, UNPROTECTED);
  return { endpoint, tls, apiKeys, cors: originsOf(ice, context), compat: servicesOf(ice) };
}

function servicesOf(ice: IceSection): readonly CompatibleService[] {
  const words = usableEntries(ice.compat).map(([, word]) => word.toLowerCase());
  return COMPATIBLE_SERVICES.filter((service) => words.includes(service));
}

function originsOf(ice: IceSection, { report }: NormaliseContext): readonly string[] {
  for (const [index, origin] of usableEntries(ice.cors)) {
    if (URL.canParse(origin) && new URL(origin).origin === origin) continue;
    const message = 'must be an exact origin such as https://app.example.org, without path';
    report.problem(['ice', 'cors', index], message);
  }
  return usableEntries(ice.cors).map(([, origin]) => origin);
}
