import { createHash, timingSafeEqual } from 'node:crypto';

/** Secrets that admit a request, kept as digests only. */
export class SecretDigests {
  readonly #digests: readonly Buffer[];

  /** @param secrets - an empty one admits nobody. */
  constructor(secrets: readonly string[]) {
    this.#digests = secrets.filter((secret) => secret !== '').map(digest);
  }

  /**
   * Finds which secret is presented.
   *
   * Takes the same time whichever it is, and whether it is one.
   *
   * @returns its position among those that are not empty, or undefined.
   */
  find(presented: string | null | undefined): number | undefined {
    const presentedDigest = digest(presented ?? '');
    let found: number | undefined;
    for (const [index, expected] of this.#digests.entries()) {
      if (timingSafeEqual(presentedDigest, expected)) found = index;
    }
    return found;
  }
}

/** The token of an `Authorization: Bearer` header (RFC 6750 §2.1); undefined when there is none. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +(.+)$/i.exec(authorization ?? '')?.[1];
}

/** The password of an `Authorization: Basic` header (RFC 7617 §2), whatever its user; undefined when there is none. */
export function basicPassword(authorization: string | undefined): string | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  return /^[^:]*:([^]*)$/.exec(Buffer.from(encoded, 'base64').toString())?.[1];
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
