import { bearerToken, SecretDigests } from '../shared/secret-digests.ts';
import { IceError } from './errors.ts';

/** Finds a parameter of a request by name. */
export type ParameterLookup = (name: string) => string | null | undefined;

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
   * Finds which configured key a request presents as `Authorization: Bearer`, `key` or `api`.
   *
   * Takes the same time whichever key it is, and whether it is one.
   *
   * @returns the position of the key, or undefined when no valid key is presented.
   */
  find(authorization: string | undefined, parameter: ParameterLookup): number | undefined {
    let found: number | undefined;
    for (const presented of [bearerToken(authorization), parameter('key'), parameter('api')]) {
      found = this.#digests.find(presented) ?? found;
    }
    return found;
  }

  /**
   * Refuses a request without a valid key.
   *
   * @throws IceError ICE_ERR_API_KEY, the same for a missing and a wrong key.
   */
  admit(authorization: string | undefined, parameter: ParameterLookup): void {
    if (!this.isRequired || this.find(authorization, parameter) !== undefined) return;
    throw new IceError('ICE_ERR_API_KEY', 'a valid API key is required', {
      'www-authenticate': 'Bearer realm="turnpike"',
    });
  }
}
