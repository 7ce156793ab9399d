import { loadOpenSsl } from '../../../sys/openssl.ts';

/** Says in words why the last call of this thread failed, and forgets it. */
export function lastOpenSslError(): string {
  const openssl = loadOpenSsl();
  const code = openssl.ERR_peek_last_error();
  openssl.ERR_clear_error();
  return code === 0 ? 'unknown reason' : (openssl.ERR_reason_error_string(code) ?? `error ${code}`);
}
