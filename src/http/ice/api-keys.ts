import type { FastifyRequest } from 'fastify';
import { bearerToken, SecretDigests } from '../shared/secret-digests.ts';
import { IceError } from './errors.ts';

/** Finds a parameter of a request by name. */
export type ParameterLookup = (name: string) => string | null | undefined;

/** What a request presents as API keys, in whatever places it may; absent ones count as wrong. */
export type PresentedKeys = readonly (string | null | undefined)[];

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Finds the API keys of a request whose body is not read yet, where `presentedKeys` does not look. */
    readonly findKeys?: (request: FastifyRequest) => PresentedKeys;
  }
}

/** What a request presents as `Authorization: Bearer`, `key` or `api`. */
export function presentedKeys(
  authorization: string | undefined,
  parameter: ParameterLookup,
): PresentedKeys {
  return [bearerToken(authorization), parameter('key'), parameter('api')];
}

/** The API keys that admit a request. */
export class ApiKeys {
  /** True when requests need a key. */
  readonly isRequired: boolean;
  readonly #digests: SecretDigests;

  /** @param keys - the configured keys; none at all means that requests need no key, and an empty key admits nobody. */
  constructor(keys: readonly string[]) {
    this.isRequired = keys.length > 0;
    this.#digests = new SecretDigests(keys);
  }

  /**
   * Finds which configured key is presented.
   *
   * Takes the same time whichever key it is, and whether it is one.
   *
   * @returns the position of the key, or undefined when no valid key is presented.
   */
  find(presented: PresentedKeys): number | undefined {
    let found: number | undefined;
    for (const key of presented) found = this.#digests.find(key) ?? found;
    return found;
  }

  /**
   * Refuses a request without a valid key.
   *
   * @param scheme - how its clients authenticate.
   * @throws IceError ICE_ERR_API_KEY, the same for a missing and a wrong key.
   */
  admit(presented: PresentedKeys, scheme: 'Bearer' | 'Basic' = 'Bearer'): void {
    if (!this.isRequired || this.find(presented) !== undefined) return;
    throw new IceError('ICE_ERR_API_KEY', 'a valid API key is required', {
      'www-authenticate': `${scheme} realm="turnpike"`,
    });
  }
}
