import type { FastifyRequest, FastifySchema } from 'fastify';
import type { PresentedKeys } from '../api-keys.ts';
import type { IceError } from '../errors.ts';
import type { CredentialRequest, IssuedServer } from '../ice-configuration.ts';
import type { RawParameters } from '../parameters.ts';

/** The answers of our gateways, at least one. */
export type IssuedServers = readonly [IssuedServer, ...IssuedServer[]];

/** One request of a service and its answer. */
export interface ViewOperation {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Path of the route, with parameters as `:name`. */
  readonly path: string;
  readonly statusCode: 200 | 201;
  /** Documentation of the operation. */
  readonly schema: FastifySchema;
  /**
   * Reads what is asked for from query and body.
   *
   * @throws IceError ICE_ERR_PARAMETER.
   */
  readonly read: (parameters: RawParameters) => CredentialRequest;
  /** The answer, before it is written as JSON. */
  readonly body: (servers: IssuedServers, call: ViewCall) => unknown;
}

/** What an answer may repeat of its request. */
export interface ViewCall {
  readonly parameters: RawParameters;
  /** Parameters of the path. */
  readonly path: Readonly<Record<string, string>>;
}

/** The credential API of another service, over the credentials of this gateway: its clients only change the address. */
export interface View {
  readonly operations: readonly ViewOperation[];
  /** What a request presents as API keys, where clients of the service put them. */
  readonly findKeys: (request: FastifyRequest) => PresentedKeys;
  readonly scheme: 'Bearer' | 'Basic';
  /** Content type of bodies, whatever clients say of them; what they say unless given. */
  readonly bodyType?: string;
  /** The body of an error as the service writes it. */
  readonly errorBody: (error: IceError) => unknown;
  readonly tag: { readonly name: string; readonly description: string };
  /** OpenAPI security schemes besides those of `/ice`. */
  readonly securitySchemes?: Readonly<Record<string, object>>;
}
