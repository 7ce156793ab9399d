import { isUnspecified } from '../../config/addresses.ts';
import { API_ENDPOINT_DEFAULT } from '../../config/default-values.ts';
import type { Environment } from '../../config/environment.ts';
import type { GatewayConfig } from '../../config/gateway-config.ts';
import { formatHttpEndpoint } from '../../config/http-endpoints.ts';
import { GatewayError } from '../../errors.ts';
import { readAuthorities } from '../authorities.ts';
import { loadForCommand } from '../configuration.ts';
import { readOptionFile } from '../option-file.ts';

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
 * Finds the admin API: `--api`, the configuration file, the variable TURNPIKE_API, else the default address; its token
 * in `--token-file`, the configuration file, the variable TURNPIKE_ADMIN_TOKEN.
 *
 * @throws GatewayError GW_ERR_USAGE, and those of `loadForCommand`.
 */
export function adminTarget(options: AdminOptions, environment: Environment): AdminTarget {
  const { config: file } = options;
  const config = file === undefined ? undefined : loadForCommand({ file }, environment).config;
  return {
    url:
      optionUrl(options) ??
      (config === undefined ? undefined : configUrl(config, file)) ??
      variableUrl(environment) ??
      new URL(API_ENDPOINT_DEFAULT),
    token: checkedToken(
      optionToken(options) ?? config?.admin.apiToken ?? variableToken(environment),
    ),
    ...identityOf(options),
  };
}

/**
 * Finds the admin API of the gateway that a new configuration file is meant for: what is said otherwise counts before
 * the file, which is read only for what is not said.
 *
 * @throws GatewayError GW_ERR_USAGE, and those of `loadForCommand` when the file is needed.
 */
export function candidateTarget(options: AdminOptions, environment: Environment): AdminTarget {
  const { config: file } = options;
  const url = optionUrl(options) ?? variableUrl(environment);
  const token = optionToken(options) ?? variableToken(environment);
  const isComplete = url !== undefined && token !== undefined;
  const config =
    isComplete || file === undefined ? undefined : readCandidate(file, environment, url);
  return {
    url:
      url ??
      (config === undefined ? undefined : configUrl(config, file)) ??
      new URL(API_ENDPOINT_DEFAULT),
    token: checkedToken(token ?? config?.admin.apiToken),
    ...identityOf(options),
  };
}

/** A gateway that is known has the last word on a file: what it refers to need not be on this machine. */
function readCandidate(
  file: string,
  environment: Environment,
  url: URL | undefined,
): GatewayConfig | undefined {
  try {
    return loadForCommand({ file }, environment).config;
  } catch (error) {
    const isJudgedThere = error instanceof GatewayError && error.code === 'GW_ERR_CONFIG_INVALID';
    if (url === undefined || !isJudgedThere) throw error;
    return undefined;
  }
}

function optionUrl({ api }: AdminOptions): URL | undefined {
  return api === undefined ? undefined : parseUrl(api, '--api');
}

function variableUrl(environment: Environment): URL | undefined {
  const variable = environment['TURNPIKE_API'];
  return variable ? parseUrl(variable, 'TURNPIKE_API') : undefined;
}

function configUrl({ admin }: GatewayConfig, file: string | undefined): URL {
  const { apiEndpoint, apiTls } = admin;
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

function optionToken({ tokenFile }: AdminOptions): string | undefined {
  if (tokenFile === undefined) return undefined;
  const token = readOption('--token-file', tokenFile).trim();
  if (token === '') throw new GatewayError('GW_ERR_USAGE', `${tokenFile} holds no token`);
  return token;
}

function variableToken(environment: Environment): string | undefined {
  return environment['TURNPIKE_ADMIN_TOKEN'] || undefined;
}

function checkedToken(token: string | undefined): string | undefined {
  if (token === undefined || /^[\x21-\x7e]+$/.test(token)) return token;
  const detail = 'the token has characters that no HTTP header may carry; use printable ASCII';
  throw new GatewayError('GW_ERR_USAGE', detail);
}

function identityOf(options: AdminOptions): Pick<AdminTarget, 'ca' | 'client'> {
  return {
    ca: options.ca === undefined ? undefined : readAuthorities(options.ca),
    client: clientOf(options),
  };
}

function clientOf({ cert, key }: AdminOptions): AdminTarget['client'] {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new GatewayError('GW_ERR_USAGE', 'a client certificate takes both --cert and --key');
  }
  return { cert: readOption('--cert', cert), key: readOption('--key', key) };
}

function readOption(option: string, file: string): string {
  return readOptionFile(file, `the file of ${option}`);
}
