import { loadKoffi } from './koffi.ts';
import { loadLibc, type Support } from './libc.ts';

/** Signed result of a call; what is success differs from call to call. */
type Result = number;
/** Native address, exact as a JavaScript number; the packet path passes bigints made beforehand. */
type Address = number | bigint;
/** A native address, 0 on failure. */
type Pointer = number;

/**
 * The functions of the OpenSSL that this process carries, as koffi made them callable; all are synchronous.
 *
 * Addresses are plain numbers or bigints, 0 is NULL. Macros of the C headers are calls of `SSL_CTX_ctrl`, `SSL_ctrl`
 * and `BIO_ctrl`, see `openssl-constants.ts`.
 */
export interface OpenSsl {
  TLS_server_method: () => Pointer;
  DTLS_server_method: () => Pointer;
  SSL_CTX_new: (method: Address) => Pointer;
  SSL_CTX_free: (context: Address) => void;
  SSL_CTX_ctrl: (context: Address, command: number, number: number, pointer: Address) => Result;
  SSL_CTX_set_client_hello_cb: (context: Address, callback: Address, argument: Address) => void;
  SSL_CTX_set_options: (context: Address, options: number) => Result;
  SSL_CTX_set_cipher_list: (context: Address, list: string) => Result;
  SSL_CTX_set_ciphersuites: (context: Address, list: string) => Result;
  SSL_CTX_use_certificate: (context: Address, certificate: Address) => Result;
  SSL_CTX_use_PrivateKey: (context: Address, key: Address) => Result;
  SSL_CTX_check_private_key: (context: Address) => Result;
  SSL_CTX_set_session_id_context: (context: Address, id: Address, length: number) => Result;
  SSL_CTX_set_timeout: (context: Address, seconds: number) => Result;
  SSL_CTX_set_num_tickets: (context: Address, count: number) => Result;
  SSL_CTX_set_alpn_select_cb: (context: Address, callback: Address, argument: Address) => void;
  SSL_CTX_set_cookie_verify_cb: (context: Address, callback: Address) => void;
  SSL_CTX_set_verify: (context: Address, mode: number, callback: Address) => void;
  SSL_CTX_get_cert_store: (context: Address) => Pointer;
  SSL_CTX_add_client_CA: (context: Address, certificate: Address) => Result;
  SSL_new: (context: Address) => Pointer;
  SSL_free: (ssl: Address) => void;
  SSL_set_bio: (ssl: Address, readBio: Address, writeBio: Address) => void;
  SSL_set_accept_state: (ssl: Address) => void;
  SSL_do_handshake: (ssl: Address) => Result;
  SSL_has_pending: (ssl: Address) => Result;
  SSL_set_verify: (ssl: Address, mode: number, callback: Address) => void;
  SSL_get_session: (ssl: Address) => Pointer;
  SSL_SESSION_get_max_fragment_length: (session: Address) => number;
  SSL_read: (ssl: Address, buffer: Address, length: number) => Result;
  SSL_write: (ssl: Address, buffer: Address, length: number) => Result;
  SSL_get_error: (ssl: Address, result: number) => Result;
  SSL_shutdown: (ssl: Address) => Result;
  SSL_ctrl: (ssl: Address, command: number, number: number, pointer: Address) => Result;
  SSL_client_hello_get0_ext: (ssl: Address, type: number, out: Address, length: Address) => Result;
  SSL_set_SSL_CTX: (ssl: Address, context: Address) => Pointer;
  SSL_get1_peer_certificate: (ssl: Address) => Pointer;
  SSL_get_current_cipher: (ssl: Address) => Pointer;
  SSL_CIPHER_get_name: (cipher: Address) => string;
  DTLSv1_listen: (ssl: Address, peer: Address) => Result;
  BIO_s_mem: () => Pointer;
  BIO_new: (method: Address) => Pointer;
  BIO_free: (bio: Address) => Result;
  BIO_read: (bio: Address, buffer: Address, length: number) => Result;
  BIO_write: (bio: Address, buffer: Address, length: number) => Result;
  BIO_ctrl: (bio: Address, command: number, number: number, pointer: Address) => Result;
  BIO_ADDR_new: () => Pointer;
  PEM_read_bio_X509: (bio: Address, into: Address, callback: Address, argument: Address) => Pointer;
  PEM_read_bio_X509_CRL: (
    bio: Address,
    into: Address,
    callback: Address,
    argument: Address,
  ) => Pointer;
  PEM_read_bio_PrivateKey: (
    bio: Address,
    into: Address,
    callback: Address,
    argument: Address,
  ) => Pointer;
  X509_free: (certificate: Address) => void;
  X509_CRL_free: (list: Address) => void;
  EVP_PKEY_free: (key: Address) => void;
  X509_STORE_add_cert: (store: Address, certificate: Address) => Result;
  X509_STORE_add_crl: (store: Address, list: Address) => Result;
  X509_STORE_set_flags: (store: Address, flags: number) => Result;
  i2d_X509: (certificate: Address, out: Address) => Result;
  ERR_clear_error: () => void;
  ERR_peek_last_error: () => number;
  ERR_reason_error_string: (code: number) => string | null;
  /** Of the C library: copies between memory of ours and of OpenSSL. */
  memcpy: (to: Address, from: Address, length: number) => Pointer;
}

const POINTER = 'intptr_t';

const PROTOTYPES = {
  TLS_server_method: [POINTER, []],
  DTLS_server_method: [POINTER, []],
  SSL_CTX_new: [POINTER, [POINTER]],
  SSL_CTX_free: ['void', [POINTER]],
  SSL_CTX_ctrl: ['long', [POINTER, 'int', 'long', POINTER]],
  SSL_CTX_set_client_hello_cb: ['void', [POINTER, POINTER, POINTER]],
  SSL_CTX_set_options: ['uint64_t', [POINTER, 'uint64_t']],
  SSL_CTX_set_cipher_list: ['int', [POINTER, 'str']],
  SSL_CTX_set_ciphersuites: ['int', [POINTER, 'str']],
  SSL_CTX_use_certificate: ['int', [POINTER, POINTER]],
  SSL_CTX_use_PrivateKey: ['int', [POINTER, POINTER]],
  SSL_CTX_check_private_key: ['int', [POINTER]],
  SSL_CTX_set_session_id_context: ['int', [POINTER, POINTER, 'uint']],
  SSL_CTX_set_timeout: ['long', [POINTER, 'long']],
  SSL_CTX_set_num_tickets: ['int', [POINTER, 'size_t']],
  SSL_CTX_set_alpn_select_cb: ['void', [POINTER, POINTER, POINTER]],
  SSL_CTX_set_cookie_verify_cb: ['void', [POINTER, POINTER]],
  SSL_CTX_set_verify: ['void', [POINTER, 'int', POINTER]],
  SSL_CTX_get_cert_store: [POINTER, [POINTER]],
  SSL_CTX_add_client_CA: ['int', [POINTER, POINTER]],
  SSL_new: [POINTER, [POINTER]],
  SSL_free: ['void', [POINTER]],
  SSL_set_bio: ['void', [POINTER, POINTER, POINTER]],
  SSL_set_accept_state: ['void', [POINTER]],
  SSL_do_handshake: ['int', [POINTER]],
  SSL_has_pending: ['int', [POINTER]],
  SSL_set_verify: ['void', [POINTER, 'int', POINTER]],
  SSL_get_session: [POINTER, [POINTER]],
  SSL_SESSION_get_max_fragment_length: ['uint8_t', [POINTER]],
  SSL_read: ['int', [POINTER, POINTER, 'int']],
  SSL_write: ['int', [POINTER, POINTER, 'int']],
  SSL_get_error: ['int', [POINTER, 'int']],
  SSL_shutdown: ['int', [POINTER]],
  SSL_ctrl: ['long', [POINTER, 'int', 'long', POINTER]],
  SSL_client_hello_get0_ext: ['int', [POINTER, 'uint', POINTER, POINTER]],
  SSL_set_SSL_CTX: [POINTER, [POINTER, POINTER]],
  SSL_get1_peer_certificate: [POINTER, [POINTER]],
  SSL_get_current_cipher: [POINTER, [POINTER]],
  SSL_CIPHER_get_name: ['str', [POINTER]],
  DTLSv1_listen: ['int', [POINTER, POINTER]],
  BIO_s_mem: [POINTER, []],
  BIO_new: [POINTER, [POINTER]],
  BIO_free: ['int', [POINTER]],
  BIO_read: ['int', [POINTER, POINTER, 'int']],
  BIO_write: ['int', [POINTER, POINTER, 'int']],
  BIO_ctrl: ['long', [POINTER, 'int', 'long', POINTER]],
  BIO_ADDR_new: [POINTER, []],
  PEM_read_bio_X509: [POINTER, [POINTER, POINTER, POINTER, POINTER]],
  PEM_read_bio_X509_CRL: [POINTER, [POINTER, POINTER, POINTER, POINTER]],
  PEM_read_bio_PrivateKey: [POINTER, [POINTER, POINTER, POINTER, POINTER]],
  X509_free: ['void', [POINTER]],
  X509_CRL_free: ['void', [POINTER]],
  EVP_PKEY_free: ['void', [POINTER]],
  X509_STORE_add_cert: ['int', [POINTER, POINTER]],
  X509_STORE_add_crl: ['int', [POINTER, POINTER]],
  X509_STORE_set_flags: ['int', [POINTER, 'ulong']],
  i2d_X509: ['int', [POINTER, POINTER]],
  ERR_clear_error: ['void', []],
  ERR_peek_last_error: ['ulong', []],
  ERR_reason_error_string: ['str', ['ulong']],
  memcpy: [POINTER, [POINTER, POINTER, 'size_t']],
} as const;

const CALLBACKS = {
  /** `(ssl, alert, argument)`, see SSL_CTX_set_client_hello_cb(3). */
  clientHello: ['int', [POINTER, POINTER, POINTER]],
  /** `(ssl, out, outLength, in, inLength, argument)`, see SSL_CTX_set_alpn_select_cb(3). */
  alpnSelect: ['int', [POINTER, POINTER, POINTER, POINTER, 'uint', POINTER]],
  /** `(ssl, cookie, length)`, see SSL_CTX_set_cookie_verify_cb(3). */
  cookieVerify: ['int', [POINTER, POINTER, 'uint']],
} as const;

/** Functions of ours that OpenSSL calls, always from within a call of this thread. */
export type OpenSslCallback = keyof typeof CALLBACKS;

/** The library once it is loaded, or the reason why there is none. */
let loaded: OpenSsl | string | undefined;

/** Tells whether this process carries an OpenSSL whose functions can be called; never throws. */
export function checkOpenSsl(): Support {
  loaded ??= load();
  return typeof loaded === 'string' ? { supported: false, reason: loaded } : { supported: true };
}

/**
 * The OpenSSL of this process.
 *
 * @throws Error when `checkOpenSsl` says that there is none.
 */
export function loadOpenSsl(): OpenSsl {
  loaded ??= load();
  if (typeof loaded === 'string') throw new Error(`OpenSSL is unavailable: ${loaded}`);
  return loaded;
}

/**
 * Makes a function of this thread callable for OpenSSL, for as long as the thread lives.
 *
 * @param handler - takes numbers, returns one; must not throw.
 * @returns its native address.
 */
export function registerCallback(
  kind: OpenSslCallback,
  handler: (...parameters: number[]) => number,
): number {
  const koffi = loadKoffi();
  const [result, parameters] = CALLBACKS[kind];
  const prototype = koffi.proto(result, [...parameters]);
  return Number(koffi.address(koffi.register(handler, koffi.pointer(prototype))));
}

function load(): OpenSsl | string {
  try {
    loadLibc();
    const library = loadKoffi().load(null);
    const functions = Object.entries(PROTOTYPES).map(([name, [result, parameters]]) => [
      name,
      library.func(name, result, [...parameters]),
    ]);
    return Object.fromEntries(functions) as OpenSsl;
  } catch (error) {
    return `OpenSSL cannot be called: ${error instanceof Error ? error.message : String(error)}`;
  }
}
