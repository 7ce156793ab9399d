import { readFileSync } from 'node:fs';
import { isUnspecified } from '../config/addresses.ts';
import { API_ENDPOINT_DEFAULT } from '../config/default-values.ts';
import type { Environment } from '../config/environment.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { formatHttpEndpoint } from '../config/http-endpoints.ts';
import { errorText, GatewayError } from '../errors.ts';
import { loadForCommand } from './configuration.ts';

/** Where an admin API is and how one is admitted to it. */
export interface AdminTarget {
  /** Ends in `/`. */
  readonly url: URL;
  readonly token: string | undefined;
  /** PEM text of the authorities that its certificate is trusted from; undefined: those of Node.js. */
  readonly ca: string | undefined;
  /** Client certificate for mutual TLS, PEM text. */
  readonly client: { readonly cert: string; readonly key: string } | undefined;
}

/** Options that every command of the admin API takes. */
export interface AdminOptions {
  /** URL of the admin API. */
  readonly api?: string | undefined;
  /** Configuration file of the gateway. */
  readonly config?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * Finds the admin API: `--api`, the variable TURNPIKE_API, the configuration file, else the default address; its token
 * in `--token-file`, the variable TURNPIKE_ADMIN_TOKEN, the configuration file.
 *
 * @throws GatewayError GW_ERR_USAGE, and those of `loadForCommand`.
 */
export function adminTarget(options: AdminOptions, environment: Environment): AdminTarget {
  const config =
    options.config === undefined
      ? undefined
      : loadForCommand({ file: options.config }, environment).config;
  return {
    url: urlOf(options, environment, config),
    token: tokenOf(options, environment, config),
    ca: options.ca === undefined ? undefined : readOption('--ca', options.ca),
    client: clientOf(options),
  };
}

function urlOf(
  { api, config: file }: AdminOptions,
  environment: Environment,
  config: GatewayConfig | undefined,
): URL {
  if (api !== undefined) return parseUrl(api, '--api');
  const variable = environment['TURNPIKE_API'];
  if (variable) return parseUrl(variable, 'TURNPIKE_API');
  if (config === undefined) return new URL(API_ENDPOINT_DEFAULT);
  const { apiEndpoint, apiTls } = config.admin;
  if (apiEndpoint === undefined) {
    throw new GatewayError(
      'GW_ERR_USAGE',
      `${file} has no admin API (admin.api_endpoint is empty)`,
    );
  }
  const { host, port } = apiEndpoint;
  const endpoint = { host: reachableHost(host), port };
  return new URL(formatHttpEndpoint(endpoint, apiTls === undefined ? 'http' : 'https'));
}

function parseUrl(text: string, origin: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isUsable =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.username + url.password + url.search + url.hash === '';
  if (!isUsable) {
    // Not repeated: somebody may have written a secret into it.
    const detail = `${origin} is no URL of an admin API; write ${API_ENDPOINT_DEFAULT} or https://host:port`;
    throw new GatewayError('GW_ERR_USAGE', detail);
  }
  return new URL(url.href.endsWith('/') ? url.href : `${url.href}/`);
}

/** Where a server that listens on every address is found on this machine. */
function reachableHost(host: string): string {
  if (host === '' || host === '0.0.0.0') return '127.0.0.1';
  return isUnspecified(host) ? '::1' : host;
}

function tokenOf(
  { tokenFile }: AdminOptions,
  environment: Environment,
  config: GatewayConfig | undefined,
): string | undefined {
  const token =
    tokenFile === undefined
      ? environment['TURNPIKE_ADMIN_TOKEN'] || config?.admin.apiToken
      : readOption('--token-file', tokenFile).trim();
  if (token === '') throw new GatewayError('GW_ERR_USAGE', `${tokenFile} holds no token`);
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    const detail = 'the token has characters that no HTTP header may carry; use printable ASCII';
    throw new GatewayError('GW_ERR_USAGE', detail);
  }
  return token;
}

function clientOf({ cert, key }: AdminOptions): AdminTarget['client'] {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new GatewayError('GW_ERR_USAGE', 'a client certificate takes both --cert and --key');
  }
  return { cert: readOption('--cert', cert), key: readOption('--key', key) };
}

function readOption(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const detail = `cannot read the file of ${option}: ${errorText(error)}`;
    throw new GatewayError('GW_ERR_USAGE', detail, { cause: error });
  }
}
