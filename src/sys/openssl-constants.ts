/**
 * Numbers of the public headers of OpenSSL 3 (ssl.h, tls1.h, prov_ssl.h, bio.h, x509_vfy.h), which are part of its ABI.
 *
 * Every export keeps its C name; `test/sys/layout.ts` compares them with a C compiler where the headers are there.
 */

/** Protocol versions on the wire. */
export const TLS1_2_VERSION = 0x0303;
export const TLS1_3_VERSION = 0x0304;
export const DTLS1_2_VERSION = 0xfefd;

/** Commands of SSL_CTX_ctrl and SSL_ctrl. */
export const SSL_CTRL_SET_MTU = 17;
export const SSL_CTRL_MODE = 33;
export const SSL_CTRL_SET_SESS_CACHE_MODE = 44;
export const SSL_CTRL_SET_MAX_CERT_LIST = 51;
export const SSL_CTRL_SET_TLSEXT_TICKET_KEYS = 59;
export const DTLS_CTRL_HANDLE_TIMEOUT = 74;
export const SSL_CTRL_CHAIN_CERT = 89;
export const SSL_CTRL_SET_GROUPS_LIST = 92;
export const SSL_CTRL_SET_MIN_PROTO_VERSION = 123;

/** Options of SSL_CTX_set_options. */
export const SSL_OP_NO_QUERY_MTU = 2 ** 12;
export const SSL_OP_NO_TICKET = 2 ** 14;
export const SSL_OP_NO_COMPRESSION = 2 ** 17;
export const SSL_OP_NO_ENCRYPT_THEN_MAC = 2 ** 19;
export const SSL_OP_PRIORITIZE_CHACHA = 2 ** 21;
export const SSL_OP_CIPHER_SERVER_PREFERENCE = 2 ** 22;
export const SSL_OP_NO_RENEGOTIATION = 2 ** 30;

/** Modes. */
export const SSL_MODE_AUTO_RETRY = 0x04;
export const SSL_MODE_RELEASE_BUFFERS = 0x10;

/** Mode of the session cache. */
export const SSL_SESS_CACHE_OFF = 0;

/** Results of SSL_get_error. */
export const SSL_ERROR_WANT_READ = 2;
export const SSL_ERROR_ZERO_RETURN = 6;

/** Results of callbacks. */
export const SSL_CLIENT_HELLO_SUCCESS = 1;
export const SSL_TLSEXT_ERR_OK = 0;
export const SSL_TLSEXT_ERR_NOACK = 3;

/** Modes of SSL_CTX_set_verify. */
export const SSL_VERIFY_NONE = 0;
export const SSL_VERIFY_PEER = 1;
export const SSL_VERIFY_FAIL_IF_NO_PEER_CERT = 2;

/** Commands of BIO_ctrl. */
export const BIO_CTRL_PENDING = 10;
export const BIO_C_SET_BUF_MEM_EOF_RETURN = 130;

/** Flags of X509_STORE_set_flags. */
export const X509_V_FLAG_CRL_CHECK = 0x4;
export const X509_V_FLAG_CRL_CHECK_ALL = 0x8;
