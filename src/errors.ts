/** Every operational error of the product: code, and what it means to an operator (see `docs/errors.md`). */
export const ERROR_CODES = {
  GW_ERR_CONFIG_INVALID: 'the configuration has problems',
  GW_ERR_CONFIG_UNREADABLE: 'the configuration file cannot be read',
  GW_ERR_USAGE: 'the command line is not understood',
  GW_ERR_LISTEN: 'a listener cannot be opened',
  GW_ERR_UNSUPPORTED: 'the configuration asks for something this build cannot do',
  GW_ERR_RELAY_ADDRESS: 'no usable relay address',
  GW_ERR_HTTP_UNPROTECTED: 'an HTTP endpoint beyond loopback has no authentication',
  GW_ERR_CERTIFICATE: 'a certificate, its key or a list of client authorities cannot be used',
  GW_ERR_TLS_POLICY: 'the TLS settings name something that this OpenSSL cannot do',
  GW_ERR_TOO_MANY_REVOCATIONS: 'no more users can be revoked',
  GW_ERR_ACME: 'certificates cannot be had from the ACME directory',
  GW_ERR_ECHO: 'there is no WebRTC echo',
  GW_ERR_ECHO_BUSY: 'every port of the WebRTC echo is taken',
} as const;

/** One of the codes in `ERROR_CODES`. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** An operational failure that an operator can act on; never used for client input. */
export class GatewayError extends Error {
  readonly code: ErrorCode;

  /**
   * @param code - stable code.
   * @param detail - what exactly, and what to do; no secrets.
   */
  constructor(code: ErrorCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = 'GatewayError';
    this.code = code;
  }

  /** Process exit code: 2 for usage and configuration, 1 for everything else. */
  get exitCode(): 1 | 2 {
    return this.code === 'GW_ERR_USAGE' || this.code.startsWith('GW_ERR_CONFIG') ? 2 : 1;
  }
}

/** What an error says; anything else that was thrown, as text. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
